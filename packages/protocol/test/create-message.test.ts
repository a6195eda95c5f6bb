import { afterEach, describe, expect, it, vi } from "vitest";
import { MalformedMessageError } from "../src/errors/index.js";
import {
  createCall,
  createCodec,
  createError,
  createHeartbeat,
  createOutput,
  createReady,
  createResponse,
  createShutdown,
  type HeartbeatMessage,
  type Metadata,
  newMessageId,
  wireTime,
} from "../src/index.js";
import { echo, toHex } from "./wire.js";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => {
  vi.useRealTimers();
});

describe("time", () => {
  it("[MSG-4] is in seconds with milliseconds as the fraction", () => {
    vi.useFakeTimers({ now: 1_700_000_000_250 });
    expect(wireTime()).toBe(1_700_000_000.25);
  });

  it("is read once a millisecond for those who have read the monotonic clock, and follows a date that was changed", () => {
    vi.useFakeTimers({ now: 5_500 });
    expect(wireTime(10)).toBe(5.5);
    vi.setSystemTime(1_500);
    expect([wireTime(10.9), wireTime(11)]).toEqual([5.5, 1.5]);
    vi.setSystemTime(2_500);
    expect([wireTime(11), wireTime(), wireTime(11)]).toEqual([1.5, 2.5, 2.5]);
    vi.setSystemTime(3_500);
    expect(wireTime(3)).toBe(3.5);
  });

  it("[MSG-4] is a float on the wire at every millisecond, also at a whole second", () => {
    for (const now of [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_999]) {
      vi.useFakeTimers({ now });
      const [shutdown, heartbeat] = [createShutdown(), createHeartbeat()];
      expect(Math.abs(shutdown.timestamp * 1000 - now)).toBeLessThan(0.01);
      const hex = toHex(createCodec().encode(shutdown)) + toHex(createCodec().encode(heartbeat));
      const timestamps = hex.split(Buffer.from("timestamp").toString("hex")).slice(1);
      expect(timestamps.map((rest) => rest.slice(0, 2))).toEqual(["cb", "cb", "cb"]);
    }
  });
});

describe("a message", () => {
  it("[MSG-4] may be given a time that was read before", () => {
    const timestamp = wireTime();
    expect(createCall({ function: "f", timestamp }).timestamp).toBe(timestamp);
    expect(createResponse("id", 1, undefined, timestamp).timestamp).toBe(timestamp);
  });
});

describe("calls", () => {
  it("[MSG-2] [MSG-5] [MSG-6] have a new id, and by default no arguments and the default namespace", () => {
    const call = createCall({ function: "f" });
    expect(call).toStrictEqual({
      type: "call",
      id: expect.stringMatching(UUID_V4),
      timestamp: expect.any(Number),
      function: "f",
      args: [],
      namespace: "default",
    });
    expect(createCall({ function: "f" }).id).not.toBe(call.id);
  });

  it("[MSG-7] [MSG-11] have the given parts", () => {
    const metadata = {
      timestamp_sent: 0.5,
      correlation_id: "c",
      parent_request_id: "p",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "a=b",
      own: [1],
    };
    const call = createCall({ function: "f", args: [1], namespace: "n", clientName: "c", metadata });
    expect(call).toMatchObject({ args: [1], namespace: "n", client_name: "c", metadata });
    expect(echo(call)).toStrictEqual(call);
  });
});

describe("answers", () => {
  it("[MSG-2] [MSG-8] have the id of the call", () => {
    expect(createResponse("i", 5)).toStrictEqual({
      type: "response",
      id: "i",
      timestamp: expect.any(Number),
      result: 5,
    });
    expect(echo(createResponse("i", undefined)).result).toBe(undefined);
    expect(echo(createResponse("i", null)).result).toBe(null);
  });

  it("[MSG-9] an error has the plain message, and its parts in the metadata", () => {
    const parts = { name: "RangeError", message: "too far", code: "E_FAR", stack: "at …" };
    const error = createError("i", parts);
    expect(error).toStrictEqual({
      type: "error",
      id: "i",
      timestamp: expect.any(Number),
      error: "too far",
      metadata: { error: parts },
    });
    expect(echo(error)).toStrictEqual(error);
  });
});

