import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import {
  defaultRegistryDirectory,
  formatServices,
  parseServices,
  prepareDirectory,
  readServices,
  registryPaths,
  replaceServices,
  setAside,
} from "../src/services-file.js";
import { placeServices, temporaryDirectory } from "./support/temp-directory.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("uses the file names of the other implementations", () => {
  expect(registryPaths("/base")).toEqual({
    directory: "/base",
    isDefault: false,
    services: "/base/services.json",
    directoryLock: "/base/services.json.lock",
    registryLock: "/base/registry.lock",
    servicesLock: "/base/services.lock",
  });
});

test("the default is .multifrost in the current home directory", () => {
  expect(registryPaths()).toMatchObject({ directory: join(homedir(), ".multifrost"), isDefault: true });
  vi.stubEnv("HOME", "/elsewhere");
  expect(defaultRegistryDirectory()).toBe("/elsewhere/.multifrost");
  expect(registryPaths().services).toBe("/elsewhere/.multifrost/services.json");
});

test.each(["", ".", "relative/home"])(
  "[REG-16] the default is not below the working directory where HOME is %j",
  (home) => {
    vi.stubEnv("HOME", home);
    expect(defaultRegistryDirectory()).toBe(join(userInfo().homedir, ".multifrost"));
  },
);

test("a relative directory is relative to the working directory", () => {
  expect(registryPaths("some/where").services).toBe(join(process.cwd(), "some/where/services.json"));
});

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("a missing file has no entries, and a file that is not a map is undefined", async () => {
  const directory = temporaryDirectory();
  expect(await readServices(join(directory, "services.json"))).toEqual(new Map());
  expect(await readServices(placeServices(directory, { a: 1 }))).toEqual(new Map([["a", "1"]]));
  expect(await readServices(placeServices(directory, '{"a": '))).toBeUndefined();
});

test("[REG-3] creates a private directory and its parents", async () => {
  const paths = registryPaths(join(temporaryDirectory(), "a", "b"));
  await prepareDirectory(paths);
  expect(modeOf(paths.directory)).toBe("700");
});

test("two concurrent calls both create the directory", async () => {
  const paths = registryPaths(join(temporaryDirectory(), "a", "b", "c"));
  await Promise.all(Array.from({ length: 8 }, () => prepareDirectory(paths)));
  expect(statSync(paths.directory).isDirectory()).toBe(true);
});

test("a directory that cannot be created is an error, not an endless loop", async () => {
  const base = temporaryDirectory();
  symlinkSync(join(base, "nothing"), join(base, "dangling"));
  await expect(prepareDirectory(registryPaths(join(base, "dangling", "x")))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(prepareDirectory(registryPaths(placeServices(base, "{}")))).rejects.toMatchObject({ code: "EEXIST" });
});

test("makes a ~/.multifrost that is open to others private", async () => {
  const home = temporaryDirectory();
  vi.stubEnv("HOME", home);
  mkdirSync(join(home, ".multifrost"));
  chmodSync(join(home, ".multifrost"), 0o755);
  await prepareDirectory(registryPaths());
  expect(modeOf(join(home, ".multifrost"))).toBe("700");
});

test("leaves the permissions of a given directory alone", async () => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  await prepareDirectory(registryPaths(directory));
  expect(modeOf(directory)).toBe("755");
});

test("[REG-2] replaces the file as a whole, with mode 600 even if it was more open", async () => {
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

test("can be stopped at the last moment, with everything on the disk", async () => {
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

test("a failed replacement leaves no temporary file", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "services.json");
  mkdirSync(join(file, "in-the-way"), { recursive: true });
  await expect(replaceServices(file, new Map(), () => true)).rejects.toMatchObject({ code: "EISDIR" });
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("moves a corrupt file unchanged to a name with the time", async () => {
  const directory = temporaryDirectory();
  const file = placeServices(directory, "garbage");
  const aside = await setAside(file);
  expect(aside).toMatch(/services\.json\.corrupt-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/);
  expect(readFileSync(aside, "utf8")).toBe("garbage");
  expect(existsSync(file)).toBe(false);
});

test.each(["", " ", "{", '{"a":', "[]", "null", "7", '"text"', "undefined", '{"a":1}}'])(
  "%j is no registry",
  (text) => {
    expect(parseServices(text)).toBeUndefined();
  },
);

test("keeps an entry's text to the last digit and space", () => {
  const text = `{ "a" : {"port": 5000.0, "ns": 12345678901234567890, "x": [1, {"y": "},\\"{"}]} ,
    "b":null,"c": "te,xt" , "d": [] , "5": -1.0e3 }`;
  expect([...(parseServices(text) ?? [])]).toEqual([
    ["a", '{"port": 5000.0, "ns": 12345678901234567890, "x": [1, {"y": "},\\"{"}]}'],
    ["b", "null"],
    ["c", '"te,xt"'],
    ["d", "[]"],
    ["5", "-1.0e3"],
  ]);
});

test("ids that are names of object members, or written with escapes, are plain ids", () => {
  const services = parseServices('{"__proto__": {"port": 1}, "constructor": 2, "t\\u00e9\\"\\n": 3, "": 4}');
  expect([...(services ?? [])]).toEqual([
    ["__proto__", '{"port": 1}'],
    ["constructor", "2"],
    ['té"\n', "3"],
    ["", "4"],
  ]);
});

test("of a duplicate id the last entry counts, as in every JSON parser", () => {
  expect([...(parseServices('{"a":1,"b":2,"a":3}') ?? [])]).toEqual([
    ["a", "3"],
    ["b", "2"],
  ]);
});

test("writes the entries in their order", () => {
  expect(formatServices(new Map())).toBe("{}\n");
  const services = new Map([
    ["__proto__", '{"port":1}'],
    ['q"', "2"],
  ]);
  expect(formatServices(services)).toBe('{\n  "__proto__": {"port":1},\n  "q\\"": 2\n}\n');
});

test("splits any JSON map as JSON.parse reads it, and survives a round trip", () => {
  const anyMap = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { noNullPrototype: false });
  fc.assert(
    fc.property(anyMap, fc.constantFrom(0, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const services = parseServices(text) ?? new Map();
      const read = [...services].map(([key, entry]) => [key, JSON.parse(entry)]);
      const expected = Object.entries(JSON.parse(text) as object);
      expect(new Map(read as [string, unknown][])).toEqual(new Map(expected));
      expect(parseServices(formatServices(services))).toEqual(services);
    }),
  );
});
