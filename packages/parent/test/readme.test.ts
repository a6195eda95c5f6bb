import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("the README lists every option with the unit of its doc comment", () => {
  const source = readFileSync(new URL("../src/options.ts", import.meta.url), "utf8");
  const declared = [...source.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}(\w+)\?:/gs)];
  expect(declared.length).toBeGreaterThan(20);
  for (const [, comment = "", name = ""] of declared) {
    const row = new RegExp(`^\\| \`${name}\` .*$`, "m").exec(readme)?.[0] ?? "";
    expect(row, name).not.toBe("");
    expect(row.includes("**seconds**"), `${name} in seconds`).toBe(comment.includes("**seconds**"));
    expect(row.includes("milliseconds"), `${name} in milliseconds`).toBe(comment.includes("milliseconds"));
  }
});
