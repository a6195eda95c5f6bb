// The bounds of a channel and their defaults.

import { type OptionRules, rule } from "@multifrost/protocol/internal";
import type { ChannelLimits } from "./channel.js";

const MEBIBYTE = 1024 * 1024;

/** The bounds that apply where {@link ChannelLimits} leaves one out. */
export const DEFAULT_CHANNEL_LIMITS: Readonly<Required<ChannelLimits>> = {
  maxMessageBytes: 64 * MEBIBYTE,
  maxQueuedMessages: 500_000,
  maxQueuedBytes: 1024 * MEBIBYTE,
};

const BOUND = rule("an integer of at least 1", (value) => Number.isSafeInteger(value) && (value as number) >= 1);

/** What each bound must be. */
export const LIMIT_RULES: OptionRules<ChannelLimits> = {
  maxMessageBytes: BOUND,
  maxQueuedMessages: BOUND,
  maxQueuedBytes: BOUND,
};

/** Fills in the defaults of bounds that are checked. */
export function resolveLimits(limits: ChannelLimits): Required<ChannelLimits> {
  return {
    maxMessageBytes: limits.maxMessageBytes ?? DEFAULT_CHANNEL_LIMITS.maxMessageBytes,
    maxQueuedMessages: limits.maxQueuedMessages ?? DEFAULT_CHANNEL_LIMITS.maxQueuedMessages,
    maxQueuedBytes: limits.maxQueuedBytes ?? DEFAULT_CHANNEL_LIMITS.maxQueuedBytes,
  };
}
