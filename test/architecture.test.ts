import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** The table of docs/architecture.md: what each package may import of ours, and from outside. */
const ALLOWED: Readonly<Record<string, { ours: readonly string[]; outside: readonly string[]; node: boolean }>> = {
  protocol: { ours: [], outside: ["@msgpack/msgpack"], node: false },
  transport: {
    ours: ["@multifrost/protocol/errors", "@multifrost/protocol/internal"],
    outside: ["zeromq"],
    node: true,
  },
  registry: {
    ours: ["@multifrost/protocol", "@multifrost/protocol/errors", "@multifrost/protocol/internal"],
    outside: ["proper-lockfile"],
    node: true,
  },
  reliability: { ours: ["@multifrost/protocol/errors", "@multifrost/protocol/internal"], outside: [], node: true },
  parent: {
    ours: [
      "@multifrost/protocol",
      "@multifrost/protocol/errors",
      "@multifrost/protocol/interface",
      "@multifrost/protocol/internal",
      "@multifrost/transport",
      "@multifrost/registry",
      "@multifrost/reliability",
    ],
    outside: [],
    node: true,
  },
  child: {
    ours: [
      "@multifrost/protocol",
      "@multifrost/protocol/errors",
      "@multifrost/protocol/internal",
      "@multifrost/transport",
      "@multifrost/registry",
      "@multifrost/reliability",
    ],
    outside: [],
    node: true,
  },
  multifrost: {
    ours: [
      "@multifrost/protocol",
      "@multifrost/protocol/errors",
      "@multifrost/protocol/interface",
      "@multifrost/transport",
      "@multifrost/registry",
      "@multifrost/reliability",
      "@multifrost/parent",
      "@multifrost/child",
    ],
    // What the packages need whose code is in its bundle.
    outside: ["@msgpack/msgpack", "zeromq"],
    node: false,
  },
  testing: {
    ours: [
      "@multifrost/protocol/errors",
      "@multifrost/protocol/internal",
      "@multifrost/transport",
      "@multifrost/reliability",
      "multifrost",
    ],
    outside: [],
    node: true,
  },
};

interface Manifest {
  name: string;
  version: string;
  license: string;
  dependencies?: Record<string, string>;
  /** What works without it, except where it is asked for. */
  optionalDependencies?: Record<string, string>;
  /** What a build puts into the bundle. */
  devDependencies?: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
}

/** Every import in a package's sources, those that are loaded when first used too. */
function importsOf(name: string): string[] {
  const source = join(root, "packages", name, "src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => /(?<!\.d)\.ts$/.test(file));
  return files.flatMap((file) => {
    const text = readFileSync(join(source, file), "utf8");
    const found = text.matchAll(
      /^(?:import|export)\b[^"';]*?from "([^"]+)"|\bimport\("([^"]+)"\)|\brequire\("([^"]+)"\)/gm,
    );
    return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? "").filter((path) => !path.startsWith("."));
  });
}

/** `@scope/name/sub` → `@scope/name`. */
function packageOf(path: string): string {
  return path.split("/", path.startsWith("@") ? 2 : 1).join("/");
}

describe.each(Object.entries(ALLOWED))("packages/%s", (name, { ours, outside, node }) => {
  it("depends on what the table of docs/architecture.md allows, and on nothing else", () => {
    const allowed = new Set([...ours, ...outside].map(packageOf));
    const { dependencies, optionalDependencies, devDependencies } = manifestOf(name);
    expect(new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }))).toEqual(allowed);
  });

  it("imports what the table allows, and nothing else", () => {
    const allowed = new Set([...ours, ...outside]);
    const refused = importsOf(name).filter((path) => !(path.startsWith("node:") ? node : allowed.has(path)));
    expect(refused).toEqual([]);
  });

  it("is publishable: MIT, a version, types and a default for every entry", () => {
    const { license, version, exports } = manifestOf(name);
    expect(license).toBe("MIT");
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const entries = Object.values(exports).filter((entry) => typeof entry === "object");
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual(["@multifrost/source", "types", "default"]);
    }
  });
});

it("every package there is has a line in the table", () => {
  expect(readdirSync(join(root, "packages")).sort()).toEqual(Object.keys(ALLOWED).sort());
});
