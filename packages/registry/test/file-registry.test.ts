import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { RegistryError } from "@multifrost/protocol/errors";
import { afterEach, expect, test, vi } from "vitest";
import { createFileRegistry, defaultRegistryDirectory } from "../src/index.js";
import { deadPid, startIdle, startZombie } from "./support/processes.js";
import { entryInFile, placeServices, temporaryDirectory } from "./support/temp-directory.js";

const read = (directory: string): unknown => JSON.parse(readFileSync(join(directory, "services.json"), "utf8"));

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a service is registered, found, listed and unregistered", async () => {
  const directory = temporaryDirectory();
  const registry = createFileRegistry({ directory });
  const entry = await registry.register({ serviceId: "math", port: 4000 });
  expect(entry).toEqual({ serviceId: "math", port: 4000, pid: process.pid, started: expect.any(String) });
  expect(read(directory)).toEqual({ math: entryInFile(4000, process.pid, entry.started) });
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
  placeServices(directory, { math: entryInFile(4000, pid) });
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

test.runIf(process.platform === "linux")(
  "[REG-13] a service starts again where its pid came back: of an older writer, of an earlier process or boot",
  async () => {
    const directory = temporaryDirectory();
    const own = entryInFile(4000) as Record<string, unknown>;
    const stale = {
      older: { port: 45_678, pid: process.pid, started: "2020-01-01T00:00:00.000Z" },
      process: { ...own, process_started: "1" },
      boot: { ...own, boot: "00000000-0000-4000-8000-000000000000" },
      wrong: { ...own, process_started: 7, boot: null },
      zombie: { port: 4000, pid: await startZombie() },
      other: { ...own, pid: startIdle().pid },
    };
    placeServices(directory, stale);
    const registry = createFileRegistry({ directory });
    expect(await registry.list()).toMatchObject(Object.keys(stale).map((serviceId) => ({ serviceId, alive: false })));
    await expect(registry.discover("process", { timeoutMs: 0 })).rejects.toThrow(
      `Its entry names process ${process.pid} on port 4000, but another process has that id now. Start the service again.`,
    );
    for (const serviceId of Object.keys(stale)) {
      expect(await registry.register({ serviceId, port: 5000 })).toMatchObject({ port: 5000, pid: process.pid });
      await expect(registry.register({ serviceId, port: 5001 })).rejects.toMatchObject({ code: "SERVICE_EXISTS" });
    }
  },
);

test("[REG-13] prune removes the entries of processes that only seem to run", async () => {
  const directory = temporaryDirectory();
  placeServices(directory, { older: { port: 1, pid: process.pid }, silent: { port: 1, pid: process.ppid } });
  const registry = createFileRegistry({ directory });
  await expect(registry.discover("silent", { timeoutMs: 0 })).rejects.toThrow("but no service answers there.");
  expect(await registry.prune()).toHaveLength(2);
  expect(read(directory)).toEqual({});
});

test("[REG-13] without start times, as on macOS and Windows, the port decides", async () => {
  const directory = temporaryDirectory();
  const platform = vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
  try {
    const registry = createFileRegistry({ directory });
    await registry.register({ serviceId: "math", port: 1 });
    expect(Object.keys((read(directory) as { math: object }).math)).toEqual(["port", "pid", "started"]);
    expect(await registry.register({ serviceId: "math", port: 2 })).toMatchObject({ port: 2 });
  } finally {
    platform.mockRestore();
  }
});

