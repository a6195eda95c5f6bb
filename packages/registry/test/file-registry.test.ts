import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RegistryError } from "@multifrost/protocol/errors";
import { afterEach, expect, test, vi } from "vitest";
import { createFileRegistry, defaultRegistryDirectory } from "../src/index.js";
import { deadPid, startIdle } from "./support/processes.js";
import { placeServices, temporaryDirectory } from "./support/temp-directory.js";

const read = (directory: string): unknown => JSON.parse(readFileSync(join(directory, "services.json"), "utf8"));

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a service is registered, found, listed and unregistered", async () => {
  const directory = temporaryDirectory();
  const registry = createFileRegistry({ directory });
  const entry = await registry.register({ serviceId: "math", port: 4000 });
  expect(entry).toEqual({ serviceId: "math", port: 4000, pid: process.pid, started: expect.any(String) });
  expect(read(directory)).toEqual({ math: { port: 4000, pid: process.pid, started: entry.started } });
  expect(await registry.discover("math")).toEqual(entry);
  expect(await registry.list()).toEqual([{ ...entry, alive: true }]);
  expect(await registry.unregister("math")).toBe(true);
  expect(await registry.list()).toEqual([]);
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("the default directory is the current ~/.multifrost, private, with a private file", async () => {
  const registry = createFileRegistry();
  const home = temporaryDirectory();
  vi.stubEnv("HOME", home);
  await registry.register({ serviceId: "math", port: 4000 });
  expect(defaultRegistryDirectory()).toBe(join(home, ".multifrost"));
  expect(statSync(join(home, ".multifrost")).mode & 0o777).toBe(0o700);
  expect(statSync(join(home, ".multifrost", "services.json")).mode & 0o777).toBe(0o600);
});

test("[REG-4] refuses an id that a live process has registered, also this process", async () => {
  const directory = temporaryDirectory();
  const { pid } = startIdle();
  placeServices(directory, { math: { port: 4000, pid, started: "2026-02-01T10:00:00Z" } });
  const registry = createFileRegistry({ directory });
  const taken = registry.register({ serviceId: "math", port: 5000 });
  await expect(taken).rejects.toBeInstanceOf(RegistryError);
  await expect(taken).rejects.toMatchObject({
    code: "SERVICE_EXISTS",
    serviceId: "math",
    pid,
    port: 4000,
    message:
      `Service 'math' is already registered by process ${pid} on port 4000, which is still running. ` +
      "Stop that process first, or register under another name.",
  });
  expect(read(directory)).toMatchObject({ math: { port: 4000, pid } });
  await registry.register({ serviceId: "own", port: 5000 });
  await expect(registry.register({ serviceId: "own", port: 5001 })).rejects.toMatchObject({ code: "SERVICE_EXISTS" });
});

