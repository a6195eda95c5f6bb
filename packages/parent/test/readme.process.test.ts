// The README's examples run as they stand, and end by themselves.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, said } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** Where the built packages are: the examples stand in a directory without any. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@multifrost/parent": new URL("../dist/index.js", import.meta.url).href,
  "@multifrost/child": new URL("../../child/dist/index.js", import.meta.url).href,
  "@multifrost/transport": new URL("../../transport/dist/index.js", import.meta.url).href,
};

/** Writes every example that has a file name into a directory of the test's own. */
function examples(): string {
  const directory = temporaryDirectory();
  for (const [, name = "", code = ""] of readme.matchAll(/```js\n\/\/ (\S+\.mjs)\n(.*?)```/gs)) {
    const linked = code.replace(/from "(@multifrost\/\w+)"/g, (_all, id: string) => `from "${PACKAGES[id]}"`);
    writeFileSync(join(directory, name), linked);
  }
  return directory;
}

function output(directory: string, name: string, env: NodeJS.ProcessEnv = {}): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [join(directory, name)], {
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 15_000,
  });
  return { stdout, stderr };
}

describe("the README", () => {
  it("spawns a worker", () => {
    expect(output(examples(), "main.mjs")).toEqual({
      stdout: "3\n2\nREMOTE_ERROR: RangeError: division by zero\n[ 'add', 'divide' ]\n",
      stderr: "",
    });
  });

  it("calls a service", async () => {
    const env = { HOME: temporaryDirectory(), SERVICE_ID: "math-service", ANNOUNCE: "1" };
    await said(run("answers-calls.mjs", { env }), /(reachable)/);
    expect(output(examples(), "calls-a-service.mjs", { HOME: env.HOME })).toEqual({ stdout: "3\n", stderr: "" });
  });

  it("composes a transport", () => {
    expect(output(examples(), "in-one-process.mjs")).toEqual({ stdout: "Hello, world!\n", stderr: "" });
  });

  it("has every option, with the unit that its doc comment says", () => {
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
});
