// Compiles declarations with the real compiler, once for all of them.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type InterfaceDescription, interfaceDeclaration, readInterface } from "../../src/interface/index.js";
import { hostileInterface, PREDICTOR } from "./descriptions.js";

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const FLAGS = [
  "--noEmit",
  "--strict",
  "--pretty",
  "false",
  "--target",
  "es2022",
  "--module",
  "nodenext",
  "--types",
  "",
];

/** What the compiler says of these files; nothing, if all is well. */
async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "multifrost-declaration-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  const run = promisify(execFile)(process.execPath, [tsc, ...FLAGS, ...Object.keys(files)], {
    cwd: folder,
    maxBuffer: 2 ** 26,
  });
  return await run.then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => stdout + stderr,
  );
}

/** Compiles only if the interface has these methods and no others. */
function hasExactly(file: string, names: readonly string[]): string {
  const union = names.map((name) => JSON.stringify(name)).join(" | ") || "never";
  return `import type { Target } from "./${file}.js";
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
export const same: Same<keyof Target, ${union}> = true;
`;
}

test("[INT-3] the declaration of any description compiles and has exactly its methods", async () => {
  const seed = Date.now() % 2 ** 31;
  const descriptions = fc.sample(hostileInterface, { seed, numRuns: 250 }).map((given) => readInterface(given));
  const files: Record<string, string> = {};
  for (const [index, description] of descriptions.entries()) {
    const text = await interfaceDeclaration(description, { name: "Target" });
    const interfaces = 1 + Object.keys(description.types ?? {}).length;
    expect(text.match(/^export interface Target \{/gm), text).toHaveLength(1);
    expect(text.match(/^export /gm), text).toHaveLength(interfaces + 1);
    files[`typed${index}.ts`] = text;
    files[`declared${index}.d.ts`] = text;
    files[`check${index}.ts`] = hasExactly(`typed${index}`, Object.keys(description.functions));
  }
  expect(await compile(files), `seed ${seed}`).toBe("");
});

test("the compiler checks calls against the declaration", async () => {
  const predictor = await interfaceDeclaration(PREDICTOR, { name: "Predictor" });
  const use = (body: string): string => `import { PREDICTOR_HASH, type Predictor } from "./predictor.js";
declare const worker: Predictor;
export const hash: string = PREDICTOR_HASH;
${body}
`;
  const right = "export const labels: string[] = worker.predict([[1, 2]], null).map(({ label }) => label);";
  expect(await compile({ "predictor.ts": predictor, "right.ts": use(right) })).toBe("");
  const wrong = use('worker.predict(["a"]);\nworker.predikt([[1]]);\nworker.predict([[1]])[0]?.score.length;');
  const said = await compile({ "predictor.ts": predictor, "wrong.ts": wrong });
  expect(said.match(/wrong\.ts\((\d+),/g)).toEqual(["wrong.ts(4,", "wrong.ts(5,", "wrong.ts(6,"]);
});

test("a record may refer to itself and to others", async () => {
  const tree: InterfaceDescription = {
    functions: { root: { parameters: [], returns: { ref: "Node" } } },
    types: {
      Node: { fields: { next: { type: { ref: "Node" }, optional: true }, leaves: { type: { map: { ref: "Leaf" } } } } },
      Leaf: { fields: { of: { type: { union: [{ ref: "Node" }, "nil"] } } } },
    },
  };
  const text = await interfaceDeclaration(tree, { name: "Tree" });
  const use =
    'import type { Tree } from "./tree.js";\nexport const deep = (tree: Tree) => tree.root().next?.leaves.x?.of?.next;\n';
  expect(await compile({ "tree.ts": text, "use.ts": use })).toBe("");
});