test("of two processes that register one id at the same time, one succeeds", async () => {
  const directory = temporaryDirectory();
  const both = [createFileRegistry({ directory }), createFileRegistry({ directory })];
  const outcomes = await Promise.allSettled(
    both.map((registry) => registry.register({ serviceId: "math", port: 4000 })),
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("[REG-5] overwrites an entry whose process is dead, and an invalid entry", async () => {
  const directory = temporaryDirectory();
  placeServices(directory, { dead: { port: 1, pid: deadPid() }, odd: "?" });
  const registry = createFileRegistry({ directory });
  await registry.register({ serviceId: "dead", port: 4000 });
  await registry.register({ serviceId: "odd", port: 4001 });
  expect(read(directory)).toMatchObject({ dead: { port: 4000, pid: process.pid }, odd: { port: 4001 } });
});

test("keeps fields and entries of other implementations to the last digit", async () => {
  const directory = temporaryDirectory();
  const others =
    `"go": {"port":4100,"pid":${process.pid},"start_time":"2026-02-01T10:00:00Z","labels":["a"]},\n` +
    '  "9": {"load": 1.0, "serial": 12345678901234567890},\n  "__proto__": [null, {"deep": true}]';
  const file = placeServices(directory, `{${others}}`);
  const registry = createFileRegistry({ directory });
  await registry.register({ serviceId: "math", port: 4000 });
  expect(readFileSync(file, "utf8")).toContain(others);
  await registry.unregister("math");
  expect(readFileSync(file, "utf8")).toBe(`{\n  ${others}\n}\n`);
});

test.each(["__proto__", "constructor", "toString"])("%s is a plain id", async (serviceId) => {
  const registry = createFileRegistry({ directory: temporaryDirectory() });
  const entry = await registry.register({ serviceId, port: 4000 });
  expect(await registry.discover(serviceId, { timeoutMs: 0 })).toEqual(entry);
  await expect(registry.register({ serviceId, port: 4001 })).rejects.toMatchObject({ code: "SERVICE_EXISTS" });
  expect(await registry.unregister(serviceId)).toBe(true);
  expect(await registry.list()).toEqual([]);
});

test("[REG-6] unregister removes only what the pid has registered", async () => {
  const directory = temporaryDirectory();
  const { pid } = startIdle();
  const registry = createFileRegistry({ directory });
  await registry.register({ serviceId: "math", port: 4000, pid });
  expect(await registry.unregister("math")).toBe(false);
  expect(await registry.unregister("nothing")).toBe(false);
  expect(read(directory)).toMatchObject({ math: { pid } });
  expect(await registry.unregister("math", pid)).toBe(true);
  expect(read(directory)).toEqual({});
});

test("prune removes dead entries and nothing else", async () => {
  const directory = temporaryDirectory();
  const pid = deadPid();
  placeServices(directory, { a: { port: 1, pid }, b: { port: 2, pid: process.pid }, odd: 7, c: { port: 3, pid: 0 } });
  const registry = createFileRegistry({ directory });
  expect(await registry.prune()).toEqual([
    { serviceId: "a", port: 1, pid },
    { serviceId: "c", port: 3, pid: 0 },
  ]);
  expect(read(directory)).toEqual({ b: { port: 2, pid: process.pid }, odd: 7 });
  expect(await registry.prune()).toEqual([]);
});

test("discover, list, unregister and prune create no file", async () => {
  const home = temporaryDirectory();
  const registry = createFileRegistry({ directory: join(home, "registry") });
  expect(await registry.list()).toEqual([]);
  expect(await registry.unregister("math")).toBe(false);
  expect(await registry.prune()).toEqual([]);
  await expect(registry.discover("math", { timeoutMs: 0 })).rejects.toMatchObject({
    message:
      `Service 'math' was not found in ${join(home, "registry", "services.json")} within 0 ms. ` +
      "No service is registered there. Start the service first, or check its name.",
  });
  expect(readdirSync(home)).toEqual([]);
});

test("[REG-11] a corrupt registry: readers warn and leave it, the next writer warns and moves it aside", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, "garbage");
  const warnings: string[] = [];
  const registry = createFileRegistry({ directory, onWarning: (message) => void warnings.push(message) });
  expect(await registry.list()).toEqual([]);
  expect(warnings).toEqual([
    `The service registry ${file} does not hold a JSON map, so no services are listed. ` +
      "Repair the file; otherwise the next service that registers moves it aside.",
  ]);
  expect(readFileSync(file, "utf8")).toBe("garbage");
  await registry.register({ serviceId: "math", port: 4000 });
  expect(warnings[1]).toMatch(/^The service registry \S+ did not hold a JSON map\. It was moved to \S+corrupt-\S+ and/);
  expect(await registry.list()).toHaveLength(1);
});

test("without onWarning the warning is a process warning", async () => {
  const directory = temporaryDirectory();
  placeServices(directory, "garbage");
  const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  try {
    await createFileRegistry({ directory }).register({ serviceId: "math", port: 4000 });
    expect(emit).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("corrupt-"), "MultifrostRegistryWarning");
  } finally {
    emit.mockRestore();
  }
});

