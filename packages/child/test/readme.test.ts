import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { resolveChildOptions } from "../src/options.js";

const readme = readFileSync(fileURLToPath(new URL("../README.md", import.meta.url)), "utf8");

test("the README lists every option with its default", () => {
  const rows = new Map([...readme.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, name, text]) => [name, text]));
  const { stopTimeout, maxPending, maxPendingBytes, ...words } = resolveChildOptions();
  expect(Number(rows.get("maxPending")?.replaceAll(" ", ""))).toBe(maxPending);
  expect(Number(rows.get("maxPendingBytes")?.replaceAll(" ", ""))).toBe(maxPendingBytes);
  expect(Number(rows.get("stopTimeout"))).toBe(stopTimeout);
  for (const [name, value] of Object.entries(words)) {
    expect([name, rows.get(name)]).toEqual([name, `\`${value}\``]);
  }
  const source = readFileSync(fileURLToPath(new URL("../src/options.ts", import.meta.url)), "utf8");
  const declared = /interface ChildOptions \{(.*?)\n\}/s.exec(source)?.[1] ?? "";
  const names = [...declared.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !rows.has(name))).toEqual([]);
});
