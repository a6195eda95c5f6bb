// Step 12 of a call, without a transport: bytes in, what they do out.

import {
  createCall,
  createCodec,
  createError,
  createHeartbeat,
  createOutput,
  createReady,
  createResponse,
  createShutdown,
  type Message,
  type MultifrostError,
  RemoteCallError,
  SerializationError,
} from "@multifrost/protocol";
import { describe, expect, it, vi } from "vitest";
import { createPendingCalls, type PendingCall } from "../src/call/pending-calls.js";
import { createInbound } from "../src/inbound.js";

const codec = createCodec();

function inboundWith(...ids: string[]) {
  const pending = createPendingCalls(() => {});
  const calls = ids.map((id) => {
    const call = { id, name: "add", resolve: vi.fn(), reject: vi.fn(), sent: true };
    pending.add(call as unknown as PendingCall);
    return call;
  });
  const heard = {
    heartbeatAnswered: vi.fn((id: string) => id === "ours"),
    output: vi.fn(),
    inspect: vi.fn(),
    dropped: vi.fn((_reason: MultifrostError) => {}),
    unmatched: vi.fn(),
  };
  const receive = createInbound({ codec, workerName: "math", pending, ...heard });
  return { pending, calls, heard, receive, hear: (message: Message) => receive(codec.encode(message)) };
}