describe("output", () => {
  it.each(["stdout", "stderr"] as const)(
    "[MSG-2] [MSG-10] to %s has an id, since Python drops it without one",
    (stream) => {
      const message = createOutput(stream, "a line");
      expect(message).toMatchObject({ type: stream, output: "a line", id: expect.stringMatching(UUID_V4) });
      expect(echo(message)).toStrictEqual(message);
    },
  );
});

/** The answer to a heartbeat, as its sender reads it. */
function answerTo(heartbeat: HeartbeatMessage, more?: Metadata): HeartbeatMessage {
  const codec = createCodec();
  return codec.decode(codec.answerHeartbeat(codec.encode(heartbeat), more)) as HeartbeatMessage;
}

describe("heartbeats", () => {
  it("[MSG-12] have the sender's clock and a new id, or the given one", () => {
    const heartbeat = createHeartbeat();
    expect(heartbeat).toStrictEqual({
      type: "heartbeat",
      id: expect.stringMatching(UUID_V4),
      timestamp: expect.any(Number),
      metadata: { hb_timestamp: heartbeat.timestamp },
    });
    expect(createHeartbeat("mine").id).toBe("mine");
  });

  it("[MSG-12] are answered with their id, args and metadata, and hb_response", () => {
    const asked = {
      type: "heartbeat",
      id: "i",
      timestamp: 1,
      args: [17],
      metadata: { hb_timestamp: 12.5, own: { a: 1 } },
    } as const;
    expect(answerTo(asked)).toStrictEqual({
      type: "heartbeat",
      id: "i",
      timestamp: expect.any(Number),
      args: [17],
      metadata: { hb_timestamp: 12.5, own: { a: 1 }, hb_response: true },
    });
    const bare = answerTo({ type: "heartbeat", id: "i", timestamp: 1 });
    expect(bare).not.toHaveProperty("args");
    expect(bare.metadata).toEqual({ hb_response: true });
  });

  it("[MSG-12] [VAL-13] with __proto__ in their metadata are answered with it", () => {
    const metadata = JSON.parse('{"__proto__": {"a": 1}}');
    const answer = answerTo({ type: "heartbeat", id: "i", timestamp: 1, metadata });
    expect(JSON.stringify(answer.metadata)).toBe('{"__proto__":{"a":1},"hb_response":true}');
  });

  it("[MSG-16] are answered with this side's metadata in place of theirs", () => {
    const metadata = { features: ["cancel"], token: "theirs", mine: true };
    const heartbeat: HeartbeatMessage = { type: "heartbeat", id: "i", timestamp: 1, metadata };
    expect(answerTo(heartbeat, { features: ["undefined"], token: "ours" }).metadata).toEqual({
      mine: true,
      features: ["undefined"],
      token: "ours",
      hb_response: true,
    });
    expect(answerTo(heartbeat, { token: undefined }).metadata).toEqual({ mine: true, hb_response: true });
  });

  it.each([15, 16, 0x1_0000])("[MSG-12] with %i fields in their metadata are answered with each of them", (length) => {
    const metadata = Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index]));
    const answer = answerTo({ type: "heartbeat", id: "i", timestamp: 1, metadata });
    expect(answer.metadata).toEqual({ ...metadata, hb_response: true });
  });

  it("[LIM-2] are not answered if the answer exceeds the limit of a message", () => {
    const codec = createCodec({ limits: { maxMessageBytes: 110 } });
    const heartbeat = codec.encode({ ...createHeartbeat("i"), metadata: { filler: "x".repeat(25) } });
    expect(heartbeat.length).toBeGreaterThan(100);
    expect(() => codec.answerHeartbeat(heartbeat)).toThrow(/^The answer to a heartbeat takes \d+ bytes/);
    expect(() => codec.answerHeartbeat(heartbeat.subarray(0, 20))).toThrow(MalformedMessageError);
  });
});

describe("shutdown and ready", () => {
  it("[MSG-13] [MSG-14] have their type, an id and the time", () => {
    for (const [type, message] of [
      ["shutdown", createShutdown()],
      ["ready", createReady()],
    ] as const) {
      expect(message).toStrictEqual({ type, id: expect.stringMatching(UUID_V4), timestamp: expect.any(Number) });
      expect(echo(message)).toStrictEqual(message);
    }
  });
});

it("[MSG-2] ids are unique UUIDs of version 4", () => {
  const ids = Array.from({ length: 1000 }, newMessageId);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(new Set(ids).size).toBe(1000);
});
