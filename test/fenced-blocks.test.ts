// Every fenced block of every document is compiled, run or otherwise checked, once. A title says how.

import { execFile, execFileSync } from "node:child_process";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, listDocuments, readBlocks } from "./fenced-blocks/blocks.ts";
import { CHECKS } from "./fenced-blocks/other-languages.ts";
import { checkTypes, pageFolder, programOf, writePages } from "./fenced-blocks/pages.ts";
import { endService, hasPython, run, startService } from "./fenced-blocks/programs.ts";

const execute = promisify(execFile);
const documents = listDocuments();
const blocks = documents.flatMap((file) => readBlocks(file));
const python = hasPython("");
const workers = hasPython("import msgpack");

let typeErrors: Map<string, string[]>;

beforeAll(async () => {
  writePages(blocks);
  typeErrors = await checkTypes();
});

describe.each(documents.filter((file) => blocks.some((block) => block.file === file)))("%s", (file) => {
  const page = blocks.filter((block) => block.file === file);
  const services = page.filter((block) => block.checks.service && (workers || !needsWorkers(block)));
  let started: ReturnType<typeof startService>[] = [];

  beforeAll(() => {
    started = services.map(startService);
  });

  afterAll(async () => {
    expect(await Promise.all(started.map(endService))).toEqual(services.map(() => 0));
  });

  for (const [index, block] of page.entries()) {
    const title = `line ${block.line}, ${block.language || "no language"}`;

    switch (block.language) {
      case "ts":
        it(`${title}: types are right`, () => {
          const path = relative(join(pageFolder(file), ".."), join(pageFolder(file), programOf(block)));
          expect(typeErrors.get(path) ?? []).toEqual([]);
        });
        break;
      case "js":
        it(`${title}: parses`, async () => {
          await execute(process.execPath, ["--check", programOf(block)], { cwd: pageFolder(file) });
        });
        break;
      case "python":
        it.skipIf(!python)(`${title}: compiles`, () => {
          execFileSync("python3", ["-m", "py_compile", programOf(block)], { cwd: pageFolder(file), stdio: "pipe" });
        });
        break;
      default:
        it(`${title}: ${CHECKS[block.language]?.title ?? "has a known language"}`, () => {
          expect(CHECKS[block.language]?.faults(block) ?? ["nothing checks this language"]).toEqual([]);
        });
    }

    if (block.checks.run) {
      it.skipIf(!workers && needsWorkers(block))(`${title}: runs and ends by itself`, async () => {
        const { stdout, stderr } = await run(block);
        expect(stderr).toBe("");
        for (const part of block.checks.contains?.split(" | ") ?? []) {
          expect(stdout).toContain(part);
        }
        const printed = expectedOutput(block, page[index + 1]);
        if (printed !== undefined) {
          expect(stdout.trim()).toBe(printed);
        }
      });
    }
  }
});

/** Whether a program needs python3 with msgpack. */
function needsWorkers({ checks, language }: Block): boolean {
  return checks.needs === "python" || language === "python";
}

/** What a program prints: its check says it, or the `text` block after it. */
function expectedOutput({ checks }: Block, next: Block | undefined): string | undefined {
  return checks.prints ?? (next?.language === "text" ? next.code.trim() : undefined);
}

it("a block is found with its language, name and checks", () => {
  const text =
    "\n<!-- check: run; prints: a: 1 -->\n\n```ts\n// main.ts\nlog();\n```\n\n- x\n\n  ~~~sh title\n  ls\n  ~~~\n";
  expect(readBlocks("page.md", text)).toEqual([
    {
      file: "page.md",
      line: 4,
      language: "ts",
      code: "// main.ts\nlog();\n",
      name: "main.ts",
      checks: { run: true, prints: "a: 1" },
    },
    { file: "page.md", line: 11, language: "sh", code: "ls\n", name: undefined, checks: {} },
  ]);
});

it("a check that is misspelt, or that no block follows, is an error", () => {
  expect(() => readBlocks("page.md", "<!-- check: rum -->\n\n```ts\n```\n")).toThrow("page.md:1: 'rum' is not a check");
  expect(() => readBlocks("page.md", "<!-- check: run -->\n\ntext\n")).toThrow("page.md:3: no block follows");
  expect(() => readBlocks("page.md", "```ts\n")).toThrow("page.md:1: the block never ends");
});
