import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);

it("every option refuses what it must not be: the campaign of wrong values", async () => {
  const script = join(import.meta.dirname, "../chaos/run.mjs");
  const { stdout } = await run(process.execPath, [script, "options", "--times", "1", "--seed", "1"], {
    timeout: 55_000,
  });
  expect(stdout).toMatch(/accepted against the documents +0 /);
  expect(stdout).not.toContain("MISSED");
});

it("hostile frames end nothing, and honest calls are answered meanwhile: the short form of the campaign", async () => {
  const script = join(import.meta.dirname, "../chaos/run.mjs");
  const { stdout } = await run(process.execPath, [script, "frames", "--short", "--seed", "1"], { timeout: 55_000 });
  expect(stdout).not.toContain("MISSED");
  expect(stdout.match(/: hostile frames +3 000/g)).toHaveLength(6);
});

it.runIf(process.platform === "linux")(
  "parents that are killed leave nothing: the short form of the campaign",
  async () => {
    const script = join(import.meta.dirname, "../chaos/run.mjs");
    const { stdout } = await run(process.execPath, [script, "parent-kills", "--times", "10", "--seed", "1"], {
      timeout: 55_000,
    });
    expect(stdout).toMatch(/processes left after 2 s +0 /);
  },
);
