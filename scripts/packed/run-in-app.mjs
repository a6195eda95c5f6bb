// What is run in the project that has all packages.

import { join } from "node:path";
import { ROOT } from "../packages.mjs";
import { Failure } from "./command.mjs";
import { runBundled } from "./run-bundled.mjs";

/** Each step with its title. */
export function commonSteps(app, empty) {
  const node = (...args) => script(app, [process.execPath, ...args]);
  const tsx = (...args) => script(app, [process.execPath, "--import", "tsx", ...args]);
  return [
    ["a parent and a child in plain JavaScript", () => node("javascript/parent.js")],
    ["a parent and a child in TypeScript, run by tsx", () => tsx("typescript/parent.ts")],
    ['a parent and a child in CommonJS, by require("multifrost")', () => node("commonjs/parent.cjs")],
    ["a service, found by its name in a fresh home directory", () => node("service/caller.js")],
    ["multifrost/parent, /child and /errors have what multifrost has", () => node("subpaths/subpaths.js")],
    ["every entry point loads, by import and by require", () => node("subpaths/every-subpath.js")],
    ["multifrost/child loads no code of the parent", () => node("subpaths/child-alone.js")],
    [
      "a transport of one's own carries calls",
      () => app.run([process.execPath, "--import", "tsx", "own-transport/main.ts"]),
    ],
    ["neither parent nor worker loads native code, which is installed", () => node("bundled/program.js")],
    ["esbuild makes one file of parent and worker, which runs without the packages", () => runBundled(app, empty)],
    ["a transport of one's own passes the contract suite", () => contract(app)],
    ["a worker tested in node:test, vitest and Jest", () => runners(app)],
    ["the types, strict", () => typeCheck(app, "tsconfig.json")],
    ["the types, strict, with every declaration file checked", () => typeCheck(app, "tsconfig.libraries.json")],
  ];
}

/** The last line says that the script got to its end: a script whose work is cut short may exit with 0 as well. */
export async function script(app, command) {
  const output = await app.run(command, 120);
  if (!output.endsWith("done\n")) {
    throw new Failure(`${command.join(" ")} did not get to its end:\n${output}`);
  }
}

async function contract(app) {
  const command = [process.execPath, "--import", "tsx", "--test", "own-transport/contract.test.ts"];
  const report = await app.run(command, 120);
  if (!/^# pass [1-9]/m.test(report) && !/^ℹ pass [1-9]/m.test(report)) {
    throw new Failure(`no case was run:\n${report}`);
  }
}

/** The same test three times, each time by its runner. */
async function runners(app) {
  await app.install(["vitest@4", "jest@30"]);
  await app.run([process.execPath, "--test", "testing/node.test.js"], 120);
  await app.run([join("node_modules", ".bin", "vitest"), "run", "testing/vitest.spec.js"], 120);
  const jest = join("node_modules", "jest", "bin", "jest.js");
  await app.run(
    [process.execPath, "--experimental-vm-modules", jest, "testing/jest.check.js", "--testRegex", "check"],
    120,
  );
}

/** With the repository's compiler, against the installed packages. */
export async function typeCheck(app, config, options = []) {
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await app.run([process.execPath, tsc, "-p", join("types", config), ...options], 120);
}
