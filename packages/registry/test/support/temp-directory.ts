import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { writeEntry } from "../../src/service-entry.js";

/** A directory of the running test's own, removed after it. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "multifrost-registry-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Puts a `services.json` into the directory: a value as JSON, a string as it is. Returns its path. */
export function placeServices(directory: string, content: unknown): string {
  const file = join(directory, "services.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

/** What the file has for a service of this process, or of the one that is given. */
export function entryInFile(port: number, pid: number = process.pid, started = "2026-02-01T10:00:00Z"): object {
  return JSON.parse(writeEntry({ serviceId: "", port, pid, started })) as object;
}