describe("answers", () => {
  it("[MSG-2] [CALL-4] a response resolves its call, and no other", () => {
    const { calls, hear, heard } = inboundWith("1", "2");
    hear(createResponse("2", { sum: 3 }));
    expect(calls[1]?.resolve).toHaveBeenCalledExactlyOnceWith({ sum: 3 }, undefined);
    expect(calls[0]?.resolve).not.toHaveBeenCalled();
    expect(heard.unmatched).not.toHaveBeenCalled();
  });

  it("[CALL-1] a second answer to the same call settles nothing and is counted", () => {
    const { calls, hear, heard } = inboundWith("1");
    hear(createResponse("1", "first"));
    hear(createResponse("1", "second"));
    hear(createError("1", { name: "Error", message: "third" }));
    expect(calls[0]?.resolve).toHaveBeenCalledExactlyOnceWith("first", undefined);
    expect(calls[0]?.reject).not.toHaveBeenCalled();
    expect(heard.unmatched).toHaveBeenCalledTimes(2);
  });

  it("[MSG-9] an error rejects its call with RemoteCallError: where, which method, what it threw", () => {
    const { calls, hear } = inboundWith("1");
    hear(createError("1", { name: "RangeError", message: "too far", code: "E_FAR", stack: "at far" }));
    const error = calls[0]?.reject.mock.calls[0]?.[0] as RemoteCallError;
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

  it("a refusal has its own code, and the worker's words", () => {
    const { calls, hear } = inboundWith("1");
    const message = "Function 'ad' not found; did you mean 'add'?";
    hear(createError("1", { name: "RefusedCall", message, code: "FUNCTION_NOT_FOUND" }));
    expect(calls[0]?.reject.mock.calls[0]?.[0]).toMatchObject({
      code: "FUNCTION_NOT_FOUND",
      message: "math: Function 'ad' not found; did you mean 'add'?",
    });
  });

  it("[MSG-9] Python's text form is read into name, message and traceback", () => {
    const { calls, hear } = inboundWith("1");
    hear({
      type: "error",
      id: "1",
      timestamp: 1,
      error: 'ValueError: no\nTraceback (most recent call last):\n  File "x.py"',
    });
    expect(calls[0]?.reject.mock.calls[0]?.[0]).toMatchObject({
      remoteName: "ValueError",
      remoteMessage: "no",
      remoteStack: 'Traceback (most recent call last):\n  File "x.py"',
    });
  });
});

describe("what cannot be read", () => {
  const unreadable = (id: string, type = "response"): Uint8Array =>
    codec.encode({ type, id, timestamp: 1, result: "x".repeat(50) } as Message).subarray(0, -10);

  it("[NET-6] an answer with a readable id rejects its call, instead of leaving it to hang", () => {
    const { calls, heard, receive } = inboundWith("1");
    receive(unreadable("1"));
    const error = calls[0]?.reject.mock.calls[0]?.[0] as SerializationError;
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.code).toBe("MALFORMED_MESSAGE");
    expect(error.message).toMatch(
      /^math answered 'add' with something that cannot be read\. A message of \d+ bytes cannot be read: /,
    );
    expect(heard.dropped).toHaveBeenCalledOnce();
  });

  it("an answer beyond the limits rejects its call with LIMIT_EXCEEDED", () => {
    const { calls, pending, heard } = inboundWith("1");
    const small = createCodec({ limits: { maxArrayLength: 3 } });
    const receive = createInbound({ codec: small, workerName: "math", pending, ...heard });
    receive(codec.encode(createResponse("1", [1, 2, 3, 4])));
    expect(calls[0]?.reject.mock.calls[0]?.[0]).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("[MSG-3] [MSG-15] a message of a new type is ignored, also where it names a call: new types are allowed", () => {
    const { calls, heard, receive, hear } = inboundWith("1");
    const bytes = codec.encode(createResponse("1", 1));
    const progress = Buffer.from(Buffer.from(bytes).toString("latin1").replace("response", "progress"), "latin1");
    receive(progress);
    expect(heard.dropped.mock.calls[0]?.[0]).toMatchObject({ code: "UNKNOWN_TYPE" });
    expect(calls[0]?.reject).not.toHaveBeenCalled();
    hear(createResponse("1", "answer"));
    expect(calls[0]?.resolve).toHaveBeenCalledWith("answer", undefined);
  });

  it("an unreadable line of output does not end the call that has its id", () => {
    const { calls, receive } = inboundWith("1");
    const bytes = codec.encode({ type: "stdout", id: "1", timestamp: 1, output: "x".repeat(50) });
    receive(bytes.subarray(0, -10));
    expect(calls[0]?.reject).not.toHaveBeenCalled();
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["text", Buffer.from("hello")],
    ["no map", Uint8Array.of(0x01)],
    ["a reserved byte", Uint8Array.of(0xc1)],
    ["another app", createCodec({ app: "other" }).encode(createResponse("1", "wrong"))],
    ["an unreadable answer to nobody", unreadable("9")],
  ])("[NET-6] %s is dropped, and the next message is read", (_what, bytes) => {
    const { calls, heard, receive, hear } = inboundWith("1");
    receive(bytes);
    expect(heard.dropped).toHaveBeenCalledOnce();
    expect(heard.inspect).not.toHaveBeenCalled();
    expect(calls[0]?.reject).not.toHaveBeenCalled();
    hear(createResponse("1", "right"));
    expect(calls[0]?.resolve).toHaveBeenCalledWith("right", undefined);
  });
});

describe("other messages", () => {
  it("output goes to the output, heartbeats to the monitor, everything to the inspector first", () => {
    const { heard, hear } = inboundWith();
    hear(createOutput("stdout", "line"));
    hear(createOutput("stderr", "oops"));
    hear(createHeartbeat("ours"));
    expect(heard.output.mock.calls).toEqual([
      ["stdout", "line"],
      ["stderr", "oops"],
    ]);
    expect(heard.heartbeatAnswered).toHaveBeenCalledExactlyOnceWith("ours");
    expect(heard.inspect.mock.calls.map(([message]) => message.type)).toEqual(["stdout", "stderr", "heartbeat"]);
    expect(heard.unmatched).not.toHaveBeenCalled();
  });

  it("an answer to a heartbeat that was never sent is counted", () => {
    const { heard, hear } = inboundWith();
    hear(createHeartbeat("nobody's"));
    expect(heard.unmatched).toHaveBeenCalledOnce();
  });

  it("[MSG-14] ready, calls and shutdown from a worker do nothing", () => {
    const { heard, hear } = inboundWith("1");
    hear(createReady());
    hear(createShutdown());
    hear(createCall({ function: "add" }));
    expect(heard.inspect).toHaveBeenCalledTimes(3);
    expect(heard.dropped).not.toHaveBeenCalled();
    expect(heard.unmatched).not.toHaveBeenCalled();
  });
});
