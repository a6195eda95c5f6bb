import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../src/index.js";

it("the README lists the default limits", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| `(max\w+)` +\| ([\d ]+?) +\|/gm)];
  expect(Object.fromEntries(rows.map(([, name, value = ""]) => [name, Number(value.replaceAll(" ", ""))]))).toEqual(
    DEFAULT_LIMITS,
  );
});
