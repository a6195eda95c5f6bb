import { describe, expect, it } from "vitest";
import {
  createCodec,
  createError,
  describeThrown,
  type ErrorMessage,
  type Metadata,
  readRemoteError,
} from "../src/index.js";

function sent(error: string, metadata?: Record<string, unknown>): ErrorMessage {
  return { type: "error", id: "i", timestamp: 0.5, error, ...(metadata && { metadata: metadata as Metadata }) };
}

describe("a thrown value", () => {
  it("[MSG-9] an Error has its name, message, code and stack", () => {
    const error = Object.assign(new RangeError("too far"), { code: "E_FAR", stack: "the stack" });
    expect(describeThrown(error)).toStrictEqual({
      name: "RangeError",
      message: "too far",
      code: "E_FAR",
      stack: "the stack",
    });
  });

  it("[MSG-9] a code that is not text is left out", () => {
    expect(describeThrown(Object.assign(new Error("m"), { code: 5 }))).not.toHaveProperty("code");
  });

  it("a name that is missing, empty or not text becomes Error", () => {
    for (const name of [undefined, "", 5]) {
      expect(describeThrown({ name, message: "m" })).toStrictEqual({ name: "Error", message: "m" });
    }
  });

  const hostile = (trap: object): object => new Proxy({}, trap);
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const unreadable = "The method threw a value that cannot be read.";
  const fail = (): never => {
    throw new Error("in the getter");
  };
  const throwingError = Object.defineProperty(new Error("m"), "stack", { get: fail });
  const rows: [title: string, thrown: unknown, message: string][] = [
    ["text", "just text", "just text"],
    ["a number", 5, "5"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a bigint", 5n, "5"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["a plain object", { a: 1 }, "[object Object]"],
    ["an object with a message that is no text", { message: { a: 1 } }, "[object Object]"],
    ["an object without prototype", Object.create(null), unreadable],
    ["an object whose message has no text form", { message: Object.create(null) }, unreadable],
    ["an object whose toString throws", { toString: fail }, unreadable],
    ["an error whose getter throws", throwingError, unreadable],
    ["a proxy that throws", hostile({ has: fail }), unreadable],
    ["a proxy that throws later", hostile({ has: () => true, get: fail }), unreadable],
    ["a revoked proxy", revoked(), unreadable],
  ];

  it.each(rows)("%s is described and can be sent", (_title, thrown, message) => {
    const parts = describeThrown(thrown);
    expect(parts).toStrictEqual({ name: "Error", message });
    expect(() => createCodec().encode(createError("i", parts))).not.toThrow();
  });
});

describe("an error answer with its parts", () => {
  it("[MSG-9] is read from metadata.error, whatever the text says", () => {
    const error = { name: "RangeError", message: "too far", code: "E_FAR", stack: "at …" };
    expect(readRemoteError(sent("other text", { error }))).toStrictEqual({
      remoteName: "RangeError",
      remoteMessage: "too far",
      remoteCode: "E_FAR",
      remoteStack: "at …",
    });
  });

  it("[MSG-9] is read as text if the parts are invalid", () => {
    for (const error of [null, 5, [], {}, { name: "E" }, { message: 5 }]) {
      expect(readRemoteError(sent("the text", { error }))).toStrictEqual({
        remoteName: "Error",
        remoteMessage: "the text",
      });
    }
  });

  it("[MSG-9] leaves out parts of the wrong type", () => {
    const error = { name: 5, message: "m", code: 5, stack: 5 };
    expect(readRemoteError(sent("", { error }))).toStrictEqual({ remoteName: "Error", remoteMessage: "m" });
  });

  it("[CALL-2] is a refusal if code and text match one", () => {
    const rows = {
      FUNCTION_NOT_FOUND: "Function 'x' not found; did you mean 'y'?",
      NOT_CALLABLE: "'x' is not callable",
      PRIVATE_METHOD: "Cannot call private method '_x'",
      MISSING_FUNCTION: "Message missing 'function' field",
      WRONG_NAMESPACE: "No namespace 'a' here; this worker's is 'b'",
      OVERLOADED: "Too many calls are waiting here (maxPending 1); call again later",
    };
    for (const [code, message] of Object.entries(rows)) {
      const failure = readRemoteError(sent(message, { error: { name: "RefusedCall", message, code } }));
      expect(failure).toStrictEqual({ remoteName: "RefusedCall", remoteMessage: message, code });
    }
  });

  it("[CALL-2] is not a refusal if a method threw the same words or the same code", () => {
    const words = { name: "Error", message: "Too many calls to the other service" };
    expect(readRemoteError(sent(words.message, { error: words }))).not.toHaveProperty("code");
    const code = { name: "Error", message: "busy", code: "OVERLOADED" };
    expect(readRemoteError(sent("busy", { error: code }))).toMatchObject({ remoteCode: "OVERLOADED" });
    expect(readRemoteError(sent("busy", { error: code }))).not.toHaveProperty("code");
  });
});

describe("an error answer of an older implementation", () => {
  const traceback = 'Traceback (most recent call last):\n  File "w.py", line 3, in f\nValueError: no such: thing\n';

  it("[MSG-9] of Python is split into name, message and traceback", () => {
    expect(readRemoteError(sent(`ValueError: no such: thing\n${traceback}`))).toStrictEqual({
      remoteName: "ValueError",
      remoteMessage: "no such: thing",
      remoteStack: traceback,
    });
  });

  it("[MSG-9] of Python may have dots in its name, several lines in its message, or no message", () => {
    expect(readRemoteError(sent(`json.decoder.JSONDecodeError: line 1\nline 2\n${traceback}`))).toMatchObject({
      remoteName: "json.decoder.JSONDecodeError",
      remoteMessage: "line 1\nline 2",
    });
    expect(readRemoteError(sent(`KeyError:\n${traceback}`))).toMatchObject({
      remoteName: "KeyError",
      remoteMessage: "",
    });
  });

  it("[MSG-9] with a traceback and without a name keeps its text", () => {
    expect(readRemoteError(sent(`it went wrong\n${traceback}`))).toStrictEqual({
      remoteName: "Error",
      remoteMessage: "it went wrong",
      remoteStack: traceback,
    });
  });

  it("[MSG-9] without a traceback is the whole text", () => {
    expect(readRemoteError(sent("ValueError: x"))).toStrictEqual({
      remoteName: "Error",
      remoteMessage: "ValueError: x",
    });
    expect(readRemoteError(sent(""))).toStrictEqual({ remoteName: "Error", remoteMessage: "" });
  });

  it.each([
    ["FUNCTION_NOT_FOUND", "Function 'x' not found"],
    ["FUNCTION_NOT_FOUND", "function 'x' not found"],
    ["NOT_CALLABLE", "'x' is not callable"],
    ["NOT_CALLABLE", "'x' is a function property, not a method: write x() { … } in the class to make it callable"],
    ["PRIVATE_METHOD", "Cannot call private method '_x'"],
    ["MISSING_FUNCTION", "Message missing 'function' field"],
  ])('[CALL-2] is the refusal %s where it says "%s"', (code, text) => {
    expect(readRemoteError(sent(text))).toStrictEqual({ remoteName: "Error", remoteMessage: text, code });
    expect(readRemoteError(sent(`AttributeError: ${text}\n${traceback}`))).toMatchObject({ remoteMessage: text, code });
  });

  it("[CALL-2] is not a refusal if its text is only similar", () => {
    for (const text of ["'int' object is not callable", "the Function 'x' not found", "Cannot call private methods"]) {
      expect(readRemoteError(sent(text))).not.toHaveProperty("code");
    }
  });
});