test("reading and writing report a home that is not a directory", async () => {
  const home = join(temporaryDirectory(), "home");
  writeFileSync(home, "");
  vi.stubEnv("HOME", home);
  const registry = createFileRegistry();
  const file = join(home, ".multifrost", "services.json");
  const advice =
    `Make sure that ${join(home, ".multifrost")} is a directory this user may read and write, ` +
    "or keep the registry elsewhere (HOME, or the option `directory`).";
  const code = "REGISTRY_UNAVAILABLE";
  const cause = `ENOTDIR: not a directory, open '${file}'`;
  const unwritten = { code, file, message: `The service registry ${file} cannot be written: ${cause}. ${advice}` };
  const unread = { code, file, message: `The service registry ${file} cannot be read: ${cause}. ${advice}` };
  await expect(registry.register({ serviceId: "math", port: 4000 })).rejects.toMatchObject(unwritten);
  await expect(registry.unregister("math")).rejects.toMatchObject(unwritten);
  await expect(registry.prune()).rejects.toMatchObject(unwritten);
  await expect(registry.discover("math")).rejects.toMatchObject(unread);
  await expect(registry.list()).rejects.toMatchObject(unread);
});

test("reports a services.json that is a directory, and a directory that cannot be created", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "services.json"));
  const registry = createFileRegistry({ directory });
  await expect(registry.register({ serviceId: "math", port: 4000 })).rejects.toThrow(/EISDIR.*Make sure that/);
  await expect(registry.discover("math")).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
  const nowhere = createFileRegistry({ directory: "/proc/nowhere" });
  await expect(nowhere.register({ serviceId: "math", port: 4000 })).rejects.toMatchObject({
    code: "REGISTRY_UNAVAILABLE",
  });
});

test("many concurrent writes through two registries of one process lose nothing", async () => {
  const directory = temporaryDirectory();
  const options = { directory, lockTimeoutMs: 60_000 };
  const registries = [createFileRegistry(options), createFileRegistry(options)];
  const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
  await Promise.all(
    registries.flatMap((registry, index) =>
      ids.map((id) => registry.register({ serviceId: `${id}-${index}`, port: 4000 })),
    ),
  );
  expect(Object.keys(read(directory) as object)).toHaveLength(40);
  await Promise.all(ids.map((id) => registries[0]?.unregister(`${id}-0`)));
  expect(Object.keys(read(directory) as object)).toHaveLength(20);
  expect(readdirSync(directory)).toEqual(["services.json"]);
}, 60_000);

test("writes queued behind a lock each give up after their own timeout", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "services.lock"), `${startIdle().pid}`);
  const registry = createFileRegistry({ directory, lockTimeoutMs: 400 });
  const start = performance.now();
  const writes = ["a", "b", "c", "d", "e"].map((serviceId) => registry.register({ serviceId, port: 4000 }));
  const outcomes = await Promise.allSettled(writes);
  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code)).toEqual(
    Array.from({ length: 5 }, () => "LOCK_TIMEOUT"),
  );
  expect(performance.now() - start).toBeLessThan(1800);
});

test("a failed write does not block the next one", async () => {
  const registry = createFileRegistry({ directory: temporaryDirectory() });
  await registry.register({ serviceId: "math", port: 4000 });
  const taken = registry.register({ serviceId: "math", port: 4001 });
  const next = registry.register({ serviceId: "other", port: 4002 });
  await expect(taken).rejects.toMatchObject({ code: "SERVICE_EXISTS" });
  expect(await next).toMatchObject({ serviceId: "other" });
});

test("refuses invalid options and arguments", async () => {
  expect(() => createFileRegistry({ lockTimeoutMs: -1 })).toThrow(
    "lockTimeoutMs must be 0 or a positive number, not -1.",
  );
  const registry = createFileRegistry({ directory: temporaryDirectory() });
  const code = "INVALID_OPTION";
  await expect(registry.register({ serviceId: "", port: 4000 })).rejects.toMatchObject({ code });
  await expect(registry.register({ serviceId: "math", port: 0 })).rejects.toMatchObject({ code });
  await expect(registry.register({ serviceId: "math", port: 1, pid: -1 })).rejects.toMatchObject({ code });
  await expect(registry.discover("")).rejects.toMatchObject({ code });
  await expect(registry.discover("math", { timeoutMs: -1 })).rejects.toMatchObject({ code });
  await expect(registry.unregister("")).rejects.toMatchObject({ code });
  await expect(registry.unregister("math", 0)).rejects.toMatchObject({ code });
});
