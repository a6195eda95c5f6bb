// What a worker sends, without a transport: bytes in, what they do out.

import { inspect } from "node:util";
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
  type Message,
} from "@multifrost/protocol";
import { RemoteCallError, SerializationError } from "@multifrost/protocol/errors";
import { createFakeClock, type FakeClock } from "@multifrost/testing";
import { describe, expect, it, vi } from "vitest";
import type { ParentOptions } from "../../src/options.js";
import { createHealthCheck } from "../../src/session/health-check.js";
import { Inbound } from "../../src/session/inbound.js";
import { idleSession, parentParts } from "../support/context.js";
import { answerHeartbeat } from "../support/heartbeats.js";
import { errorOf } from "../support/until.js";

const codec = createCodec();

/** An inbound with this many calls of `add` in flight. */
function inboundWith(count: number, given: ParentOptions = {}, clock?: FakeClock) {
  const { context, calls, current, emitter, telemetry, records } = parentParts(given, undefined, clock);
  const session = idleSession();
  current.use(session);
  const answers = Array.from({ length: count }, () => calls.call("add", [], {}));
  answers.forEach((answer) => void answer.catch(() => {}));
  const ids = session.send.mock.calls.map(([bytes]) => codec.decode(bytes).id);
  const sent: Uint8Array[] = [];
  const health = createHealthCheck(context, {
    send(bytes) {
      inbound.expectAnswerTo(bytes);
      sent.push(bytes);
    },
    received: () => 0,
    onStalled() {},
    onLost() {},
  });
  const onOutput = vi.fn();
  const inbound = new Inbound(context, calls, health, onOutput);
  const onMessage = vi.fn((_message: Message) => {});
  emitter.on("message", onMessage);
  return {
    answers,
    ids,
    calls,
    health,
    sent,
    onOutput,
    onMessage,
    receive: (bytes: Uint8Array) => inbound.receive(bytes),
    hear: (message: Message, follows?: boolean) => inbound.receive(codec.encode(message), follows),
    metrics: () => telemetry.metrics.snapshot(),
    dropped: () => telemetry.metrics.snapshot().droppedMessages,
    logged: () => records.filter(([, { event }]) => event === "message_dropped"),
  };
}

describe("answers", () => {
  it("[MSG-2] [CALL-4] a response resolves its call, and no other", async () => {
    const { answers, ids, hear, calls, dropped } = inboundWith(2);
    hear(createResponse(ids[1] ?? "", { sum: 3 }));
    expect(await answers[1]).toEqual({ sum: 3 });
    expect(calls.size).toBe(1);
    expect(dropped()).toBe(0);
  });

  it("that arrived in one piece were all there when the first was read", () => {
    const clock = createFakeClock();
    const { ids, hear, metrics } = inboundWith(3, {}, clock);
    const answer = (index: number) => createResponse(ids[index] ?? "", 1);
    clock.advance(10);
    hear(answer(0), false);
    clock.advance(5);
    hear(answer(1), true);
    expect(metrics().latencyMs).toMatchObject({ min: 10, max: 10 });
    hear(answer(2), false);
    expect(metrics().latencyMs).toMatchObject({ min: 10, max: 15 });
  });

  it("[CALL-1] a second answer to the same call settles nothing and is counted", async () => {
    const { answers, ids, hear, dropped, logged } = inboundWith(1);
    const id = ids[0] ?? "";
    hear(createResponse(id, "first"));
    hear(createResponse(id, "second"));
    hear(createError(id, { name: "Error", message: "third" }));
    expect(await answers[0]).toBe("first");
    expect(dropped()).toBe(2);
    expect(logged()[0]).toMatchObject(["debug", { message: "A response message arrived that nothing waits for." }]);
  });

  it("[MSG-9] an error rejects its call with RemoteCallError: where, which method, what it threw", async () => {
    const { answers, ids, hear } = inboundWith(1);
    hear(createError(ids[0] ?? "", { name: "RangeError", message: "too far", code: "E_FAR", stack: "at far" }));
    const error = await errorOf(answers[0] as Promise<unknown>);
    expect(error).toBeInstanceOf(RemoteCallError);
    expect(error).toMatchObject({
      message: "'add' failed in math: RangeError: too far",
      code: "REMOTE_ERROR",
      remoteName: "RangeError",
      remoteMessage: "too far",
      remoteStack: "at far",
      remoteCode: "E_FAR",
      functionName: "add",
    });
  });

  it("[ERR-7] an error has the cause, errors and fields of what was thrown, and prints them", async () => {
    const { answers, ids, hear } = inboundWith(1);
    const cause = { name: "TypeError", message: "b", data: { line: 3 } };
    const parts = { name: "AggregateError", message: "m", code: 7, data: { status: 404 } };
    hear(createError(ids[0] ?? "", { ...parts, cause, errors: [cause] }));
    const error = await errorOf<RemoteCallError>(answers[0] as Promise<unknown>);
    expect(error).toMatchObject({ remoteCode: 7, remoteData: { status: 404 }, errors: [{ message: "TypeError: b" }] });
    expect(error.cause).toMatchObject({ remoteName: "TypeError", remoteMessage: "b", remoteData: { line: 3 } });
    expect(error.cause).toBeInstanceOf(RemoteCallError);
    expect(inspect(error)).toMatch(/\[cause\]: \[RemoteCallError: TypeError: b\]/);
  });

  it("a refusal has its own code, and the worker's words", async () => {
    const { answers, ids, hear } = inboundWith(1);
    const message = "Function 'ad' not found; did you mean 'add'?";
    hear(createError(ids[0] ?? "", { name: "RefusedCall", message, code: "FUNCTION_NOT_FOUND" }));
    expect(await errorOf(answers[0] as Promise<unknown>)).toMatchObject({
      code: "FUNCTION_NOT_FOUND",
      message: "math: Function 'ad' not found; did you mean 'add'?",
    });
  });

  it("[MSG-9] Python's text form is read into name, message and traceback", async () => {
    const { answers, ids, hear } = inboundWith(1);
    const error = 'ValueError: no\nTraceback (most recent call last):\n  File "x.py"';
    hear({ type: "error", id: ids[0] ?? "", timestamp: 1, error });
    expect(await errorOf(answers[0] as Promise<unknown>)).toMatchObject({
      remoteName: "ValueError",
      remoteMessage: "no",
      remoteStack: 'Traceback (most recent call last):\n  File "x.py"',
    });
  });
});

