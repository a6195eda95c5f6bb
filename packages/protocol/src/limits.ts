import { checkOptions, type OptionRules, rule } from "./internal/option-checks.js";

/**
 * Bounds on a message, checked when encoding (nothing is sent) and when decoding (before anything is allocated).
 *
 * Older implementations have lower ones: Python 10 MiB per string or binary and 100 000 items, Go 10 MiB per message
 * and 10 000 items.
 */
export interface MessageLimits {
  /** A whole message, in bytes. Default: 67 108 864 (64 MiB). */
  maxMessageBytes: number;
  /** One string, in bytes of UTF-8. Default: 67 108 864. */
  maxStringBytes: number;
  /** One binary or extension value, in bytes. Default: 67 108 864. */
  maxBinaryBytes: number;
  /** Items in one array. Default: 1 000 000. */
  maxArrayLength: number;
  /** Keys in one map. Default: 1 000 000. */
  maxMapLength: number;
  /** Values in one message, all arrays and maps together, map keys included. Default: 4 000 000. */
  maxValues: number;
  /**
   * Arrays, maps, binary and extension values in one message: each takes 50 to 250 bytes in memory, but may take one byte in
   * the message. Default: 1 000 000, which 3 MB of a hostile peer cannot turn into more than about 250 MB.
   */
  maxObjects: number;
  /** Levels of nested arrays and maps within one argument or result. Default: 100. */
  maxDepth: number;
}

const MIB = 1024 * 1024;

/** The default of every limit. */
export const DEFAULT_LIMITS: Readonly<MessageLimits> = {
  maxMessageBytes: 64 * MIB,
  maxStringBytes: 64 * MIB,
  maxBinaryBytes: 64 * MIB,
  maxArrayLength: 1_000_000,
  maxMapLength: 1_000_000,
  maxValues: 4_000_000,
  maxObjects: 1_000_000,
  maxDepth: 100,
};

/** Values that belong to the message itself: its map, the names of its fields, and the fields that are not counted. */
export const ENVELOPE_VALUES = 32;

/** The longest message id accepted, in bytes. A UUID has 36; an answer repeats the id. */
export const MAX_ID_BYTES = 256;

/**
 * Fills in the defaults.
 *
 * Throws `MultifrostError` `INVALID_OPTION` for a limit that is not known, or not a positive whole number.
 */
export function completeLimits(limits: Partial<MessageLimits> = {}): MessageLimits {
  checkOptions("limits", limits, RULES, { prefix: "limits." });
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(given) };
}

const LIMIT = rule("a whole number of at least 1", (value) => Number.isSafeInteger(value) && (value as number) >= 1);

const RULES: OptionRules<MessageLimits> = {
  maxMessageBytes: LIMIT,
  maxStringBytes: LIMIT,
  maxBinaryBytes: LIMIT,
  maxArrayLength: LIMIT,
  maxMapLength: LIMIT,
  maxValues: LIMIT,
  maxObjects: LIMIT,
  maxDepth: LIMIT,
};
