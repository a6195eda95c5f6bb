import { RegistryError } from "@multifrost/protocol/errors";
import { expect, test } from "vitest";
import {
  corruptWarning,
  errnoOf,
  lockTimeout,
  serviceExists,
  serviceNotFound,
  unavailableIfSystemError,
  unreadableWarning,
} from "../src/registry-errors.js";
import { registryPaths } from "../src/services-file.js";

const file = "/home/ann/.multifrost/services.json";
const look = { file, timeoutMs: 5000, listings: [], present: false };
const alive = (serviceId: string) => ({ serviceId, port: 4000, pid: 17, alive: true });

test("a missing service in an empty registry", () => {
  const error = serviceNotFound("math", look);
  expect(error).toBeInstanceOf(RegistryError);
  expect(error).toMatchObject({ code: "SERVICE_NOT_FOUND", serviceId: "math", file, pid: undefined, port: undefined });
  expect(error.message).toBe(
    "Service 'math' was not found in /home/ann/.multifrost/services.json within 5000 ms. " +
      "No service is registered there. Start the service first, or check its name.",
  );
});

test("a missing service among others", () => {
  const listings = [alive("maths"), { ...alive("old"), alive: false }];
  expect(serviceNotFound("math", { ...look, listings }).message).toBe(
    "Service 'math' was not found in /home/ann/.multifrost/services.json within 5000 ms. " +
      "Registered there: 'maths', 'old' (not running). Start the service first, or check its name.",
  );
});

test("names ten of many others", () => {
  const listings = Array.from({ length: 12 }, (_, index) => alive(`s${index}`));
  expect(serviceNotFound("math", { ...look, listings }).message).toContain(
    "Registered there: 's0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9' and 2 more. Start",
  );
});

test("a service whose process is dead", () => {
  const error = serviceNotFound("math", { ...look, listings: [{ ...alive("math"), alive: false }], present: true });
  expect(error).toMatchObject({ pid: 17, port: 4000 });
  expect(error.message).toBe(
    "Service 'math' was not found in /home/ann/.multifrost/services.json within 5000 ms. " +
      "Its entry names process 17 on port 4000, but that process is not running. Start the service again.",
  );
});

test("a service with an invalid entry, and an invalid file", () => {
  expect(serviceNotFound("math", { ...look, present: true }).message).toBe(
    "Service 'math' was not found in /home/ann/.multifrost/services.json within 5000 ms. " +
      "Its entry there has no valid port and pid. Start the service first, or check its name.",
  );
  expect(serviceNotFound("math", { ...look, listings: undefined }).message).toBe(
    "Service 'math' was not found in /home/ann/.multifrost/services.json within 5000 ms. " +
      "The file does not hold a JSON map. Start the service first, or check its name.",
  );
});

test("a service id that is taken", () => {
  const error = serviceExists(alive("math"), file);
  expect(error).toMatchObject({ code: "SERVICE_EXISTS", serviceId: "math", pid: 17, port: 4000, file });
  expect(error.message).toBe(
    "Service 'math' is already registered by process 17 on port 4000, which is still running. " +
      "Stop that process first, or register under another name.",
  );
});

test("a lock that is not released", () => {
  const lock = "/home/ann/.multifrost/registry.lock";
  expect(lockTimeout(lock, 17, 10_000)).toMatchObject({ code: "LOCK_TIMEOUT", file: lock, pid: 17 });
  expect(lockTimeout(lock, 17, 10_000).message).toBe(
    "The service registry is locked: /home/ann/.multifrost/registry.lock was still held by process 17 after 10000 ms. " +
      "Try again. If the holder is stuck, end it; the next process that needs the lock breaks it.",
  );
  expect(lockTimeout(lock, undefined, 10_000).message).toBe(
    "The service registry is locked: /home/ann/.multifrost/registry.lock was still held by another program after " +
      "10000 ms. Try again. If the holder is stuck, end it; the next process that needs the lock breaks it.",
  );
});

test("a corrupt registry, for a writer that moves it and a reader that does not", () => {
  expect(corruptWarning(file, `${file}.corrupt-2026`)).toBe(
    "The service registry /home/ann/.multifrost/services.json did not hold a JSON map. It was moved to " +
      "/home/ann/.multifrost/services.json.corrupt-2026 and an empty one takes its place. " +
      "Start the services that were registered in it again, or repair the file and move it back.",
  );
  expect(unreadableWarning(file)).toBe(
    "The service registry /home/ann/.multifrost/services.json does not hold a JSON map, so no services are listed. " +
      "Repair the file; otherwise the next service that registers moves it aside.",
  );
});

test("a system error becomes REGISTRY_UNAVAILABLE", () => {
  const cause = Object.assign(new Error("EROFS: read-only file system, mkdir '/ro/x'"), { code: "EROFS" });
  const error = unavailableIfSystemError(cause, registryPaths("/ro/x"), "written");
  expect(error).toBeInstanceOf(RegistryError);
  expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE", file: "/ro/x/services.json", cause });
  expect((error as Error).message).toBe(
    "The service registry /ro/x/services.json cannot be written: EROFS: read-only file system, mkdir '/ro/x'. " +
      "Make sure that /ro/x is a directory this user may read and write, " +
      "or keep the registry elsewhere (HOME, or the option `directory`).",
  );
});

test("any other error stays as it is", () => {
  const ours = new RegistryError("LOCK_TIMEOUT", "locked");
  const fault = new TypeError("a fault");
  const invalid = Object.assign(new Error("bad"), { code: "ERR_INVALID_ARG_TYPE" });
  for (const error of [ours, fault, invalid, "text", undefined]) {
    expect(unavailableIfSystemError(error, registryPaths("/x"), "read")).toBe(error);
  }
  expect(errnoOf(invalid)).toBeUndefined();
});
