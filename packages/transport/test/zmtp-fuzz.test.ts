// Random and mutated bytes to the whole reading side: it never hangs, never grows, and throws nothing but ProtocolError.
// MULTIFROST_FUZZ_INPUTS sets the number of inputs (default: 20 000), MULTIFROST_FUZZ_SEED the first seed (default: 1).

import { createSeededRandom } from "@multifrost/protocol/internal";
import { describe, expect, it } from "vitest";
import { COMMAND, frame, LONG, MORE } from "../src/zmtp/frames.js";
import { ProtocolError } from "../src/zmtp/protocol-error.js";
import { ProtocolReader } from "../src/zmtp/protocol-reader.js";
import { bytesOf } from "./open-channels.js";
import { DEALER_HELLO } from "./zmtp-setups.js";

const INPUTS = Number(process.env.MULTIFROST_FUZZ_INPUTS ?? 20_000);
const FIRST_SEED = Number(process.env.MULTIFROST_FUZZ_SEED ?? 1);
const LIMITS = { maxMessageBytes: 5000, maxFrames: 16, maxCommandBytes: 500 };

describe("any bytes", () => {
  it(`are read or refused, the same wherever they are cut (${INPUTS} inputs)`, { timeout: 20_000 + INPUTS }, () => {
    const reasons = new Map<string, number>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + INPUTS; seed += 1) {
      const random = createSeededRandom(seed);
      const stream = inputOf(random);
      const whole = outcomeOf([stream], false);
      const inPieces = outcomeOf(pieces(stream, random), random() < 0.5);
      if (whole.text !== inPieces.text) {
        expect.fail(`seed ${seed}: ${inPieces.text}\ninstead of ${whole.text}`);
      }
      if (whole.bytes > stream.length) {
        expect.fail(`seed ${seed}: ${whole.bytes} bytes came out of ${stream.length}`);
      }
      reasons.set(whole.reason, (reasons.get(whole.reason) ?? 0) + 1);
    }
    // The inputs get everywhere: most rules were broken, and many inputs were read to their end.
    expect(reasons.size).toBeGreaterThan(INPUTS >= 20_000 ? 9 : 3);
    expect(reasons.get("") ?? 0).toBeGreaterThan(INPUTS / 20);
  });
});

/** What a reader makes of a stream: everything it returned, and the rule that was broken. */
function outcomeOf(
  chunks: readonly Uint8Array[],
  leavesRest: boolean,
): { text: string; bytes: number; reason: string } {
  const reader = new ProtocolReader("ROUTER");
  const log: string[] = [];
  let bytes = 0;
  const take = (most: number) => {
    for (let count = 0; count < most; count += 1) {
      const received = reader.next();
      if (received === undefined) {
        return;
      }
      if (Array.isArray(received)) {
        bytes += received.reduce((sum, { length }) => sum + length, 0);
        log.push(received.map((body) => Buffer.from(body).toString("latin1")).join("|"));
      } else {
        log.push(JSON.stringify(received));
        if (received.kind === "ready") {
          reader.accept(LIMITS);
        }
      }
    }
  };
  try {
    for (const chunk of chunks) {
      const space = reader.space();
      if (space !== undefined && space.length >= chunk.length) {
        space.set(chunk);
        reader.filled(chunk.length);
      } else {
        reader.push(chunk);
      }
      take(leavesRest ? 1 : Number.POSITIVE_INFINITY);
      reader.keepRest();
    }
    take(Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!(error instanceof ProtocolError)) {
      throw error;
    }
    return { text: [...log, error.message].join("\n"), bytes, reason: error.message };
  }
  return { text: log.join("\n"), bytes, reason: "" };
}

/** Bytes that resemble a conversation, more or less. */
function inputOf(random: () => number): Uint8Array {
  const kind = random();
  if (kind < 0.05) {
    return noise(random, 200);
  }
  const parts: Uint8Array[] = [DEALER_HELLO];
  for (let count = Math.floor(random() * 8); count > 0; count -= 1) {
    parts.push(partOf(random));
  }
  const stream = Buffer.concat(parts);
  for (let count = kind < 0.4 ? 0 : Math.floor(random() * 4); count > 0; count -= 1) {
    // More often in the greeting and READY, where most rules are.
    const at = Math.floor(random() * (random() < 0.5 ? 94 : stream.length));
    stream[at] = Math.floor(random() * 256);
  }
  return random() < 0.1 ? stream.subarray(0, Math.floor(random() * stream.length)) : stream;
}

function partOf(random: () => number): Uint8Array {
  const kind = random();
  if (kind < 0.4) {
    const count = 1 + Math.floor(random() * (random() < 0.05 ? 20 : 3));
    const size = random() < 0.1 ? 6000 : 300;
    return Buffer.concat(
      Array.from({ length: count }, (_, index) => frame(index < count - 1 ? MORE : 0, noise(random, size / count))),
    );
  }
  if (kind < 0.6) {
    return frame(COMMAND, Buffer.concat([bytesOf("\x04PING"), noise(random, 24)]));
  }
  if (kind < 0.7) {
    return frame(COMMAND, noise(random, 40));
  }
  if (kind < 0.75) {
    return Buffer.concat([Uint8Array.of(LONG | (random() < 0.5 ? COMMAND : 0)), noise(random, 12)]);
  }
  return kind < 0.8 ? noise(random, 30) : frame(0, noise(random, 40));
}

function noise(random: () => number, most: number): Uint8Array {
  return Uint8Array.from({ length: Math.floor(random() * most) }, () => Math.floor(random() * 256));
}

function pieces(stream: Uint8Array, random: () => number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = 1 + Math.floor(random() * (random() < 0.3 ? 3 : 200));
    parts.push(stream.slice(at, at + length));
    at += length;
  }
  return parts;
}
