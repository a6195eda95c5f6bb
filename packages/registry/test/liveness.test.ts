import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { livenessOf } from "../src/liveness.js";
import { parseStat, type RunningProcess } from "../src/running-process.js";
import { readEntry } from "../src/service-entry.js";

interface Vectors {
  entries: {
    name: string;
    entry: unknown;
    system: { ownPid: number; boot: string | null; running: RunningProcess | null; answers: boolean };
    live: boolean;
  }[];
  stats: { name: string; text: string; running: RunningProcess | null }[];
}

const path = new URL("../../../interop/liveness.json", import.meta.url);
const { entries, stats } = JSON.parse(readFileSync(path, "utf8")) as Vectors;

describe("[REG-13] the liveness that all languages agree on", () => {
  test.each(entries)("$name: live is $live", async ({ entry: written, system, live }) => {
    const entry = readEntry("math", JSON.stringify(written));
    const { ownPid, boot, running, answers } = system;
    const liveness =
      entry &&
      (await livenessOf(entry, {
        ownPid,
        boot: boot ?? undefined,
        running: (pid) => (pid > 0 ? (running ?? undefined) : undefined),
        answers: async () => answers,
      }));
    expect(liveness === "live").toBe(live);
  });

  test.each(stats)("/proc/<pid>/stat of $name", ({ text, running }) => {
    expect(parseStat(text)).toEqual(running ?? undefined);
  });
});
