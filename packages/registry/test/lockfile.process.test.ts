import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryDirectory } from "./support/temp-directory.js";

const registry = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);

/** Runs a module that has `createFileRegistry`, `directory` and `state()`; returns what it prints. */
function run(code: string): unknown {
  const before = `import { createFileRegistry } from ${registry};
    const directory = ${JSON.stringify(temporaryDirectory())};
    const emit = process.emit, reallyExit = process.reallyExit;
    const state = () => [process.emit === emit, process.reallyExit === reallyExit, process.listenerCount("SIGTERM")];`;
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", `${before}${code}`], {
    cwd,
    encoding: "utf8",
  });
  return JSON.parse(output);
}

it("after a write, process.emit, process.reallyExit and the signals are as they were", () => {
  const code = `
    const registry = createFileRegistry({ directory });
    const states = [];
    for (const port of [2000, 3000]) {
      await Promise.all([registry.register({ serviceId: "one" + port, port }), registry.register({ serviceId: "two" + port, port })]);
      await new Promise(setImmediate);
      states.push(state());
    }
    console.log(JSON.stringify(states));`;
  expect(run(code)).toEqual([
    [true, true, 0],
    [true, true, 0],
  ]);
});
