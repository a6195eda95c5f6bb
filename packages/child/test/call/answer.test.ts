import { createCodec, type ErrorMessage, type ErrorParts, type Message } from "@multifrost/protocol";
import { describe, expect, test } from "vitest";
import { type AnswerTo, answerCall, type Outcome } from "../../src/call/answer.js";

const ID = "0b6e0f0c-5d7e-4c3b-9a53-6f1de8f4f001";

function answered(
  outcome: Outcome,
  { limits = {}, channelBytes = Number.POSITIVE_INFINITY, id = ID } = {},
): { message: Message; error: ErrorParts | undefined } {
  const codec = createCodec({ limits });
  const sent: Uint8Array[] = [];
  const to: AnswerTo = {
    codec,
    callId: id,
    name: "give",
    send(bytes) {
      if (bytes.length > channelBytes) {
        throw new Error(`The channel takes ${channelBytes} bytes.`);
      }
      sent.push(bytes);
    },
  };
  const error = answerCall(to, outcome);
  expect(sent).toHaveLength(1);
  return { message: createCodec().decode(sent[0] as Uint8Array), error };
}

function returned(value: unknown): Outcome {
  return { ok: true, value };
}

const cyclic: unknown[] = [];
cyclic.push(cyclic);

describe("there is always an answer", () => {
  test("[MSG-2] what the method returned, under the call's id", () => {
    const { message, error } = answered(returned({ sum: 3 }));
    expect(message).toMatchObject({ type: "response", id: ID, result: { sum: 3 } });
    expect(error).toBeUndefined();
  });

  test("[INT-1] metadata, where the method has some; without it, where that cannot be sent", () => {
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
  ])("%s as a result is an error that says what and where", (_what, value, reason) => {
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

  test("[MSG-9] go whole, in text and in parts", () => {
    const { message, error } = answered({ ok: false, error: parts });
    expect(message).toMatchObject({ type: "error", id: ID, error: "too far", metadata: { error: parts } });
    expect(error).toBe(parts);
  });

  test.each([
    ["maxMessageBytes", { limits: { maxMessageBytes: 20_000 } }, 4096],
    ["maxStringBytes", { limits: { maxStringBytes: 1_000 } }, 256],
    ["a small channel", { channelBytes: 500 }, 16],
  ])("that are too large (%s) lose their stack, keep their code, and are cut", (_limit, options, kept) => {
    const long = { ...parts, message: "m".repeat(100_000), name: "N".repeat(100_000) };
    const { message } = answered({ ok: false, error: long }, options);
    expect(message).toMatchObject({ error: "m".repeat(kept) });
    expect(message.metadata?.error).toEqual({ name: "N".repeat(kept), message: "m".repeat(kept), code: "E_FAR" });
  });

  test("a code that would have to be cut is left out", () => {
    const long = { name: "E", message: "m", code: "c".repeat(100_000) };
    const { message } = answered({ ok: false, error: long }, { channelBytes: 20_000 });
    expect(message.metadata?.error).toEqual({ name: "E", message: "m" });
  });

  test("where not even the shortest can be sent, that is thrown and nothing is sent", () => {
    const codec = createCodec({ limits: { maxMessageBytes: 1_000 } });
    const to: AnswerTo = { codec, callId: "i".repeat(2_000), name: "give", send: () => expect.unreachable() };
    expect(() => answerCall(to, returned(1))).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
  });
});
