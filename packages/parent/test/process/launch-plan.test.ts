import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { SpawnError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import type { SpawnOptions } from "../../src/options.js";
import { type Executable, planLaunch } from "../../src/process/launch-plan.js";
import { temporaryDirectory } from "../support/temp-directory.js";

const node = process.execPath;

/** A script of this name in a fresh directory. */
function script(name: string): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, "");
  return path;
}

function planned(path: string | URL, executable?: Executable, options: SpawnOptions = {}): readonly string[] {
  const { program, args } = planLaunch(path, executable, options);
  return [program, ...args];
}

function refused(path: string, options: SpawnOptions = {}): SpawnError {
  try {
    planLaunch(path, undefined, options);
  } catch (error) {
    return error as SpawnError;
  }
  throw new Error("It should have been refused.");
}

describe("what runs a script, by its extension", () => {
  it.each([".js", ".mjs", ".cjs", ".MJS"])("%s: this Node", (extension) => {
    const path = script(`worker${extension}`);
    expect(planned(path)).toEqual([node, path]);
  });

  it(".py: python3, unbuffered", () => {
    const path = script("worker.py");
    expect(planned(path)).toEqual(["python3", path]);
    expect(planLaunch(path, undefined, {}).env).toEqual({ PYTHONUNBUFFERED: "1" });
    expect(planLaunch(script("worker.mjs"), undefined, {}).env).toEqual({});
  });

  it(".go: go run", () => {
    const path = script("worker.go");
    expect(planned(path)).toEqual(["go", "run", path]);
  });

  it.each(["worker", "worker.rb", "worker.exe"])("anything else is run itself: %s", (name) => {
    const path = script(name);
    expect(planned(path)).toEqual([path]);
  });

  const stripsTypes = "typescript" in process.features && Boolean(process.features.typescript);

  it.each([".ts", ".mts", ".cts"])(
    "%s: this Node where it strips types, else tsx as it is found from the script",
    (extension) => {
      const directory = temporaryDirectory();
      const path = join(directory, `worker${extension}`);
      writeFileSync(path, "");
      const tsx = join(directory, "node_modules", "tsx");
      mkdirSync(tsx, { recursive: true });
      writeFileSync(join(tsx, "package.json"), '{ "name": "tsx", "main": "loader.js" }');
      writeFileSync(join(tsx, "loader.js"), "");
      const loader = pathToFileURL(join(tsx, "loader.js")).href;
      expect(planned(path)).toEqual(stripsTypes ? [node, path] : [node, "--import", loader, path]);
    },
  );

  it("TypeScript without tsx, where Node does not strip types: NO_TYPESCRIPT_RUNNER, which says what to install", () => {
    const path = script("worker.ts");
    const cwd = join(path, "..");
    if (stripsTypes) {
      expect(planned(path, undefined, { cwd })).toEqual([node, path]);
      return;
    }
    const error = refused(path, { cwd });
    expect(error).toBeInstanceOf(SpawnError);
    expect(error).toMatchObject({ code: "NO_TYPESCRIPT_RUNNER", command: path, exitCode: null, signal: null });
    expect(error.message).toBe(
      `${path} is TypeScript, which Node ${process.versions.node} cannot run by itself. Install tsx ` +
        "(npm install --save-dev tsx), use Node 22.18 or later, or spawn the compiled .js file.",
    );
  });
});

describe("a given executable", () => {
  it("a program runs the script, whatever its extension", () => {
    const path = script("worker.py");
    expect(planned(path, "python3.12")).toEqual(["python3.12", path]);
  });

  it("an array is a program with leading arguments; what follows need not be a file", () => {
    expect(planned("my.module", ["python3", "-m"])).toEqual(["python3", "-m", "my.module"]);
  });

  it("`args` come after the script", () => {
    const path = script("worker.mjs");
    expect(planned(path, undefined, { args: ["--fast", "two words"] })).toEqual([node, path, "--fast", "two words"]);
  });
});

describe("where the script is", () => {
  it("a relative path starts from `cwd`", () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "worker.mjs"), "");
    const plan = planLaunch("./worker.mjs", undefined, { cwd: directory });
    expect(plan.args).toEqual([join(directory, "worker.mjs")]);
    expect(plan.cwd).toBe(directory);
  });

  it("a file URL is a path, as an object and as text, with whatever characters are in it", () => {
    const path = script("the wörker #1.mjs");
    expect(planned(pathToFileURL(path))).toEqual([node, path]);
    expect(planned(pathToFileURL(path).href)).toEqual([node, path]);
  });

  it("no such script: SCRIPT_NOT_FOUND, which says where it was looked for", () => {
    const cwd = temporaryDirectory();
    const error = refused("./nonesuch.mjs", { cwd });
    expect(error).toMatchObject({ code: "SCRIPT_NOT_FOUND", command: join(cwd, "nonesuch.mjs"), exitCode: null });
    expect(error.message).toBe(
      `There is no worker script at ${join(cwd, "nonesuch.mjs")}. A relative path starts from ${cwd}; to start from the ` +
        "calling file use new URL('./worker.js', import.meta.url).",
    );
  });

  it("no such working directory: SPAWN_FAILED, instead of a program that was not found", () => {
    const cwd = join(temporaryDirectory(), "nonesuch");
    expect(refused("worker.mjs", { cwd })).toMatchObject({
      code: "SPAWN_FAILED",
      message: `The working directory ${cwd} does not exist. Check the option cwd.`,
    });
  });
});

describe("the readable command", () => {
  it("quotes what a shell would split", () => {
    const directory = temporaryDirectory("it's here ");
    const path = join(directory, "worker.mjs");
    writeFileSync(path, "");
    const quoted = `'${path.replace("'", String.raw`'\''`)}'`;
    expect(planLaunch(path, "node", { args: ["$HOME", "plain"] }).command).toBe(`node ${quoted} '$HOME' plain`);
  });

  it("in a shell: the script's path is quoted, the caller's words are not", () => {
    const directory = temporaryDirectory("two words ");
    const path = join(directory, "worker.mjs");
    writeFileSync(path, "");
    const plan = planLaunch(path, "exec node", { shell: true, args: ["$HOME"] });
    expect(plan.shell).toBe(true);
    expect(plan.command).toBe(`exec node '${path}' $HOME`);
  });
});
