import { describe, expect, it } from "vitest";
import { RemoteCallError } from "../src/errors/index.js";
import { type ErrorMessage, type Metadata, readRemoteError } from "../src/index.js";

function sent(error: string, metadata?: Record<string, unknown>): ErrorMessage {
  return { type: "error", id: "i", timestamp: 0.5, error, ...(metadata && { metadata: metadata as Metadata }) };
}

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
    const error = { name: 5, message: "m", code: 5.5, stack: 5, cause: "c", errors: {}, data: [1] };
    expect(readRemoteError(sent("", { error }))).toStrictEqual({ remoteName: "Error", remoteMessage: "m" });
  });

  it("[ERR-7] has a cause and errors, which are RemoteCallErrors with the worker's stack", () => {
    const stack = "TypeError: b\n    at parse (worker.js:3:9)";
    const cause = { name: "TypeError", message: "b", code: 7, stack, data: { at: 3 } };
    const errors = [{ name: "Error", message: "x" }, 5, { name: "E" }, { message: "y", cause }];
    const failure = readRemoteError(sent("", { error: { name: "E", message: "m", cause, errors } }));
    expect(failure.cause).toBeInstanceOf(RemoteCallError);
    expect(failure.cause).toMatchObject({
      message: "TypeError: b",
      remoteName: "TypeError",
      remoteMessage: "b",
      remoteCode: 7,
      remoteStack: stack,
      remoteData: { at: 3 },
      stack: `RemoteCallError: ${stack}`,
    });
    expect(failure.errors).toMatchObject([
      { message: "Error: x", stack: "RemoteCallError: Error: x" },
      { message: "Error: y", cause: { message: "TypeError: b" } },
    ]);
  });

  it("[ERR-7] is read 10 causes deep, and 100 errors in all", () => {
    let deep: Record<string, unknown> = { message: "0" };
    for (let index = 1; index <= 20; index++) {
      deep = { message: `${index}`, cause: deep };
    }
    let causes = 0;
    for (let error: unknown = readRemoteError(sent("", { error: deep })); error !== undefined; causes++) {
      error = (error as { cause?: unknown }).cause;
    }
    expect(causes - 1).toBe(10);
    const many = Array.from({ length: 1000 }, () => ({ message: "m", errors: [{ message: "n" }] }));
    const { errors } = readRemoteError(sent("", { error: { message: "m", errors: many } }));
    expect(errors?.flatMap((error) => [error, ...(error.errors ?? [])])).toHaveLength(99);
  });

  it("[ERR-4] its data is a map, also with the names of Object's members", () => {
    const data = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": 3}');
    const failure = readRemoteError(sent("", { error: { message: "m", data } }));
    expect(failure.remoteData).toBe(data);
    for (const other of [null, [], 5, new Uint8Array(1), new Date(0)]) {
      expect(readRemoteError(sent("", { error: { message: "m", data: other } }))).not.toHaveProperty("remoteData");
    }
  });

  it("[CALL-2] is a refusal if code and text match one", () => {
    const rows = {
      FUNCTION_NOT_FOUND: "Function 'x' not found; did you mean 'y'?",
      NOT_CALLABLE: "'x' is not callable",
      PRIVATE_METHOD: "Cannot call private method '_x'",
      MISSING_FUNCTION: "Message missing 'function' field",
      WRONG_NAMESPACE: "No namespace 'a' here; this worker's is 'b'",
      OVERLOADED: "Too many calls are waiting here (maxPending 1); call again later",
      STOPPING: "This worker is stopping and takes no more calls",
    };
    for (const [code, message] of Object.entries(rows)) {
      const failure = readRemoteError(sent(message, { error: { name: "RefusedCall", message, code } }));
      expect(failure).toStrictEqual({ remoteName: "RefusedCall", remoteMessage: message, code });
    }
  });

  it("[ERR-8] a stopping worker of another language is recognised also where it is older", () => {
    const message = "This worker is stopping and takes no more calls";
    const older = [
      { name: "NotRunningError", message },
      { name: "CallError", message, code: "NOT_RUNNING" },
    ];
    for (const error of older) {
      expect(readRemoteError(sent(message, { error })).code).toBe("STOPPING");
    }
    for (const error of [
      { name: "Error", message },
      { name: "NotRunningError", message: "other" },
    ]) {
      expect(readRemoteError(sent(message, { error })).code).toBeUndefined();
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
    ["FUNCTION_NOT_FOUND", "Function not found: x"],
    ["NOT_CALLABLE", "'x' is not callable"],
    ["NOT_CALLABLE", "'x' is a function property, not a method: write x() { … } in the class to make it callable"],
    ["PRIVATE_METHOD", "Cannot call private method '_x'"],
    ["MISSING_FUNCTION", "Message missing 'function' field"],
  ])('[CALL-2] [ERR-8] is the refusal %s where it says "%s"', (code, text) => {
    expect(readRemoteError(sent(text))).toStrictEqual({ remoteName: "Error", remoteMessage: text, code });
    expect(readRemoteError(sent(`AttributeError: ${text}\n${traceback}`))).toMatchObject({ remoteMessage: text, code });
  });

  it("[CALL-2] is not a refusal if its text is only similar", () => {
    for (const text of [
      "'int' object is not callable",
      "the Function 'x' not found",
      "Function not found",
      "Cannot call private methods",
    ]) {
      expect(readRemoteError(sent(text))).not.toHaveProperty("code");
    }
  });
});
