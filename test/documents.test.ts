import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { ErrorCode } from "multifrost";
import { describe, expect, it } from "vitest";
import { listDocuments, root } from "./fenced-blocks/blocks.ts";

/** Phrases that docs/architecture.md replaces by plainer ones. */
const REPLACED =
  /\b(?:(?:is|are|was|be) told|tells? of|hears? of|whoever|nobody|somebody|of (?:its|our|your|one's) own|anew|for ever|beside|mends?|twins?|taking part|in consequence)\b/gi;

describe.each(listDocuments())("%s", (file) => {
  const text = readFileSync(join(root, file), "utf8");
  const prose = text.replace(/^ *```.*?^ *```/gms, "").replace(/`[^`\n]*`/g, "code");
  const links = [...prose.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)|(?:src|srcset)="(?!https:)([^"]+)"/g)];
  const targets = links.map((match) => (match[1] ?? match[2]) as string);

  it("links to files that exist", () => {
    expect(targets.filter((target) => !existsSync(join(root, dirname(file), target)))).toEqual([]);
  });

  it("names source files that exist", () => {
    const named = [
      ...text.matchAll(/`((?:protocol|transport|registry|reliability|parent|child|testing)\/src\/[\w./-]+)`/g),
    ];
    const paths = named.map((match) => join("packages", match[1] as string));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  if (file.startsWith("packages/")) {
    it("links only to files of its package, so that links work after installing", () => {
      const outside = targets.filter((target) => !normalize(join(dirname(file), target)).startsWith(dirname(file)));
      expect(outside).toEqual([]);
    });
  }

  it("uses plain words", () => {
    expect(prose.match(REPLACED) ?? []).toEqual([]);
  });
});

it("the pictures on the npm page are those of the repository that the manifest names", () => {
  const manifest = readFileSync(join(root, "packages/multifrost/package.json"), "utf8");
  const { repository } = JSON.parse(manifest) as { repository: { url: string } };
  const base = /github\.com\/([\w.-]+\/[\w-]+)/.exec(repository.url)?.[1];
  const readme = readFileSync(join(root, "packages/multifrost/README.md"), "utf8");
  const pictures = [...readme.matchAll(/(?:src|srcset)="([^"]+)"/g)].map(([, url = ""]) => url);
  expect(pictures.map((url) => url.replace(/\w+\.svg$/, ""))).toEqual(
    pictures.map(() => `https://raw.githubusercontent.com/${base}/main/docs/images/overview-`),
  );
  expect(pictures.map((url) => /\w+(?=\.svg$)/.exec(url)?.[0])).toEqual(["dark", "light"]);
});

it("the light and the dark picture of the README differ in colours only", () => {
  const [light, dark] = ["light", "dark"].map((name) =>
    readFileSync(join(root, `docs/images/overview-${name}.svg`), "utf8").replace(/#[0-9a-f]{6}/g, "colour"),
  );
  expect(dark).toBe(light);
});

it("docs/errors.md has every error code", () => {
  const source = readFileSync(join(root, "packages/protocol/src/errors/error-codes.ts"), "utf8");
  const codes = [...source.matchAll(/\| "([A-Z_]+)"/g)].map((match) => match[1] as ErrorCode);
  const text = readFileSync(join(root, "docs/errors.md"), "utf8");
  expect(codes.length).toBeGreaterThan(30);
  expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
});

it("charts and figures are those of benchmarks/results", () => {
  const script = join(root, "benchmarks/publish/publish.mjs");
  expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toContain("are those of");
});
