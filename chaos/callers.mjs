// Callers that never pause, and what became of their calls.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file in which workers note the calls that they run. */
export class Notes {
  #folder = mkdtempSync(join(tmpdir(), "multifrost-chaos-"));
  path = join(this.#folder, "notes");

  constructor() {
    writeFileSync(this.path, "");
  }

  /** How many calls ran more than once. A line that a kill cut off is none. */
  get repeated() {
    const ids = readFileSync(this.path, "utf8").split("\n").slice(0, -1);
    return ids.length - new Set(ids).size;
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}

/** Calls of `note`, so many at the same time, until `stop`. */
export class Callers {
  /** Calls by the code of their error, or `ok`. */
  outcomes = new Map();
  wrong = 0;
  /** Calls that have not settled, with the time at which they were made. */
  pending = new Map();
  #nextId = 0;
  #isOver = false;
  #lanes;
  #onSettled;

  /** @param onSettled - Called with each call: when it was made, the code of its error, and when it settled. */
  constructor(call, count, onSettled = () => {}) {
    this.#onSettled = onSettled;
    this.#lanes = Array.from({ length: count }, () => this.#lane(call));
  }

  get made() {
    return this.#nextId;
  }

  async #lane(call) {
    while (!this.#isOver) {
      const id = ++this.#nextId;
      const madeAt = performance.now();
      this.pending.set(id, madeAt);
      const code = await call(id).then(
        (answer) => {
          this.wrong += answer === `noted ${id}` ? 0 : 1;
        },
        (error) => error.code ?? error.name,
      );
      const settledAt = performance.now();
      this.pending.delete(id);
      this.outcomes.set(code ?? "ok", (this.outcomes.get(code ?? "ok") ?? 0) + 1);
      this.#onSettled({ madeAt, code, settledAt });
      if (code !== undefined) {
        // A refused call settles at once: the lane must not keep the event loop from turning.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  /** Makes no more calls. Returns how many have not settled within so many milliseconds. */
  async stop(ms) {
    this.#isOver = true;
    const timeout = new Promise((resolve) => setTimeout(resolve, ms).unref());
    await Promise.race([Promise.all(this.#lanes), timeout]);
    return this.pending.size;
  }
}

/** The number below which so much of the numbers lies; NaN for none. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Counts what nobody handled while `work` runs. */
export async function countingUnhandled(work) {
  let unhandled = 0;
  const count = () => {
    unhandled += 1;
  };
  process.on("unhandledRejection", count);
  try {
    await work();
    return unhandled;
  } finally {
    process.off("unhandledRejection", count);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for a condition; throws after so many milliseconds. */
export async function until(condition, what, ms = 30_000) {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`Waited ${ms} ms for ${what}.`);
    }
    await pause(1);
  }
}
