import { RegistryError } from "@multifrost/protocol/errors";
import { shown } from "@multifrost/protocol/internal";
import { expect, test } from "vitest";
import { checkPid, checkServiceId, createEntry, readEntry, writeEntry } from "../src/service-entry.js";

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RegistryError);
    expect(error).toHaveProperty("code", "INVALID_OPTION");
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

test.each(["math", "a", "x".repeat(255), "__proto__", "constructor", "日本語 ✓", "with/slash and space"])(
  "%s is a service id",
  (serviceId) => {
    expect(() => checkServiceId(serviceId)).not.toThrow();
  },
);

test("refuses an invalid service id with the reason", () => {
  expect(messageOf(() => checkServiceId(""))).toBe("A service id must be a string that is not empty.");
  expect(messageOf(() => checkServiceId(undefined))).toBe("A service id must be a string that is not empty.");
  expect(messageOf(() => checkServiceId(7))).toBe("A service id must be a string that is not empty.");
  expect(messageOf(() => checkServiceId("x".repeat(256)))).toBe(
    "A service id may have 255 characters at most, this one has 256.",
  );
  expect(messageOf(() => checkServiceId("a\nb"))).toBe(
    'The service id "a\\nb" contains a control character. Leave it out.',
  );
  expect(messageOf(() => checkServiceId("a\ud800"))).toContain("control character");
});

test.each([0, 65_536, 1.5, -1, Number.NaN, "5000"])("refuses port %s", (port) => {
  expect(messageOf(() => createEntry({ serviceId: "math", port: port as number }))).toBe(
    `The port of service 'math' must be an integer in 1..65535, not ${shown(port)}.`,
  );
});

test.each([0, -1, 1.5, "12", Number.NaN])("refuses pid %s", (pid) => {
  expect(messageOf(() => checkPid(pid))).toBe(`A pid must be a positive integer, not ${shown(pid)}.`);
});

test("a new entry has this process's pid and the time, ISO-8601 in UTC", () => {
  const before = Date.now();
  const { started, ...rest } = createEntry({ serviceId: "math", port: 5000 });
  expect(rest).toEqual({ serviceId: "math", port: 5000, pid: process.pid });
  expect(started).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(Date.parse(started)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(started)).toBeLessThanOrEqual(Date.now());
});

test("[REG-1] writes an entry as port, pid and started, without its id", () => {
  const entry = { serviceId: "math", port: 5000, pid: 12, started: "2026-02-01T10:00:00.000Z" };
  expect(writeEntry(entry)).toBe('{"port":5000,"pid":12,"started":"2026-02-01T10:00:00.000Z"}');
  expect(readEntry("math", writeEntry(entry))).toEqual(entry);
});

test("[REG-1] reads Go's start_time as started", () => {
  expect(readEntry("math", '{"port":5000,"pid":12,"start_time":"2026-02-01T10:00:00Z"}')).toEqual({
    serviceId: "math",
    port: 5000,
    pid: 12,
    started: "2026-02-01T10:00:00Z",
  });
});

test("leaves out a time that is missing or not text", () => {
  expect(readEntry("math", '{"port":5000,"pid":12}')).toEqual({ serviceId: "math", port: 5000, pid: 12 });
  expect(readEntry("math", '{"port":5000,"pid":12,"started":17}')).toEqual({ serviceId: "math", port: 5000, pid: 12 });
});

test.each([
  "null",
  "7",
  '"text"',
  "[]",
  "{}",
  '{"port":5000}',
  '{"pid":12}',
  '{"port":"5000","pid":12}',
  '{"port":5000,"pid":"12"}',
  '{"port":0,"pid":12}',
  '{"port":5000,"pid":1.5}',
  '{"__proto__":{"port":5000,"pid":12}}',
])("%s is no entry", (text) => {
  expect(readEntry("math", text)).toBeUndefined();
});
