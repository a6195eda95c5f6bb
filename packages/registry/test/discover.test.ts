import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AbortError } from "@multifrost/protocol/errors";
import { expect, test, vi } from "vitest";
import { discoverService, listServices } from "../src/discover.js";
import { deadPid } from "./support/processes.js";
import { entryInFile, placeServices, temporaryDirectory } from "./support/temp-directory.js";

/** In the file, and as it is found. */
const live = entryInFile(4000);
const found = { port: 4000, pid: process.pid, started: "2026-02-01T10:00:00Z" };

test("[REG-7] finds a live service at once, without writing or locking", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, { math: { ...live, extra: 1 } });
  const before = readFileSync(file, "utf8");
  expect(await discoverService(file, "math", { timeoutMs: 0 })).toEqual({
    serviceId: "math",
    ...found,
  });
  expect(readdirSync(directory)).toEqual(["services.json"]);
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("finds a service that appears during the search", async () => {
  const directory = temporaryDirectory();
  const search = discoverService(join(directory, "services.json"), "math");
  placeServices(directory, { math: live });
  expect(await search).toMatchObject({ serviceId: "math", port: 4000 });
});

test("finds a service that is registered again by a live process during the search", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, { math: { port: 1, pid: deadPid() } });
  const search = discoverService(file, "math");
  placeServices(directory, { math: live });
  expect(await search).toMatchObject({ port: 4000 });
});

test("reads a half-written file again and leaves it alone", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, '{"math": {"port": 40');
  await expect(discoverService(file, "math", { timeoutMs: 0 })).rejects.toMatchObject({
    code: "SERVICE_NOT_FOUND",
    message:
      `Service 'math' was not found in ${file} within 0 ms. The file does not hold a JSON map. ` +
      "Start the service first, or check its name.",
  });
  const search = discoverService(file, "math");
  writeFileSync(file, JSON.stringify({ math: live }));
  expect(await search).toMatchObject({ port: 4000 });
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("[REG-7] with the timeout 0 it still finds a service in a file that is being written", async () => {
  const file = placeServices(temporaryDirectory(), "");
  let reads = 0;
  vi.resetModules();
  vi.doMock("node:fs/promises", async (importOriginal) => {
    const original = await importOriginal<typeof import("node:fs/promises")>();
    const written = (): void => {
      reads += 1;
      writeFileSync(file, JSON.stringify({ math: live }));
    };
    return {
      ...original,
      readFile: async (path: string) => original.readFile(path, "utf8").finally(written),
      open: async (path: string, flags: number) => {
        const handle = await original.open(path, flags);
        const readFile = (): Promise<string> => original.readFile(file, "utf8").finally(written);
        return { readFile, stat: () => handle.stat(), close: () => handle.close() };
      },
    };
  });
  try {
    const { discoverService: discover } = await import("../src/discover.js");
    expect(await discover(file, "math", { timeoutMs: 0 })).toMatchObject({ port: 4000 });
    expect(reads).toBe(2);
  } finally {
    vi.doUnmock("node:fs/promises");
  }
});

test("rejects after the timeout and says what the registry contains", async () => {
  const pid = deadPid();
  const file = placeServices(temporaryDirectory(), { math: { port: 1, pid }, other: live, odd: 7 });
  const start = performance.now();
  await expect(discoverService(file, "math", { timeoutMs: 250 })).rejects.toMatchObject({
    code: "SERVICE_NOT_FOUND",
    serviceId: "math",
    file,
    pid,
    port: 1,
    message:
      `Service 'math' was not found in ${file} within 250 ms. ` +
      `Its entry names process ${pid} on port 1, but that process is not running. Start the service again.`,
  });
  expect(performance.now() - start).toBeGreaterThanOrEqual(249);
  await expect(discoverService(file, "odd", { timeoutMs: 0 })).rejects.toThrow(
    "Its entry there has no valid port and pid.",
  );
  await expect(discoverService(file, "x", { timeoutMs: 0 })).rejects.toThrow(
    "Registered there: 'math' (not running), 'other'.",
  );
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("%s is a plain id", async (id) => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, "{}");
  await expect(discoverService(file, id, { timeoutMs: 0 })).rejects.toThrow("No service is registered there.");
  placeServices(directory, `{${JSON.stringify(id)}: ${JSON.stringify(live)}}`);
  expect(await discoverService(file, id, { timeoutMs: 0 })).toMatchObject({ serviceId: id, port: 4000 });
});

test("a signal ends the search, before or during it", async () => {
  const file = join(temporaryDirectory(), "services.json");
  const signal = AbortSignal.abort("enough");
  const before = discoverService(file, "math", { signal });
  await expect(before).rejects.toBeInstanceOf(AbortError);
  await expect(before).rejects.toMatchObject({
    code: "ABORTED",
    cause: "enough",
    message: "The search for service 'math' was aborted.",
  });
  const controller = new AbortController();
  const during = discoverService(file, "math", { signal: controller.signal, timeoutMs: Number.POSITIVE_INFINITY });
  controller.abort();
  await expect(during).rejects.toMatchObject({ code: "ABORTED" });
});

test.each([-1, Number.NaN, "5"])("refuses the timeout %s", async (timeoutMs) => {
  const search = discoverService("/nowhere", "math", { timeoutMs: timeoutMs as number });
  await expect(search).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: `timeoutMs must be 0 or a positive number, not ${typeof timeoutMs === "string" ? `"${timeoutMs}"` : timeoutMs}.`,
  });
});

test("lists the readable entries and whether each is alive", async () => {
  const pid = deadPid();
  const file = placeServices(temporaryDirectory(), { b: live, odd: 7, a: { port: 2, pid, started: "2026-02-01" } });
  expect(await listServices(file)).toEqual([
    { serviceId: "b", ...found, alive: true },
    { serviceId: "a", port: 2, pid, started: "2026-02-01", alive: false },
  ]);
});

test("list waits for a half-written file, for a limited time", async () => {
  const file = placeServices(temporaryDirectory(), "");
  const waiting = listServices(file);
  writeFileSync(file, JSON.stringify({ math: live }));
  expect(await waiting).toHaveLength(1);
  writeFileSync(file, "garbage");
  expect(await listServices(file)).toBeUndefined();
});
