import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const programs = [...readFileSync(`${folder}README.md`, "utf8").matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

/** Runs from inside the package, whose name Node then resolves to itself: to `dist`, as users have it. */
function run(code: string | undefined): { stdout: string; stderr: string; status: number | null } {
  const options = { cwd: folder, input: code, encoding: "utf8", timeout: 15_000 } as const;
  return spawnSync(process.execPath, ["--input-type=module", "-"], options);
}

test("the example in the README runs as printed: opens the circuit, recovers and exits", () => {
  const { stdout, stderr, status } = run(programs[0]);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  expect(stdout).toContain("circuit: closed -> open (failures)");
  expect(stdout).toContain("circuit: half-open -> closed (trial-succeeded)");
  expect(stdout).toContain("answer: hello");
  expect(stdout).toContain("requestsSuccess: 1,");
});

test("the example about testing runs as printed", () => {
  expect(run(programs.at(-1))).toMatchObject({ stdout: "half-open\n", stderr: "", status: 0 });
});