describe("unreadable messages", () => {
  const unreadable = (id: string, type = "response"): Uint8Array =>
    codec.encode({ type, id, timestamp: 1, result: "x".repeat(50) } as Message).subarray(0, -10);

  it("[NET-6] an answer with a readable id rejects its call, instead of leaving it to hang", async () => {
    const { answers, ids, dropped, receive } = inboundWith(1);
    receive(unreadable(ids[0] ?? ""));
    const error = await errorOf<SerializationError>(answers[0] as Promise<unknown>);
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.code).toBe("MALFORMED_MESSAGE");
    expect(error.message).toMatch(
      /^math answered 'add' with something that cannot be read\. A message of \d+ bytes cannot be read: /,
    );
    expect(dropped()).toBe(1);
  });

  it("an answer beyond the limits rejects its call with LIMIT_EXCEEDED", async () => {
    const { answers, ids, hear } = inboundWith(1, { limits: { maxArrayLength: 3 } });
    hear(createResponse(ids[0] ?? "", [1, 2, 3, 4]));
    expect(await errorOf(answers[0] as Promise<unknown>)).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("[MSG-3] [MSG-15] a message of a new type is ignored, also where it names a call: new types are allowed", async () => {
    const { answers, ids, logged, receive, hear } = inboundWith(1);
    const bytes = codec.encode(createResponse(ids[0] ?? "", 1));
    const progress = Buffer.from(Buffer.from(bytes).toString("latin1").replace("response", "progress"), "latin1");
    receive(progress);
    expect(logged()).toMatchObject([["warn", { details: { reason: "UNKNOWN_TYPE" } }]]);
    hear(createResponse(ids[0] ?? "", "answer"));
    expect(await answers[0]).toBe("answer");
  });

  it("an unreadable line of output does not end the call that has its id", () => {
    const { calls, ids, receive } = inboundWith(1);
    const bytes = codec.encode({ type: "stdout", id: ids[0] ?? "", timestamp: 1, output: "x".repeat(50) });
    receive(bytes.subarray(0, -10));
    expect(calls.size).toBe(1);
  });

  it.each([
    ["an empty message", new Uint8Array()],
    ["text", Buffer.from("hello")],
    ["an integer", Uint8Array.of(0x01)],
    ["a reserved byte", Uint8Array.of(0xc1)],
    ["another app", createCodec({ app: "other" }).encode(createResponse("1", "wrong"))],
    ["an unreadable answer that no call waits for", unreadable("9")],
  ])("[NET-6] %s is dropped, and the next message is read", async (_what, bytes) => {
    const { answers, ids, dropped, onMessage, receive, hear } = inboundWith(1);
    receive(bytes);
    expect(dropped()).toBe(1);
    expect(onMessage).not.toHaveBeenCalled();
    hear(createResponse(ids[0] ?? "", "right"));
    expect(await answers[0]).toBe("right");
  });
});

describe("other messages", () => {
  it("output goes to the output, heartbeats to the monitor, and every message to `message` listeners", () => {
    const { health, sent, hear, dropped, onOutput, onMessage } = inboundWith(0);
    void health.beat().catch(() => {});
    const heartbeat = codec.decode(sent[0] ?? new Uint8Array()) as HeartbeatMessage;
    hear(createOutput("stdout", "line"));
    hear(createOutput("stderr", "oops"));
    hear(answerHeartbeat(heartbeat));
    expect(onOutput.mock.calls).toEqual([
      ["stdout", "line"],
      ["stderr", "oops"],
    ]);
    expect(health.lastRttMs).toBeGreaterThanOrEqual(0);
    expect(onMessage.mock.calls.map(([{ type }]) => type)).toEqual(["stdout", "stderr", "heartbeat"]);
    expect(dropped()).toBe(0);
  });

  it("[MSG-12] an echo of a heartbeat is no answer to it; one without metadata is", async () => {
    const { health, sent, hear, receive, dropped } = inboundWith(0);
    const beat = health.beat();
    const question = sent[0] ?? new Uint8Array();
    receive(question.slice());
    expect(health.lastRttMs).toBeUndefined();
    expect(dropped()).toBe(1);
    const { id } = codec.decode(question);
    hear({ type: "heartbeat", id, timestamp: 1.5 });
    expect(await beat).toBeGreaterThanOrEqual(0);
  });

  it("an answer to a heartbeat that was never sent is counted", () => {
    const { hear, dropped } = inboundWith(0);
    hear(createHeartbeat("unknown"));
    expect(dropped()).toBe(1);
  });

  it("[MSG-14] ready, calls and shutdown from a worker do nothing", () => {
    const { hear, onMessage, dropped, calls } = inboundWith(1);
    hear(createReady());
    hear(createShutdown());
    hear(createCall({ function: "add" }));
    expect(onMessage).toHaveBeenCalledTimes(3);
    expect(dropped()).toBe(0);
    expect(calls.size).toBe(1);
  });
});
