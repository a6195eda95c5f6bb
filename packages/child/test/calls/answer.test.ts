import { createCall, createCodec, type ErrorMessage, type ErrorParts, type Message } from "@multifrost/protocol";
import { SerializationError } from "@multifrost/protocol/errors";
import { describe, expect, test } from "vitest";
import { answerCall, type Outcome } from "../../src/calls/answer.js";
import { Peers } from "../../src/session/peers.js";
import { FakeChannel } from "../support/fake-channel.js";

const ID = "0b6e0f0c-5d7e-4c3b-9a53-6f1de8f4f001";

function callWith(id: string) {
  return { peer: "parent", message: { ...createCall({ function: "give" }), id }, arrivedAt: 0, bytes: 100 };
}

function answered(
  outcome: Outcome,
  { limits = {}, channelBytes = Number.POSITIVE_INFINITY } = {},
): { message: Message; error: ErrorParts | undefined } {
  const channel = new FakeChannel();
  channel.maxBytes = channelBytes;
  const error = answerCall(callWith(ID), outcome, createCodec({ limits }), new Peers(channel));
  const [message, ...more] = channel.sent.map(({ bytes }) => createCodec().decode(bytes));
  if (message === undefined || more.length > 0) {
    throw new Error(`${channel.sent.length} messages were sent instead of 1`);
  }
  return { message, error };
}

function returned(value: unknown): Outcome {
  return { ok: true, value };
}

const cyclic: unknown[] = [];
cyclic.push(cyclic);

describe("a call is always answered", () => {
  test("[MSG-2] with what the method returned, under the call's id", () => {
    const { message, error } = answered(returned({ sum: 3 }));
    expect(message).toMatchObject({ type: "response", id: ID, result: { sum: 3 } });
    expect(error).toBeUndefined();
  });

  test("with an error when the bytes it returned were transferred before they were sent", () => {
    const channel = new FakeChannel();
    answerCall(callWith(ID), returned(new Uint8Array(70_000)), createCodec(), new Peers(channel));
    channel.settle(new SerializationError("UNSENDABLE_VALUE", "The memory was transferred."));
    expect(channel.sent.map(({ bytes }) => createCodec().decode(bytes))).toMatchObject([
      { type: "response", id: ID },
      { type: "error", id: ID, error: "What 'give' returned cannot be sent. The memory was transferred." },
    ]);
  });

  test("[INT-1] with the method's metadata, or without it where it cannot be sent", () => {
    const metadata = { interface: { functions: { add: {} } } };
    expect(answered({ ok: true, value: ["add"], metadata }).message).toMatchObject({ result: ["add"], metadata });
    const large = { interface: "x".repeat(2_000) };
    const { message, error } = answered({ ok: true, value: ["add"], metadata: large }, { channelBytes: 1_000 });
    expect(message).toMatchObject({ type: "response", result: ["add"] });
    expect(message).not.toHaveProperty("metadata");
    expect(error).toBeUndefined();
  });

  test.each([
    ["a function", () => {}, "result: function"],
    ["a symbol", Symbol("s"), "result: symbol"],
    ["a bigint that is too large", { n: 2n ** 64n }, "result.n: bigint"],
    ["a cycle", cyclic, "result[0]: a value that contains itself"],
    ["a promise inside", [Promise.resolve()], "result[0]: Promise"],
    [
      "a getter that throws",
      {
        get it(): never {
          throw new Error("not today");
        },
      },
      "not today",
    ],
  ])("a result with %s is an error that names the value and its place", (_what, value, reason) => {
    const { message, error } = answered(returned(value));
    const text = (message as ErrorMessage).error;
    expect(message).toMatchObject({ type: "error", id: ID });
    expect(text).toMatch(/^What 'give' returned cannot be sent\. /);
    expect(text).toContain(reason);
    expect(error?.message).toBe(text);
  });

  test("a result above the message limit is an error", () => {
    const { message } = answered(returned("x".repeat(2_000)), { limits: { maxMessageBytes: 1_000 } });
    expect(message).toMatchObject({ type: "error", metadata: { error: { code: "MESSAGE_TOO_LARGE" } } });
  });

  test("a result that the channel refuses is an error", () => {
    const { message } = answered(returned("x".repeat(2_000)), { channelBytes: 1_000 });
    expect((message as ErrorMessage).error).toBe("What 'give' returned cannot be sent. The channel takes 1000 bytes.");
  });
});

describe("errors", () => {
  const parts = { name: "RangeError", message: "too far", code: "E_FAR", stack: "RangeError: too far\n at x" };

  test("[MSG-9] are sent whole, as text and in parts", () => {
    const { message, error } = answered({ ok: false, error: parts });
    expect(message).toMatchObject({ type: "error", id: ID, error: "too far", metadata: { error: parts } });
    expect(error).toBe(parts);
  });

  test.each([
    ["maxMessageBytes", { limits: { maxMessageBytes: 20_000 } }, 4096],
    ["maxStringBytes", { limits: { maxStringBytes: 1_000 } }, 256],
    ["the channel's limit", { channelBytes: 500 }, 16],
  ])("that exceed %s lose their stack, are cut, and keep their code", (_limit, options, kept) => {
    const long = { ...parts, message: "m".repeat(100_000), name: "N".repeat(100_000) };
    const { message } = answered({ ok: false, error: long }, options);
    expect(message).toMatchObject({ error: "m".repeat(kept) });
    expect(message.metadata?.error).toEqual({ name: "N".repeat(kept), message: "m".repeat(kept), code: "E_FAR" });
  });

  test("[ERR-4] whose causes or fields exceed a limit keep their stack", () => {
    const details = { cause: { name: "E", message: "c" }, data: { text: "x".repeat(2_000) } };
    const { message } = answered({ ok: false, error: { ...parts, ...details } }, { channelBytes: 1_000 });
    expect(message.metadata?.error).toEqual(parts);
  });

  test("a code that would have to be cut is left out", () => {
    const long = { name: "E", message: "m", code: "c".repeat(100_000) };
    const { message } = answered({ ok: false, error: long }, { channelBytes: 20_000 });
    expect(message.metadata?.error).toEqual({ name: "E", message: "m" });
  });

  test("that cannot be sent even at their shortest throw, and nothing is sent", () => {
    const codec = createCodec({ limits: { maxMessageBytes: 1_000 } });
    const channel = new FakeChannel();
    const call = callWith("i".repeat(2_000));
    expect(() => answerCall(call, returned(1), codec, new Peers(channel))).toThrow(
      expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }),
    );
    expect(channel.sent).toEqual([]);
  });
});
