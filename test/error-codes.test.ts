import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** Where each language has its error codes, and how they are written there. */
const SOURCES = {
  TypeScript: { folder: "packages/protocol/src/errors", file: /error-codes\.ts$/, code: /^ {2}\| "([A-Z_]+)"/gm },
  Python: { folder: "peers/python/multifrost", file: /\.py$/, code: /(?:Error\(|__init__\(|code=)\s*"([A-Z_]{5,})"/g },
  Go: { folder: "peers/go", file: /(?<!_test)\.go$/, code: /^\s*Code\w+\s*= "([A-Z_]+)"/gm },
  Rust: {
    folder: "peers/rust/src",
    file: /^(?!.*(?:zmtp|log\.rs)).*\.rs$/,
    code: /(?:code: |usage\(|refusal\(|=> \(?|unwrap_or\()"([A-Z_]{5,})"/g,
  },
};

const documented = new Set<string | undefined>(
  [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, code]) => code),
);

it.each(Object.entries(SOURCES))("docs/errors.md has every error code of %s", (_language, source) => {
  const codes = codesOf(source);
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => !documented.has(code))).toEqual([]);
});

it("docs/errors.md has no error code that no language has", () => {
  const known = new Set(Object.values(SOURCES).flatMap(codesOf));
  expect([...documented].filter((code) => !known.has(code ?? ""))).toEqual([]);
});

function codesOf({ folder, file, code }: { folder: string; file: RegExp; code: RegExp }): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = paths.filter((path) => file.test(relative(root, path))).map((path) => readFileSync(path, "utf8"));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(code)].map((match) => match[1] as string)))];
}
