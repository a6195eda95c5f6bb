import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { SpawnError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import type { SpawnOptions } from "../../src/options.js";
import { checkScript, type Executable, planLaunch } from "../../src/process/launch-plan.js";
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

  it(".py: unbuffered", () => {
    expect(planLaunch(script("worker.py"), undefined, {}).env).toEqual({ PYTHONUNBUFFERED: "1" });
    expect(planLaunch(script("worker.py"), "python3.12", {}).env).toEqual({ PYTHONUNBUFFERED: "1" });
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
});

describe("what is given as the script", () => {
  const refusal = (path: unknown, executable?: Executable): unknown => {
    try {
      checkScript(path, executable);
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it.each([[""], [undefined], [null], [5], [{}], [["worker.js"]]])("%s is refused with what to write", (path) => {
    expect(refusal(path)).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(/^scriptPath must be the path of a script or a file URL, not .*new URL\(/),
    });
  });

  it.each(["http://example.com/worker.js", "https://example.com/worker.js", "data:,x", "node:fs"])(
    "%s is refused as a URL of another kind",
    (url) => {
      expect(refusal(new URL(url))).toMatchObject({
        code: "INVALID_OPTION",
        message: expect.stringMatching(/^scriptPath must be a path or a file URL, not ".*ParentWorker\.connect\(\)\.$/),
      });
    },
  );

  it("a URL as text is refused too, except where a program takes it", () => {
    expect(refusal("http://example.com/worker.js")).toMatchObject({ code: "INVALID_OPTION" });
    expect(refusal("https://example.com/worker.ts", ["deno", "run"])).toBeUndefined();
    expect(refusal("my.module", ["python3", "-m"])).toBeUndefined();
    expect(refusal("C:\\worker.js")).toBeUndefined();
    expect(refusal("file:///worker.js")).toBeUndefined();
  });

  it("a directory is no script, unless a program runs it", () => {
    const directory = temporaryDirectory();
    expect(refused(directory)).toMatchObject({
      code: "SCRIPT_NOT_FOUND",
      message: `${directory} is a directory, not a worker script. Name the file in it, or the program that runs it.`,
    });
    expect(planned(directory, "python3")).toEqual(["python3", directory]);
  });
});

describe("execArgv", () => {
  const execArgv = ["--max-old-space-size=100", "--no-warnings"];

  it("goes before the script, behind what runs it", () => {
    const path = script("worker.mjs");
    expect(planned(path, undefined, { execArgv, args: ["x"] })).toEqual([node, ...execArgv, path, "x"]);
    expect(planned(path, "node", { execArgv })).toEqual(["node", ...execArgv, path]);
    expect(planned("mod", ["python3", "-X", "dev"], { execArgv: ["-m"] })).toEqual([
      "python3",
      "-X",
      "dev",
      "-m",
      "mod",
    ]);
  });

  it("is refused where a script runs itself", () => {
    const path = script("worker");
    expect(refused(path, { execArgv })).toMatchObject({
      code: "SPAWN_FAILED",
      message: `${path} is run itself, so that nothing takes execArgv. Use args, or name the program that runs it.`,
    });
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
