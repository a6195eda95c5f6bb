import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as ours from "../../src/errors/index.js";
import { MultifrostError, RemoteCallError, TimeoutError, WorkerExitedError } from "../../src/errors/index.js";

type Errors = typeof ours;

const folder = fileURLToPath(new URL("../..", import.meta.url));
let copyFolder: string;
/** Two more copies: the built package, and the built package installed a second time. */
let copies: Errors[];

beforeAll(async () => {
  copyFolder = mkdtempSync(join(tmpdir(), "multifrost-errors-"));
  writeFileSync(join(copyFolder, "package.json"), '{"type":"module"}');
  cpSync(join(folder, "dist"), copyFolder, { recursive: true });
  const files = [join(folder, "dist/errors/index.js"), join(copyFolder, "errors/index.js")];
  copies = await Promise.all(files.map((file) => import(pathToFileURL(file).href) as Promise<Errors>));
});

afterAll(() => {
  rmSync(copyFolder, { recursive: true });
});

const exit = {
  exitCode: 1,
  signal: null,
  stderrTail: "",
  command: "c",
  stdoutTail: "",
  uptimeMs: 1_200,
  callsInFlight: 0,
  hint: undefined,
};

describe("instanceof between copies of the package", () => {
  it("uses real copies", () => {
    expect(new Set([MultifrostError, ...copies.map((copy) => copy.MultifrostError)]).size).toBe(3);
  });

  it("is true for the class and its base classes, and not for others", () => {
    const all = [ours, ...copies];
    for (const from of all) {
      for (const to of all) {
        const error = new from.WorkerExitedError("gone", exit);
        expect(error instanceof to.WorkerExitedError).toBe(true);
        expect(error instanceof to.RemoteCallError).toBe(true);
        expect(error instanceof to.MultifrostError).toBe(true);
        expect(error instanceof to.TimeoutError).toBe(false);
        expect(error instanceof to.SpawnError).toBe(false);
        expect(error instanceof Error).toBe(true);
        expect(new from.RemoteCallError("m", { remoteMessage: "m" }) instanceof to.WorkerExitedError).toBe(false);
      }
    }
  });

  it("is true for a user's subclass, which itself is checked as usual", () => {
    class Mine extends TimeoutError {}
    class Other extends TimeoutError {}
    const mine = new Mine("late", { timeoutMs: 5 });
    expect(mine instanceof Mine).toBe(true);
    expect(mine instanceof Other).toBe(false);
    expect(new TimeoutError("late", { timeoutMs: 5 }) instanceof Mine).toBe(false);
    for (const copy of copies) {
      expect(mine instanceof copy.TimeoutError).toBe(true);
      expect(mine instanceof copy.MultifrostError).toBe(true);
      expect(mine instanceof copy.AbortError).toBe(false);
      class Theirs extends copy.TimeoutError {}
      expect(mine instanceof Theirs).toBe(false);
      expect(new Theirs("late", { timeoutMs: 5 }) instanceof TimeoutError).toBe(true);
    }
  });

  it("is false for everything else and never throws", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const lookalike = { name: "TimeoutError", code: "TIMEOUT", message: "late" };
    for (const value of [
      null,
      undefined,
      5,
      "TimeoutError",
      Symbol("s"),
      {},
      new Error("m"),
      lookalike,
      proxy,
      () => 1,
    ]) {
      expect((value as unknown) instanceof MultifrostError).toBe(false);
      expect((value as unknown) instanceof TimeoutError).toBe(false);
    }
  });
});

describe("every error", () => {
  it("has its class's name, its code, and its cause if there is one", () => {
    const cause = new Error("why");
    const error = new MultifrostError("ABORTED", "m", { cause });
    expect(error).toMatchObject({ name: "MultifrostError", code: "ABORTED", message: "m" });
    expect(error.cause).toBe(cause);
    expect("cause" in new MultifrostError("ABORTED", "m")).toBe(false);
    expect("cause" in new MultifrostError("ABORTED", "m", { cause: undefined })).toBe(false);
  });

  it("has the name of a user's class that extends it", () => {
    class TooSlow extends TimeoutError {}
    expect(new TooSlow("late", { timeoutMs: 1 }).name).toBe("TooSlow");
  });

  it("has name and message at the top of its stack, and does not print its brand", () => {
    const error = new RemoteCallError("it failed", { remoteMessage: "failed" });
    expect(error.stack).toMatch(/^(Remote|Multifrost)?(Call)?Error: it failed\n/);
    expect(Object.keys(error)).not.toContain("name");
    expect(
      Object.getOwnPropertySymbols(error).filter((symbol) => Object.propertyIsEnumerable.call(error, symbol)),
    ).toEqual([]);
  });

  it("can be cloned, without its fields, as other errors", () => {
    const clone: unknown = structuredClone(new WorkerExitedError("gone", exit));
    expect(clone instanceof Error).toBe(true);
    expect(clone instanceof WorkerExitedError).toBe(false);
  });
});
