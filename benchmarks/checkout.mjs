// Another commit of this repository, exported and built, to be compared with this one in one run.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** This repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Exports a commit into a temporary folder, installs and builds it by its own scripts, and returns the folder, which is
 * removed when this process ends.
 */
export function buildAt(ref) {
  const temp = mkdtempSync(join(tmpdir(), "multifrost-other-"));
  process.once("exit", () => rmSync(temp, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => process.exit(1));
  }
  const folder = join(temp, "other");
  mkdirSync(folder);
  const archive = execFileSync("git", ["archive", ref], { cwd: root, maxBuffer: 2 ** 30 });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  for (const args of [["install", "--frozen-lockfile", "--prefer-offline"], ["build"]]) {
    execFileSync("npx", ["-y", "pnpm@12", ...args], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  }
  return folder;
}
