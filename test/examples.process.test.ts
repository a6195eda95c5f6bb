import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

/** Runs what a reader runs, with Node alone. */
async function tsx(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ["--import", "tsx", ...args], { cwd: root, timeout: 50_000 });
  return stdout;
}

it("the demo runs and its answers are right", async () => {
  expect(await tsx("examples/demo/main.ts")).toContain("Everything worked.");
});

it("a custom transport carries calls", async () => {
  await tsx("examples/own-transport/main.ts");
});

it("the custom transport keeps the channel contract", async () => {
  const tests = ["contract", "strangers"].map((name) => `examples/own-transport/${name}.test.ts`);
  const report = await tsx("--test", ...tests);
  expect(report).toContain("fail 0");
  expect(report).not.toContain("pass 0");
});
