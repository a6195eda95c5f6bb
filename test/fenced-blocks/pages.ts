import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Block, root } from "./blocks.ts";

const run = promisify(execFile);
const folder = join(root, "test/.fenced-blocks");
const contexts = join(import.meta.dirname, "context");

const EXTENSIONS: Readonly<Record<string, string>> = { ts: "ts", js: "mjs", python: "py" };

/** The folder for the blocks of a document, which import each other by the names in their first lines. */
export function pageFolder(file: string): string {
  return join(folder, file.replaceAll("/", "+"));
}

/** The file that a block is written to. */
export function programOf(block: Block): string {
  return block.name ?? `line-${block.line}.${EXTENSIONS[block.language]}`;
}

/** Writes every TypeScript, JavaScript and Python block to a file. Throws where two blocks of a page have one name. */
export function writePages(blocks: readonly Block[]): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  for (const block of blocks.filter(({ language }) => language in EXTENSIONS)) {
    const page = pageFolder(block.file);
    mkdirSync(join(page, "home"), { recursive: true });
    const path = join(page, programOf(block));
    if (existsSync(path)) {
      throw new Error(`${block.file}:${block.line}: another block is ${programOf(block)} too`);
    }
    writeFileSync(path, withContext(block));
  }
  for (const block of blocks.filter(({ language }) => language === "ts" || language === "js")) {
    copyContexts(block);
  }
}

/** The code, after an import of the names that it uses from its context module. */
function withContext({ code, checks }: Block): string {
  if (checks.with === undefined) {
    return code;
  }
  const context = readFileSync(join(contexts, `${checks.with}.ts`), "utf8");
  const exported = [...context.matchAll(/^export (?:declare )?(const|function|class|interface|type) (\w+)/gm)];
  const used = exported.filter(([, , name]) => new RegExp(`\\b${name}\\b`).test(code));
  const names = used.map(([, kind, name]) => (kind === "interface" || kind === "type" ? `type ${name}` : name));
  // On the first line, so that the lines of the code differ by one from those of the file.
  return `import { ${names.join(", ")} } from "./${checks.with}.js";\n${code}`;
}

/** Copies the context modules that a block imports and no block of its page is. */
function copyContexts(block: Block): void {
  const page = pageFolder(block.file);
  const imported = [...withContext(block).matchAll(/from "\.\/([\w-]+)\.js"/g)].map(([, name]) => `${name}.ts`);
  for (const name of imported.filter((each) => existsSync(join(contexts, each)) && !existsSync(join(page, each)))) {
    copyFileSync(join(contexts, name), join(page, name));
  }
}

/** Type-checks all TypeScript blocks against the built packages; the errors of each file, by path below the folder. */
export async function checkTypes(): Promise<Map<string, string[]>> {
  const options = {
    extends: "../../tsconfig.base.json",
    compilerOptions: {
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
      customConditions: [],
      moduleDetection: "force",
      // Examples leave out what they do not show.
      noUnusedLocals: false,
      noUncheckedIndexedAccess: false,
      lib: ["ES2024", "ESNext.Disposable", "DOM"],
    },
    include: ["*/*.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", ".", "--pretty", "false"], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  const errors = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const [, path, message] = /^([^(\s][^(]*)\((.*)$/.exec(line) ?? [];
    if (path !== undefined && message !== undefined) {
      errors.set(path, [...(errors.get(path) ?? []), `(${message}`]);
    } else if (/^error /.test(line)) {
      throw new Error(line);
    }
  }
  return errors;
}
