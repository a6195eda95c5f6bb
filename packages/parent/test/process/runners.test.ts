import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { SpawnError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import { type Runtime, runnerFor } from "../../src/process/runners.js";
import { temporaryDirectory } from "../support/temp-directory.js";

const node = process.execPath;
const OLDER: Runtime = { stripsTypes: false, isElectron: false, execArgv: [] };
const NEWER: Runtime = { ...OLDER, stripsTypes: true };

/** Puts a tsx where the programs of this directory find it; returns its loader. */
function installTsx(directory: string): string {
  const tsx = join(directory, "node_modules", "tsx");
  mkdirSync(join(tsx, "dist"), { recursive: true });
  writeFileSync(join(tsx, "package.json"), '{ "name": "tsx", "main": "dist/loader.js" }');
  writeFileSync(join(tsx, "dist", "loader.js"), "");
  return pathToFileURL(join(tsx, "dist", "loader.js")).href;
}

function command(script: string, runtime: Runtime, env = {}, cwd = dirname(script)): readonly string[] {
  return runnerFor(script, cwd, env, runtime).command;
}

/** A directory that is in no project. */
const elsewhere = (): string => temporaryDirectory();

describe.each([".ts", ".mts", ".cts"])("%s", (extension) => {
  it("runs with the tsx of the script's project, also where this Node strips types", () => {
    const directory = temporaryDirectory();
    const loader = installTsx(directory);
    mkdirSync(join(directory, "src"));
    const script = join(directory, "src", `worker${extension}`);
    expect(command(script, NEWER)).toEqual([node, "--import", loader]);
    expect(command(script, OLDER)).toEqual([node, "--import", loader]);
  });

  it("runs with the tsx of the working directory", () => {
    const cwd = temporaryDirectory();
    const loader = installTsx(cwd);
    expect(command(join(elsewhere(), `worker${extension}`), NEWER, {}, cwd)).toEqual([node, "--import", loader]);
  });

  it("runs with the tsx that this process runs under", () => {
    const loader = installTsx(temporaryDirectory());
    const script = join(elsewhere(), `worker${extension}`);
    const preflight = ["--require", "/x/tsx/dist/preflight.cjs"];
    for (const execArgv of [[...preflight, "--import", loader], [`--import=${loader}`]]) {
      expect(command(script, { ...NEWER, execArgv })).toEqual([node, "--import", loader]);
    }
    expect(command(script, NEWER, { NODE_OPTIONS: "--import tsx" })).toEqual([node]);
  });

  it("runs with this Node where there is no tsx and types are stripped", () => {
    expect(command(join(elsewhere(), `worker${extension}`), NEWER)).toEqual([node]);
  });
});

it("TypeScript that nothing here can run: NO_TYPESCRIPT_RUNNER, which says what to install", () => {
  const path = join(elsewhere(), "worker.ts");
  const run = () => command(path, OLDER);
  expect(run).toThrow(SpawnError);
  expect(run).toThrow(expect.objectContaining({ code: "NO_TYPESCRIPT_RUNNER", command: path, exitCode: null }));
  expect(run).toThrow(
    `${path} is TypeScript, which Node ${process.versions.node} cannot run by itself. Install tsx ` +
      "(npm install --save-dev tsx), use Node 22.18 or later, or spawn the compiled .js file.",
  );
});

it.each([".tsx", ".jsx"])("%s runs with tsx, and with nothing else", (extension) => {
  const directory = temporaryDirectory();
  const path = join(directory, `worker${extension}`);
  expect(() => command(path, NEWER)).toThrow(
    `${path} is JSX, which Node cannot run by itself. Install tsx (npm install --save-dev tsx), or spawn the compiled .js file.`,
  );
  const loader = installTsx(directory);
  expect(command(path, NEWER)).toEqual([node, "--import", loader]);
});

it("under Electron, its program runs as Node", () => {
  const electron = { ...NEWER, isElectron: true };
  for (const name of ["worker.mjs", "worker.ts"]) {
    expect(runnerFor(join(elsewhere(), name), elsewhere(), {}, electron)).toMatchObject({
      command: [node],
      env: { ELECTRON_RUN_AS_NODE: "1" },
    });
  }
  expect(runnerFor("worker.py", elsewhere(), {}, electron)).not.toHaveProperty("env");
});

describe("an early exit where types were stripped", () => {
  const hint = (stderr: string): string =>
    runnerFor(join(elsewhere(), "w.ts"), elsewhere(), {}, NEWER).hint?.(stderr) ?? "";

  it.each([
    "SyntaxError [ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX]: TypeScript enum is not supported in strip-only mode",
    "SyntaxError [ERR_INVALID_TYPESCRIPT_SYNTAX]: x",
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/app/x.js' imported from /app/worker.ts",
  ])("by %s names tsx", (stderr) => {
    expect(hint(`${stderr}\n    at …`)).toMatch(
      /^Node runs TypeScript by removing its types: .*npm install --save-dev tsx/,
    );
  });

  it.each([
    "TypeError: x is undefined",
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'left-pad' imported from /a.ts",
  ])("by %s does not", (stderr) => expect(hint(stderr)).toBe(""));
});

describe(".py", () => {
  const inside = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  const outside = process.platform === "win32" ? "python" : "python3";

  /** An environment as `python -m venv` lays it out; returns its interpreter. */
  function makeEnvironment(directory: string): string {
    const interpreter = join(directory, ...inside);
    mkdirSync(dirname(interpreter), { recursive: true });
    writeFileSync(interpreter, "");
    return interpreter;
  }

  it("runs with python3 of the PATH", () => {
    const runner = runnerFor(join(elsewhere(), "worker.py"), elsewhere(), {}, NEWER);
    expect(runner.command).toEqual([outside]);
    expect(runner).not.toHaveProperty("note");
  });

  it("runs with a .venv next to the script, and the log says so", () => {
    const directory = temporaryDirectory();
    const interpreter = makeEnvironment(join(directory, ".venv"));
    expect(runnerFor(join(directory, "worker.py"), elsewhere(), {}, NEWER)).toMatchObject({
      command: [interpreter],
      note: "with the Python of the .venv next to it",
    });
  });

  it("runs with VIRTUAL_ENV rather than a .venv, if there is an interpreter in it", () => {
    const directory = temporaryDirectory();
    const beside = makeEnvironment(join(directory, ".venv"));
    const chosen = temporaryDirectory();
    const script = join(directory, "worker.py");
    expect(command(script, NEWER, { VIRTUAL_ENV: chosen })).toEqual([beside]);
    const interpreter = makeEnvironment(chosen);
    expect(runnerFor(script, elsewhere(), { VIRTUAL_ENV: chosen }, NEWER)).toMatchObject({
      command: [interpreter],
      note: "with the Python of VIRTUAL_ENV",
    });
  });

  it("a missing module: the hint names the interpreter and the ways to choose another", () => {
    const { hint } = runnerFor(join(elsewhere(), "worker.py"), elsewhere(), {}, NEWER);
    expect(hint?.("Traceback …\nModuleNotFoundError: No module named 'torch'")).toBe(
      `The interpreter ${outside} has no module 'torch'. Install it there, or choose another interpreter: by the second ` +
        'argument, ParentWorker.spawn(script, "/path/to/python"); by VIRTUAL_ENV; or by a .venv next to the script.',
    );
    expect(hint?.("ValueError: no")).toBe("");
  });
});
