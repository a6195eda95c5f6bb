import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { createFileRegistry } from "../src/index.js";
import { end, finished, nextMessage, startFixture, startIdle } from "./support/processes.js";
import { placeServices, temporaryDirectory } from "./support/temp-directory.js";

/** Milliseconds for tests that write often: each write ends with an fsync, which a busy disk may make wait a second. */
const MANY_WRITES = 60_000;

const idsIn = (directory: string): string[] =>
  Object.keys(JSON.parse(readFileSync(join(directory, "services.json"), "utf8")) as object).sort();

const ids = (prefix: string, rounds: number, step = 1): string[] =>
  Array.from({ length: rounds / step }, (_, index) => `${prefix}-${index * step}`);

test(
  "eight processes that register and unregister at the same time lose nothing and leave no lock",
  async () => {
    const directory = temporaryDirectory();
    const prefixes = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const children = prefixes.map((prefix) => startFixture("registers-and-unregisters.mjs", directory, prefix, "6"));
    await Promise.all(children.map(finished));
    expect(idsIn(directory)).toEqual(prefixes.flatMap((prefix) => ids(prefix, 6, 2)).sort());
    expect(readdirSync(directory)).toEqual(["services.json"]);
  },
  MANY_WRITES,
);

test.each(["python", "go", "old-javascript"])(
  "two processes with all three locks and two with only the %s convention lose no updates",
  async (convention) => {
    const directory = temporaryDirectory();
    placeServices(directory, "{}");
    const children = [
      startFixture("registers-and-unregisters.mjs", directory, "ours1", "10"),
      startFixture("registers-and-unregisters.mjs", directory, "ours2", "10"),
      startFixture(`writes-by-${convention}-convention.mjs`, directory, "theirs1", "10"),
      startFixture(`writes-by-${convention}-convention.mjs`, directory, "theirs2", "10"),
    ];
    const registry = createFileRegistry({ directory });
    // A reader meets the half-written files of those who overwrite in place, and does not mind.
    const search = vi.waitFor(async () => {
      expect(await registry.list()).toContainEqual(expect.objectContaining({ serviceId: "theirs1-9", port: 5009 }));
    }, 50_000);
    await Promise.all([search, ...children.map(finished)]);
    expect(idsIn(directory)).toEqual(
      [...ids("ours1", 10, 2), ...ids("ours2", 10, 2), ...ids("theirs1", 10), ...ids("theirs2", 10)].sort(),
    );
    expect(readdirSync(directory)).toEqual(["services.json"]);
  },
  MANY_WRITES,
);

test("a writer that was suspended until its locks were broken does not undo later writes", async () => {
  const directory = temporaryDirectory();
  const marker = join(temporaryDirectory(), "asleep");
  const sleeper = startFixture("stops-itself-while-writing.mjs", directory, marker);
  await vi.waitFor(() => expect(existsSync(marker)).toBe(true), 10_000);
  for (const lock of ["services.json.lock", "registry.lock", "services.lock"]) {
    utimesSync(join(directory, lock), new Date(), new Date(Date.now() - 10_000));
  }
  const registry = createFileRegistry({ directory });
  await registry.register({ serviceId: "other", port: 4000 });
  const answer = nextMessage(sleeper);
  sleeper.kill("SIGCONT");
  expect(await answer).toEqual({ tries: 3 });
  await finished(sleeper);
  expect(idsIn(directory)).toEqual(["other", "sleeper"]);
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("a service whose process is killed is not found, and its id is free", async () => {
  const registry = createFileRegistry({ directory: temporaryDirectory() });
  const service = startIdle();
  await registry.register({ serviceId: "math", port: 4000, pid: service.pid });
  expect(await registry.discover("math", { timeoutMs: 0 })).toMatchObject({ pid: service.pid });
  await end(service, "SIGKILL");
  await expect(registry.discover("math", { timeoutMs: 0 })).rejects.toThrow(
    `Its entry names process ${service.pid} on port 4000, but that process is not running. Start the service again.`,
  );
  expect(await registry.register({ serviceId: "math", port: 4001 })).toMatchObject({ port: 4001 });
});
