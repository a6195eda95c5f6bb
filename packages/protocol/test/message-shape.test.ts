import { encode as pack } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";
import { MalformedMessageError } from "../src/errors/index.js";
import { createCodec } from "../src/index.js";
import { thrownBy } from "./wire.js";

const base = { app: "comlink_ipc_v3", id: "i", timestamp: 0.5 };

function read(fields: object): object {
  return createCodec().decode(pack(fields));
}

function refusal(fields: unknown): MalformedMessageError {
  return thrownBy(() => createCodec().decode(pack(fields)), MalformedMessageError);
}

describe("every message", () => {
  it.each([undefined, null, 3, "comlink_ipc_v2", "COMLINK_IPC_V3", ["comlink_ipc_v3"]])(
    "[MSG-1] for the app %o is refused",
    (app) => {
      const error = refusal({ ...base, app, type: "call", function: "f" });
      // Without the id: a message for another app is not answered.
      expect(error).toMatchObject({ code: "FOREIGN_APP", messageId: undefined });
    },
  );

  it("[MSG-1] for another app is refused with that app's id, quoted and short", () => {
    expect(refusal({ ...base, app: "v2" }).message).toBe("A message is for the app 'v2', not for 'comlink_ipc_v3'.");
    expect(refusal({ ...base, app: "x".repeat(10_000) }).message.length).toBeLessThan(150);
    expect(refusal({ ...base, app: 3 }).message).toBe(
      "A message is for the app of type number, not for 'comlink_ipc_v3'.",
    );
  });

  it.each(["call", "response", "error", "heartbeat"])("[MSG-2] of type %s without an id is refused", (type) => {
    for (const id of [undefined, null, 7, ""]) {
      const error = refusal({ ...base, type, id, function: "f" });
      expect(error).toMatchObject({ code: "MISSING_ID", messageId: undefined, messageType: type });
      expect(error.message).toBe(`A ${type} message has no id.`);
    }
  });

  it.each(["stdout", "stderr", "shutdown", "ready"])("[MSG-2] of type %s is read without an id", (type) => {
    for (const id of [undefined, null, 7, ""]) {
      expect(read({ ...base, type, id, output: "x" })).toMatchObject({ type, id: "" });
    }
  });

  it("[MSG-2] with an id of more than 256 characters is refused without repeating it", () => {
    expect(read({ ...base, type: "ready", id: "a".repeat(256) })).toMatchObject({ id: "a".repeat(256) });
    const error = refusal({ ...base, type: "ready", id: "a".repeat(257) });
    expect(error).toMatchObject({ code: "MALFORMED_MESSAGE", messageId: undefined });
    expect(error.message).toBe("A ready message has an id of 257 characters.");
  });

  it.each([undefined, null, 5, "cancel", "CALL", "constructor", "__proto__", "toString"])(
    "[MSG-3] of the unknown type %o is refused with its id",
    (type) => {
      expect(refusal({ ...base, type })).toMatchObject({ code: "UNKNOWN_TYPE", messageId: "i" });
    },
  );

  it("[MSG-4] may have a timestamp that is a float, an integer of any width, absent or invalid", () => {
    const times: [sent: unknown, read: number][] = [
      [1.5, 1.5],
      [1_700_000_000, 1_700_000_000],
      [1_700_000_000n, 1_700_000_000],
      [undefined, 0],
      ["soon", 0],
      [null, 0],
    ];
    for (const [timestamp, read] of times) {
      const bytes = pack({ ...base, type: "ready", timestamp }, { useBigInt64: true });
      expect(createCodec().decode(bytes).timestamp).toBe(read);
    }
  });

  it("[MSG-11] keeps metadata with unknown keys; metadata that is not a map is left out", () => {
    const metadata = { correlation_id: "c", mine: { a: [1] } };
    expect(read({ ...base, type: "ready", metadata })).toStrictEqual({
      type: "ready",
      id: "i",
      timestamp: 0.5,
      metadata,
    });
    for (const other of [null, 5, [], "text", new Date(0)]) {
      expect(read({ ...base, type: "ready", metadata: other })).toStrictEqual({
        type: "ready",
        id: "i",
        timestamp: 0.5,
      });
    }
  });

  it("[MSG-15] loses unknown fields", () => {
    expect(read({ ...base, type: "shutdown", args: 5, function: 6, grace: 7 })).toStrictEqual({
      type: "shutdown",
      id: "i",
      timestamp: 0.5,
    });
  });

  it("must be a map", () => {
    for (const data of [null, 5, "text", [], new Date(0), new Uint8Array(1)]) {
      expect(refusal(data).message).toBe("A message must be a map.");
    }
  });
});

