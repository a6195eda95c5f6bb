import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { casesOf } from "../interop/matrix/pair.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/support-matrix.md"), "utf8");

/** Where each language has its tests, and how it writes a test's name. */
const TESTS = {
  Python: { folders: ["peers/python/tests"], name: /^def (test_\w+)/gm },
  Go: { folders: ["peers/go"], name: /^func (Test\w+)/gm },
  Rust: { folders: ["peers/rust/tests", "peers/rust/src"], name: /^ *(?:async )?fn (\w+)/gm },
};

it.each(Object.entries(TESTS))("every test that the support matrix names exists: %s", (language, { folders, name }) => {
  const sources = folders.flatMap(filesIn).map((file) => readFileSync(file, "utf8"));
  const known = new Set(sources.flatMap((source) => [...source.matchAll(name)].map((match) => match[1] as string)));
  const named = columnOf(language).flatMap((cell) =>
    [...cell.matchAll(/`([A-Za-z]+_\w+|Test\w+)`/g)].map((match) => match[1] as string),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((test) => !known.has(test))).toEqual([]);
});

it("every row has a test, a case of the matrix or a reason for each language", () => {
  for (const language of Object.keys(TESTS)) {
    expect(columnOf(language).filter((cell) => cell === "")).toEqual([]);
  }
});

it("every case that the support matrix names exists in the matrix", () => {
  const named = [...page.matchAll(/`matrix: ([\w-]+)`/g)].map((match) => match[1] as string);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !casesOf("connect").includes(name))).toEqual([]);
});

function filesIn(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => /\.(py|go|rs)$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
}

/** The cells of a language's column, in all tables that have one. */
function columnOf(language: string): string[] {
  const cells: string[] = [];
  let column = -1;
  for (const line of page.split("\n")) {
    const row = line.split("|").map((cell) => cell.trim());
    if (row.length < 3) {
      column = -1;
    } else if (column === -1) {
      column = row.indexOf(language);
    } else if (!row[column]?.startsWith("--")) {
      cells.push(row[column] ?? "");
    }
  }
  return cells;
}
