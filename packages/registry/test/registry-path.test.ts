import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { defaultRegistryDirectory, registryPaths } from "../src/registry-path.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("the names are those that the other implementations use", () => {
  expect(registryPaths("/base")).toEqual({
    directory: "/base",
    isDefault: false,
    services: "/base/services.json",
    directoryLock: "/base/services.json.lock",
    registryLock: "/base/registry.lock",
    servicesLock: "/base/services.lock",
  });
});

test("the default is .multifrost in the home directory of the moment", () => {
  expect(registryPaths()).toMatchObject({ directory: join(homedir(), ".multifrost"), isDefault: true });
  vi.stubEnv("HOME", "/elsewhere");
  expect(defaultRegistryDirectory()).toBe("/elsewhere/.multifrost");
  expect(registryPaths().services).toBe("/elsewhere/.multifrost/services.json");
});

test("a relative directory counts from the working directory", () => {
  expect(registryPaths("some/where").services).toBe(join(process.cwd(), "some/where/services.json"));
});