describe("calls", () => {
  const call = { ...base, type: "call", function: "f" };

  it("[MSG-5] absent and nil args are empty, an array is taken as it is", () => {
    expect(read(call)).toStrictEqual({
      type: "call",
      id: "i",
      timestamp: 0.5,
      function: "f",
      args: [],
      namespace: "default",
    });
    expect(read({ ...call, args: null })).toMatchObject({ args: [] });
    expect(read({ ...call, args: [1, null] })).toMatchObject({ args: [1, null] });
  });

  it("[MSG-5] args of another type are refused with the id, so that the caller can be answered", () => {
    for (const args of [5, "text", {}, true]) {
      expect(refusal({ ...call, args })).toMatchObject({
        code: "MALFORMED_MESSAGE",
        message: "A call's 'args' must be an array.",
        messageId: "i",
        messageType: "call",
      });
    }
  });

  it("[MSG-5] without a function are read, for the child to answer; with one that is not text they are refused", () => {
    expect(read({ ...base, type: "call" })).toMatchObject({ function: "" });
    for (const name of [5, null, ["f"]]) {
      expect(refusal({ ...call, function: name }).message).toBe("A call's 'function' must be text.");
    }
  });

  it("[MSG-6] without a namespace are for `default`", () => {
    for (const namespace of [undefined, null, 5]) {
      expect(read({ ...call, namespace })).toMatchObject({ namespace: "default" });
    }
    expect(read({ ...call, namespace: "other" })).toMatchObject({ namespace: "other" });
    expect(read({ ...call, namespace: "" })).toMatchObject({ namespace: "" });
  });

  it("[MSG-7] client_name is read in both spellings and wins over clientName", () => {
    expect(read({ ...call, client_name: "a" })).toMatchObject({ client_name: "a" });
    expect(read({ ...call, clientName: "b" })).toMatchObject({ client_name: "b" });
    expect(read({ ...call, client_name: "a", clientName: "b" })).toMatchObject({ client_name: "a" });
    expect(read({ ...call, client_name: 5 })).not.toHaveProperty("client_name");
    expect(read({ ...call, clientName: "b" })).not.toHaveProperty("clientName");
  });
});

describe("answers and other messages", () => {
  it("[MSG-8] an absent result is undefined, nil is null", () => {
    expect(read({ ...base, type: "response" })).toHaveProperty("result", undefined);
    expect(read({ ...base, type: "response", result: null })).toHaveProperty("result", null);
    expect(read({ ...base, type: "response", result: 0 })).toHaveProperty("result", 0);
  });

  it("[MSG-9] an error is text; an absent or nil one is empty", () => {
    expect(read({ ...base, type: "error", error: "no" })).toMatchObject({ error: "no" });
    expect(read({ ...base, type: "error" })).toMatchObject({ error: "" });
    expect(read({ ...base, type: "error", error: null })).toMatchObject({ error: "" });
    const error = refusal({ ...base, type: "error", error: { message: "no" } });
    expect(error.message).toBe("The field 'error' of message 'i' must be text.");
    expect(error).toMatchObject({ messageId: "i", messageType: "error" });
  });

  it("[MSG-10] output is text, on either stream", () => {
    expect(read({ ...base, type: "stdout", output: "a" })).toMatchObject({ type: "stdout", output: "a" });
    expect(read({ ...base, type: "stderr", output: "a" })).toMatchObject({ type: "stderr", output: "a" });
    expect(refusal({ ...base, type: "stdout", output: 5 }).message).toBe(
      "The field 'output' of message 'i' must be text.",
    );
  });

  it("[MSG-12] a heartbeat keeps args if they are an array", () => {
    expect(read({ ...base, type: "heartbeat", args: [17] })).toMatchObject({ args: [17] });
    expect(read({ ...base, type: "heartbeat" })).not.toHaveProperty("args");
    expect(read({ ...base, type: "heartbeat", args: 17 })).not.toHaveProperty("args");
  });
});
