// Which faults there are, and which of them meets which message.

import { checkOptions, createSeededRandom, type OptionRule, rule } from "@multifrost/protocol/internal";
import { streamOf } from "./seed.js";

/** Kinds of faults of a channel. */
export type ChannelFault = "drop" | "duplicate" | "reorder" | "corrupt" | "delay" | "cut";

/** How many faults have happened, by kind. */
export type FaultCounts = Record<ChannelFault, number>;

/** Options of `ChannelFaults`. Shares are numbers from 0 to 1, of the messages that arrive at one end. Default: 0. */
export interface ChannelFaultOptions {
  /** Decides which messages are met. Default: a new one, which is printed to stderr. */
  seed?: number;
  /** The share that never arrives. */
  drop?: number;
  /** The share that arrives twice. */
  duplicate?: number;
  /** The share that the next message overtakes. One that no other follows within `maxDelayMs` arrives then. */
  reorder?: number;
  /** The share that arrives with changed bytes. Such a message may still be readable, with other values. */
  corrupt?: number;
  /** The share that arrives late, and with them those behind. */
  delay?: number;
  /** How late at most, in milliseconds. Default: 20. */
  maxDelayMs?: number;
  /** The share at which a client's connection is cut: the message and all that are under way are lost; then it connects again. */
  cut?: number;
}

const SHARE: OptionRule = rule(
  "a number from 0 to 1",
  (value) => typeof value === "number" && value >= 0 && value <= 1,
);
const LONGEST_DELAY_MS = 60_000;

const RULES: Readonly<Record<keyof ChannelFaultOptions, OptionRule>> = {
  seed: rule("a number", (value) => typeof value === "number"),
  drop: SHARE,
  duplicate: SHARE,
  reorder: SHARE,
  corrupt: SHARE,
  delay: SHARE,
  maxDelayMs: rule(
    `a number of milliseconds from 0 to ${LONGEST_DELAY_MS}`,
    (value) => typeof value === "number" && value >= 0 && value <= LONGEST_DELAY_MS,
  ),
  cut: SHARE,
};

/** Throws `MultifrostError` `INVALID_OPTION`. */
export function checkFaultOptions(options: unknown): void {
  checkOptions("ChannelFaults", options, RULES);
}

/** What happens to one message. */
export interface MessageFate {
  readonly faults: ReadonlySet<ChannelFault>;
  /** How late it arrives, in milliseconds; 0 without `delay`. */
  readonly delayMs: number;
  /** Draws the bytes that `corrupt` changes. */
  readonly random: () => number;
}

const KINDS: readonly ChannelFault[] = ["drop", "duplicate", "reorder", "corrupt", "delay", "cut"];

/** Decides about the messages of one end, one after the other. Each draws as many numbers, whatever happens to it. */
export class FaultPlan {
  readonly #options: ChannelFaultOptions;
  readonly #random: () => number;

  /** @param end Tells the ends apart that one seed decides about. */
  constructor(options: ChannelFaultOptions, seed: number, end: number) {
    this.#options = options;
    this.#random = streamOf(seed, end);
  }

  next(): MessageFate {
    const faults = new Set(KINDS.filter((kind) => this.#random() < (this.#options[kind] ?? 0)));
    const lateness = this.#random() * (this.#options.maxDelayMs ?? 20);
    const delayMs = faults.has("delay") ? lateness : 0;
    return { faults, delayMs, random: createSeededRandom(this.#random() * 2 ** 32) };
  }
}

/** A copy with one to three bytes changed; one byte more where there are none. */
export function corrupted(bytes: Uint8Array, random: () => number): Uint8Array {
  if (bytes.length === 0) {
    return Uint8Array.of(Math.floor(random() * 256));
  }
  const changed = new Uint8Array(bytes);
  const count = 1 + Math.floor(random() * 3);
  for (let change = 0; change < count; change += 1) {
    const index = Math.floor(random() * changed.length);
    changed[index] = (changed[index] ?? 0) ^ (1 + Math.floor(random() * 255));
  }
  return changed;
}
