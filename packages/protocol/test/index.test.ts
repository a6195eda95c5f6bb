import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

it("the built package imports nothing but its own files, and needs no other package", () => {
  const files = readdirSync(join(folder, "dist"), { recursive: true }).map(String);
  const imported = files
    .filter((file) => /\.(js|d\.ts)$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(folder, "dist", file), "utf8").matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g),
    ])
    .map(([, specifier = ""]) => specifier);
  const bare = imported.filter((specifier) => !specifier.startsWith("."));
  expect(imported.length).toBeGreaterThan(30);
  expect(bare).toEqual([]);
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  expect(dependencies).toBeUndefined();
});

it("the built package works where there is nothing of Node", () => {
  const script = join(folder, "test/fixtures/without-node.mjs");
  const output = execFileSync(process.execPath, ["--experimental-vm-modules", "--no-warnings", script], {
    encoding: "utf8",
  });
  expect(JSON.parse(output)).toEqual([1, "1152921504606846976", [1, 2], 300, "x"]);
});
