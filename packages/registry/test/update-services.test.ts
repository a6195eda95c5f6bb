import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockDeadline } from "../src/registry-lock.js";
import { registryPaths } from "../src/services-file.js";
import { type UpdateOptions, updateServices } from "../src/update-services.js";
import { placeServices, temporaryDirectory } from "./support/temp-directory.js";

function contextFor(directory: string, warnings: string[] = []): UpdateOptions {
  return {
    paths: registryPaths(directory),
    deadline: lockDeadline(1000),
    onWarning: (message) => void warnings.push(message),
  };
}

test("changes and writes the entries under all three locks", async () => {
  const directory = temporaryDirectory();
  const seen: string[][] = [];
  const result = await updateServices(contextFor(directory), async (services) => {
    seen.push(readdirSync(directory));
    services.set("a", "1");
    return { changed: true, result: "done" };
  });
  expect(result).toBe("done");
  expect(seen).toEqual([[], ["registry.lock", "services.json.lock", "services.json.lock.holder", "services.lock"]]);
  expect(readFileSync(join(directory, "services.json"), "utf8")).toBe('{\n  "a": 1\n}\n');
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("a change with nothing to write takes no lock and creates no directory", async () => {
  const directory = join(temporaryDirectory(), "registry");
  expect(await updateServices(contextFor(directory), async () => ({ changed: false, result: 7 }))).toBe(7);
  expect(existsSync(directory)).toBe(false);
});

test("a change that has nothing to write under the locks writes nothing", async () => {
  const directory = temporaryDirectory();
  let runs = 0;
  await updateServices(contextFor(directory), async () => {
    runs += 1;
    return { changed: runs === 1, result: undefined };
  });
  expect(readdirSync(directory)).toEqual([]);
});

test("rejects with what the change throws, and releases the locks", async () => {
  const directory = temporaryDirectory();
  let runs = 0;
  const failing = updateServices(contextFor(directory), async () => {
    runs += 1;
    if (runs === 2) {
      throw new Error("no");
    }
    return { changed: true, result: undefined };
  });
  await expect(failing).rejects.toThrow("no");
  expect(readdirSync(directory)).toEqual([]);
});

test("a write whose locks were broken starts over with the current entries", async () => {
  const directory = temporaryDirectory();
  let runs = 0;
  await updateServices(contextFor(directory), async (services) => {
    runs += 1;
    if (runs === 2) {
      // Another has broken a lock and written.
      rmSync(join(directory, "registry.lock"));
      placeServices(directory, '{"other": 1}');
    }
    services.set("mine", "2");
    return { changed: true, result: undefined };
  });
  expect(runs).toBe(3);
  expect(readFileSync(join(directory, "services.json"), "utf8")).toBe('{\n  "other": 1,\n  "mine": 2\n}\n');
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test.each(["garbage", "", "[]", '{"a": {"port": 1'])("moves the corrupt file %j aside with a warning", async (text) => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, text);
  const warnings: string[] = [];
  await updateServices(contextFor(directory, warnings), async (services) => {
    services.set("a", "1");
    return { changed: true, result: undefined };
  });
  const aside = readdirSync(directory).find((name) => name.startsWith("services.json.corrupt-")) ?? "";
  expect(readFileSync(join(directory, aside), "utf8")).toBe(text);
  expect(readFileSync(file, "utf8")).toBe('{\n  "a": 1\n}\n');
  expect(warnings).toEqual([
    `The service registry ${file} did not hold a JSON map. It was moved to ${join(directory, aside)} ` +
      "and an empty one takes its place. " +
      "Start the services that were registered in it again, or repair the file and move it back.",
  ]);
});
