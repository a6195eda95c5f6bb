// Every rule of docs/protocol.md is cited by the title of a test, as `[MSG-3]`, and nothing else is cited.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where a rule is stated: `- **MSG-3** …`. */
function rulesOf(document: string): string[] {
  return [...document.matchAll(/^- \*\*([A-Z]+-\d+)\*\* /gm)].map(([, id = ""]) => id);
}

/** The citations at the start of test titles, in `it`, `test`, `describe` and their `.each`. */
function citationsOf(source: string): string[] {
  const titles = source.matchAll(/\(\s*["'`]((?:\[[A-Z]+-\d+\] ?)+)/g);
  return [...titles].flatMap(([, ids = ""]) => [...ids.matchAll(/[A-Z]+-\d+/g)].map(([id]) => id));
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function testFilesIn(folder: string): string[] {
  const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder), { recursive: true }) : [];
  return names.map((name) => join(folder, `${name}`)).filter((name) => name.endsWith(".test.ts"));
}

const rules = rulesOf(read("docs/protocol.md"));
const packages = readdirSync(join(root, "packages"));
const files = [...packages.map((name) => `packages/${name}/test`), "test"].flatMap(testFilesIn);
const citations = files.flatMap((file) => citationsOf(read(file)).map((id) => ({ id, file })));

it("every rule is cited by the title of a test", () => {
  const cited = new Set(citations.map(({ id }) => id));
  expect(rules.filter((id) => !cited.has(id))).toEqual([]);
});

it("every cited rule exists", () => {
  expect(citations.filter(({ id }) => !rules.includes(id))).toEqual([]);
});

it("the rules of each chapter are numbered from 1 without gaps", () => {
  const last = new Map<string, number>();
  for (const [chapter = "", number] of rules.map((id) => id.split("-"))) {
    expect(`${chapter}-${number}`).toBe(`${chapter}-${(last.get(chapter) ?? 0) + 1}`);
    last.set(chapter, Number(number));
  }
  expect([...last.keys()]).toEqual(["NET", "MSG", "VAL", "LIM", "CALL", "ERR", "INT", "REG", "LIFE"]);
});

it("citations are found in titles of every form, and only there", () => {
  const [open, rule] = ["(", "[MSG-1]"];
  expect(citationsOf(`it${open}"${rule} [MSG-2] a title", () => {})`)).toEqual(["MSG-1", "MSG-2"]);
  expect(citationsOf(`test.each([1])${open}\n  \`${rule} a title\`, run)`)).toEqual(["MSG-1"]);
  expect(citationsOf(`// see ${rule}\nit${open}"a title that mentions ${rule}", run)`)).toEqual([]);
});
