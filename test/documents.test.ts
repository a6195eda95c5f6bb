import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ErrorCode } from "multifrost";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** The project's own documents, as git knows them: not those of installed packages. */
const documents = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], { cwd: root })
  .toString()
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));

describe.each(documents)("%s", (file) => {
  const text = readFileSync(join(root, file), "utf8");
  const prose = text.replace(/^ *```.*?^ *```/gms, "").replace(/`[^`\n]*`/g, "code");

  it("links to files that exist", () => {
    const targets = [...prose.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map((match) => match[1] as string);
    expect(targets.filter((target) => !existsSync(join(root, dirname(file), target)))).toEqual([]);
  });

  it("names source files that exist", () => {
    const named = [...text.matchAll(/`((?:protocol|transport|registry|reliability|parent|child)\/src\/[\w./-]+)`/g)];
    const paths = named.map((match) => join("packages", match[1] as string));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

it("docs/errors.md has every error code", () => {
  const source = readFileSync(join(root, "packages/protocol/src/errors/error-codes.ts"), "utf8");
  const codes = [...source.matchAll(/\| "([A-Z_]+)"/g)].map((match) => match[1] as ErrorCode);
  const text = readFileSync(join(root, "docs/errors.md"), "utf8");
  expect(codes.length).toBeGreaterThan(30);
  expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
});