test.each([
  ["a FIFO", (file: string) => spawnSync("mkfifo", [file])],
  ["a device", (file: string) => symlinkSync("/dev/zero", file)],
  ["a directory", (file: string) => mkdirSync(file)],
])("[REG-14] refuses %s in the place of the file, at once", async (kind, make) => {
  const directory = temporaryDirectory();
  make(join(directory, "services.json"));
  const registry = createFileRegistry({ directory });
  const refused = {
    code: "REGISTRY_UNAVAILABLE",
    message:
      `The service registry ${join(directory, "services.json")} is ${kind}, not a regular file. ` +
      "Remove it or move it away: the next service that registers makes a new one.",
  };
  await expect(registry.register({ serviceId: "math", port: 4000 })).rejects.toMatchObject(refused);
  await expect(registry.discover("math")).rejects.toMatchObject(refused);
  await expect(registry.list()).rejects.toMatchObject(refused);
  await expect(registry.unregister("math")).rejects.toMatchObject(refused);
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("[REG-14] refuses a socket in the place of the file", async () => {
  const directory = temporaryDirectory();
  const server = createServer().listen(join(directory, "services.json"));
  await once(server, "listening");
  await expect(createFileRegistry({ directory }).discover("math")).rejects.toThrow(" is a socket, not a regular file.");
  server.close();
});

test("a FIFO in the place of a lock is a lock like any other", async () => {
  const directory = temporaryDirectory();
  for (const name of ["services.json.lock.holder", "registry.lock", "services.lock"]) {
    spawnSync("mkfifo", [join(directory, name)]);
    utimesSync(join(directory, name), 0, 0);
  }
  const registry = createFileRegistry({ directory });
  expect(await registry.register({ serviceId: "math", port: 4000 })).toMatchObject({ port: 4000 });
});

test("[REG-15] refuses a directory that every user can write, with the command that makes it private", async () => {
  const directory = join(temporaryDirectory(), "it's open");
  mkdirSync(directory);
  placeServices(directory, { math: entryInFile(4000) });
  const registry = createFileRegistry({ directory });
  for (const mode of [0o777, 0o1777, 0o702]) {
    chmodSync(directory, mode);
    const attempts = [
      () => registry.register({ serviceId: "other", port: 1 }),
      () => registry.discover("math"),
      () => registry.list(),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: "REGISTRY_UNAVAILABLE",
        message:
          `Every user of this machine can write the directory ${directory} of the service registry (mode ` +
          `0${mode.toString(8)}), and so send callers to another program. Remove what is not yours from it, then run: ` +
          `chmod 700 '${directory.replace("'", "'\\''")}'`,
      });
    }
  }
  const command = await registry.list().catch((error: Error) => error.message.replace(/^.*then run: /, ""));
  expect(spawnSync("sh", ["-c", String(command)]).status).toBe(0);
  expect(await registry.discover("math")).toMatchObject({ port: 4000 });
});

test("[REG-15] refuses a directory of another user, with the command that takes it over", async () => {
  const directory = temporaryDirectory();
  placeServices(directory, { math: entryInFile(4000) });
  const owner = statSync(directory).uid;
  const user = vi.spyOn(process as Required<typeof process>, "geteuid").mockReturnValue(owner + 5);
  try {
    const registry = createFileRegistry({ directory });
    const attempts = [
      () => registry.register({ serviceId: "other", port: 1 }),
      () => registry.discover("math"),
      () => registry.list(),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: "REGISTRY_UNAVAILABLE",
        message: expect.stringMatching(
          `belongs to user ${owner}, and this process runs as user ${owner + 5}. .*: chown -R ${owner + 5} '${directory}'$`,
        ),
      });
    }
  } finally {
    user.mockRestore();
  }
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
  placeServices(directory, { a: { port: 1, pid }, b: entryInFile(2), odd: 7, c: { port: 3, pid: 0 } });
  const registry = createFileRegistry({ directory });
  expect(await registry.prune()).toEqual([
    { serviceId: "a", port: 1, pid },
    { serviceId: "c", port: 3, pid: 0 },
  ]);
  expect(read(directory)).toEqual({ b: entryInFile(2), odd: 7 });
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
  await expect(registry.register({ serviceId: "math", port: 4000 })).rejects.toThrow(
    `The service registry ${join(directory, "services.json")} is a directory, not a regular file. Remove it or move it away`,
  );
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
