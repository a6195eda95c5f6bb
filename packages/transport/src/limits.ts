// The bounds of a channel and their defaults, checked when a transport is made.

import { invalidOption } from "@multifrost/protocol/internal";
import type { ChannelLimits } from "./channel.js";

const MEBIBYTE = 1024 * 1024;

/** The bounds that apply where {@link ChannelLimits} leaves one out. */
export const DEFAULT_CHANNEL_LIMITS: Readonly<Required<ChannelLimits>> = {
  maxMessageBytes: 64 * MEBIBYTE,
  maxQueuedMessages: 500_000,
  maxQueuedBytes: 1024 * MEBIBYTE,
};

/** Fills in the defaults. Throws `MultifrostError` (`INVALID_OPTION`) for a bound that is not a positive integer. */
export function resolveLimits(limits: ChannelLimits): Required<ChannelLimits> {
  return {
    maxMessageBytes: bound("maxMessageBytes", limits),
    maxQueuedMessages: bound("maxQueuedMessages", limits),
    maxQueuedBytes: bound("maxQueuedBytes", limits),
  };
}

function bound(name: keyof ChannelLimits, limits: ChannelLimits): number {
  const value = limits[name] ?? DEFAULT_CHANNEL_LIMITS[name];
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalidOption(name, "an integer of at least 1", value);
  }
  return value;
}
