// Faults of worker processes, decided by a seed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { MultifrostError } from "@multifrost/protocol/errors";
import { checkOptions, countFrom, type OptionRule, rule } from "@multifrost/protocol/internal";
import { chooseSeed, streamOf } from "./seed.js";

/** A worker with a process: any `ParentWorker` that spawned one. */
export interface WorkerWithProcess {
  readonly pid: number | undefined;
}

/** Options of `ProcessFaults`. */
export interface ProcessFaultOptions {
  /** Decides when things happen. Default: a new one, which is printed to stderr. */
  seed?: number;
  /** How long a start through `launch()` takes at most before the program runs, in milliseconds. Default: 0. */
  slowStartMs?: number;
  /** The share of starts through `launch()` that exit with code 70 before the program runs, from 0 to 1. Default: 0. */
  crashes?: number;
  /** The first starts that do so, whatever `crashes` says: a crash loop that ends. Default: 0. */
  firstCrashes?: number;
}

const MS: OptionRule = rule(
  "a number of milliseconds from 0 to 60000",
  (value) => typeof value === "number" && value >= 0 && value <= 60_000,
);

const RULES: Readonly<Record<keyof ProcessFaultOptions, OptionRule>> = {
  seed: rule("a number", (value) => typeof value === "number"),
  slowStartMs: MS,
  crashes: rule("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1),
  firstCrashes: countFrom(0),
};

/** Starts that are planned; later ones are neither slow nor crash. */
const PLANNED_STARTS = 1_000;

/** Counts its starts in a file, waits and exits as the plan's line for this start says, and becomes the program. */
const LAUNCHER = `folder=$1; shift
printf x >> "$folder/starts"
line=$(sed -n "$(wc -c < "$folder/starts")p" "$folder/plan")
line=\${line:-0 run}
sleep "\${line%% *}"
[ "\${line##* }" = crash ] && exit 70
exec "$@"`;

/**
 * Kills and suspends workers at moments that a seed decides, and starts them slowly or in a crash loop.
 *
 * ```ts
 * using faults = new ProcessFaults({ seed: 7, firstCrashes: 2 });
 * const worker = ParentWorker.spawn<Model>("./model.py", faults.launch("python3"), { autoRestart: true });
 * ```
 */
export class ProcessFaults {
  readonly seed: number;
  readonly #options: ProcessFaultOptions;
  readonly #random: () => number;
  readonly #folders: string[] = [];

  /** Throws `MultifrostError` `INVALID_OPTION`. */
  constructor(options: ProcessFaultOptions = {}) {
    checkOptions("ProcessFaults", options, RULES);
    this.#options = { ...options };
    this.seed = chooseSeed("process faults", options.seed);
    this.#random = streamOf(this.seed, 0);
  }

  /**
   * A program for `ParentWorker.spawn`, in any language, whose starts are slow or crash as the options say. Needs a POSIX shell:
   * throws `MultifrostError` `INVALID_OPTION` on Windows.
   */
  launch(program: string, ...args: readonly string[]): string[] {
    if (process.platform === "win32") {
      throw new MultifrostError("INVALID_OPTION", "ProcessFaults.launch() needs a POSIX shell, which Windows has not.");
    }
    const folder = mkdtempSync(join(tmpdir(), "multifrost-faults-"));
    this.#folders.push(folder);
    const { slowStartMs = 0, crashes = 0, firstCrashes = 0 } = this.#options;
    const random = streamOf(this.seed, this.#folders.length);
    const lines = Array.from({ length: PLANNED_STARTS }, (_, start) => {
      const seconds = (random() * slowStartMs) / 1_000;
      const isCrash = random() < crashes || start < firstCrashes;
      return `${seconds.toFixed(3)} ${isCrash ? "crash" : "run"}`;
    });
    writeFileSync(join(folder, "plan"), `${lines.join("\n")}\n`);
    return ["sh", "-c", LAUNCHER, "sh", folder, program, ...args];
  }

  /** A moment from 0 up to but not including `withinMs`, in milliseconds: the next that the seed gives. */
  moment(withinMs: number): number {
    return this.#random() * withinMs;
  }

  /** Ends the worker's process at once, by SIGKILL or another signal. Returns false if it has none. */
  kill({ pid }: WorkerWithProcess, signal: NodeJS.Signals = "SIGKILL"): boolean {
    return pid !== undefined && send(pid, signal);
  }

  /** Stops the worker's process by SIGSTOP for so many milliseconds, then lets it go on. Returns false if it has none. */
  async suspend({ pid }: WorkerWithProcess, ms: number): Promise<boolean> {
    if (pid === undefined || !send(pid, "SIGSTOP")) {
      return false;
    }
    try {
      await pause(ms);
    } finally {
      send(pid, "SIGCONT");
    }
    return true;
  }

  /**
   * Makes calls, and kills the worker's process while they run: at a moment within so many milliseconds. Resolves when they
   * have settled, to how.
   *
   * ```ts
   * const [outcome] = await faults.killDuring(worker, 50, () => [worker.call.train(data)]);
   * ```
   */
  async killDuring<T>(
    worker: WorkerWithProcess,
    withinMs: number,
    calls: () => readonly Promise<T>[],
  ): Promise<PromiseSettledResult<T>[]> {
    const settled = Promise.allSettled(calls());
    await pause(this.moment(withinMs));
    this.kill(worker);
    return await settled;
  }

  /** Removes the files of `launch()`. Stop the workers first. */
  [Symbol.dispose](): void {
    for (const folder of this.#folders.splice(0)) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It has ended.
    return false;
  }
}
