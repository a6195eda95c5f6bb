import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { prepareDirectory, readServices, replaceServices, setAside } from "../src/registry-file.js";
import { registryPaths } from "../src/registry-path.js";
import { placeServices, temporaryDirectory } from "./support/temp-directory.js";

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a file that is not there has no entries, one that is no map is told apart", async () => {
  const directory = temporaryDirectory();
  expect(await readServices(join(directory, "services.json"))).toEqual(new Map());
  expect(await readServices(placeServices(directory, { a: 1 }))).toEqual(new Map([["a", "1"]]));
  expect(await readServices(placeServices(directory, '{"a": '))).toBeUndefined();
  await expect(readServices(directory)).rejects.toMatchObject({ code: "EISDIR" });
});

test("[REG-3] the directory is made for this user alone, with those above it", async () => {
  const paths = registryPaths(join(temporaryDirectory(), "a", "b"));
  await prepareDirectory(paths);
  expect(modeOf(paths.directory)).toBe("700");
});

test("two who make the directory at the same time both have it", async () => {
  const paths = registryPaths(join(temporaryDirectory(), "a", "b", "c"));
  await Promise.all(Array.from({ length: 8 }, () => prepareDirectory(paths)));
  expect(statSync(paths.directory).isDirectory()).toBe(true);
});

test("a directory that cannot be made is an error and no endless search", async () => {
  const base = temporaryDirectory();
  symlinkSync(join(base, "nothing"), join(base, "dangling"));
  await expect(prepareDirectory(registryPaths(join(base, "dangling", "x")))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(prepareDirectory(registryPaths(placeServices(base, "{}")))).rejects.toMatchObject({ code: "EEXIST" });
});

test("a ~/.multifrost that is open to others is made private", async () => {
  const home = temporaryDirectory();
  vi.stubEnv("HOME", home);
  mkdirSync(join(home, ".multifrost"));
  chmodSync(join(home, ".multifrost"), 0o755);
  await prepareDirectory(registryPaths());
  expect(modeOf(join(home, ".multifrost"))).toBe("700");
});

test("a directory that was given is left as open as it is", async () => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  await prepareDirectory(registryPaths(directory));
  expect(modeOf(directory)).toBe("755");
});

test("[REG-2] the file is replaced as a whole, with mode 600 even where it was more open", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, "{}");
  chmodSync(file, 0o666);
  const { ino } = statSync(file);
  expect(await replaceServices(file, new Map([["a", "1"]]), () => true)).toBe(true);
  expect(readFileSync(file, "utf8")).toBe('{\n  "a": 1\n}\n');
  expect(modeOf(file)).toBe("600");
  expect(statSync(file).ino).not.toBe(ino);
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("at the last moment, with everything on the disk, the answer can still be no", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, '{"old": 1}');
  const written = await replaceServices(file, new Map([["new", "2"]]), () => {
    const temporary = readdirSync(directory).find((name) => name.endsWith(".tmp")) ?? "";
    expect(modeOf(join(directory, temporary))).toBe("600");
    expect(readFileSync(join(directory, temporary), "utf8")).toBe('{\n  "new": 2\n}\n');
    return false;
  });
  expect(written).toBe(false);
  expect(readFileSync(file, "utf8")).toBe('{"old": 1}');
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("a replacement that fails leaves no temporary file", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "services.json");
  mkdirSync(join(file, "in-the-way"), { recursive: true });
  await expect(replaceServices(file, new Map(), () => true)).rejects.toMatchObject({ code: "EISDIR" });
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("a corrupt file is moved to a name with the time, as it is", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, "garbage");
  const aside = await setAside(file);
  expect(aside).toMatch(/services\.json\.corrupt-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/);
  expect(readFileSync(aside, "utf8")).toBe("garbage");
  expect(existsSync(file)).toBe(false);
});
