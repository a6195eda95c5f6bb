import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { judge, type KnownFailure, readKnownFailures } from "../interop/matrix/known-failures.ts";
import { casesOf, type Result } from "../interop/matrix/pair.ts";

const held: Result = { parent: "go", child: "rust", mode: "spawn", case: "values" };
const failing: Result = { ...held, failure: "it was 6, not 5" };
const known: KnownFailure = { ...held, reason: "the library cannot" };

it("an unknown failure fails the matrix", () => {
  expect(judge([failing], [])).toEqual({ failed: [failing], expected: [], stale: [] });
});

it("a known failure does not fail the matrix", () => {
  expect(judge([failing], [known])).toEqual({ failed: [], expected: [failing], stale: [] });
});

it("a known failure of another pair, mode or case does not excuse a failure", () => {
  for (const other of [{ parent: "python" }, { child: "go" }, { mode: "connect" }, { case: "binary" }]) {
    expect(judge([failing], [{ ...known, ...other }]).failed).toEqual([failing]);
  }
});

it("a known failure that passed is stale; one that did not run is not", () => {
  expect(judge([held], [known]).stale).toEqual([known]);
  expect(judge([], [known]).stale).toEqual([]);
});

it("pairs of TypeScript have no known failures", () => {
  expect(readKnownFailures().filter(({ parent, child }) => parent === "typescript" && child === "typescript")).toEqual(
    [],
  );
});

it("interop/README.md has a row for every case and no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../interop/README.md"), "utf8");
  const rows = page.slice(page.indexOf("| case ")).matchAll(/^\| `([\w-]+)` /gm);
  expect([...rows].map(([, name]) => name).sort()).toEqual([...casesOf("connect")].sort());
});
