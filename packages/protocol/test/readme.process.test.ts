import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../src/index.js";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${folder}README.md`, "utf8");

/** The code blocks of one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(([, text = ""]) => text);
}

it("each example runs as it stands and prints what the README says", () => {
  const [programs, outputs] = [blocks("js"), blocks("text")];
  expect(programs.length).toBe(2);
  for (const [index, program] of programs.entries()) {
    // From inside the package, whose name Node then resolves to itself: to `dist`, as users have it.
    const options = { cwd: folder, input: program, encoding: "utf8" } as const;
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-"], options);
    expect({ stdout, stderr, status }).toEqual({ stdout: outputs[index], stderr: "", status: 0 });
  }
});

it("the limits in the README are the defaults", () => {
  const rows = [...readme.matchAll(/^\| `(max\w+)` +\| ([\d ]+?) +\|/gm)];
  expect(Object.fromEntries(rows.map(([, name, value = ""]) => [name, Number(value.replaceAll(" ", ""))]))).toEqual(
    DEFAULT_LIMITS,
  );
});
