import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A directory of the running test's own, removed after it. */
export function temporaryDirectory(name = "multifrost-parent-"): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), name)));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
