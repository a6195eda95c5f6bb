import { describe, expect, it } from "vitest";
import {
  AbortError,
  CircuitOpenError,
  ConnectionError,
  MalformedMessageError,
  MultifrostError,
  NotRunningError,
  OverloadError,
  RegistryError,
  SerializationError,
  SpawnError,
  TimeoutError,
} from "../../src/errors/index.js";

const cause = new Error("why");
const retryAt = new Date(5);
const exit = {
  exitCode: null,
  signal: "SIGKILL",
  stderrTail: "the end",
  command: "node w.js",
  stdoutTail: "",
  uptimeMs: 1_200,
  callsInFlight: 0,
  hint: undefined,
};

const rows: [name: string, error: MultifrostError, code: string, fields: object][] = [
  ["SpawnError", new SpawnError("EXITED_EARLY", "m", { ...exit, cause }), "EXITED_EARLY", exit],
  [
    "TimeoutError",
    new TimeoutError("m", { timeoutMs: 5, functionName: "f", cause }),
    "TIMEOUT",
    { timeoutMs: 5, functionName: "f" },
  ],
  ["AbortError", new AbortError("m", { cause }), "ABORTED", {}],
  ["CircuitOpenError", new CircuitOpenError("m", { retryAt, cause }), "CIRCUIT_OPEN", { retryAt }],
  [
    "ConnectionError",
    new ConnectionError("CONNECTION_LOST", "m", { endpoint: "e", cause }),
    "CONNECTION_LOST",
    { endpoint: "e" },
  ],
  [
    "SerializationError",
    new SerializationError("UNSENDABLE_VALUE", "m", { path: "args", cause }),
    "UNSENDABLE_VALUE",
    { path: "args" },
  ],
  [
    "MalformedMessageError",
    new MalformedMessageError("MISSING_ID", "m", { messageId: "i", messageType: "call", cause }),
    "MISSING_ID",
    { messageId: "i", messageType: "call" },
  ],
  ["OverloadError", new OverloadError("m", { limit: 5, cause }), "OVERLOADED", { limit: 5 }],
  ["NotRunningError", new NotRunningError("m", { state: "idle", cause }), "NOT_RUNNING", { state: "idle" }],
  [
    "RegistryError",
    new RegistryError("SERVICE_EXISTS", "m", { serviceId: "s", file: "f", pid: 1, port: 2, cause }),
    "SERVICE_EXISTS",
    { serviceId: "s", file: "f", pid: 1, port: 2 },
  ],
];

describe("errors raised on the caller's side", () => {
  it.each(rows)("[CALL-2] %s has its name, code, fields and cause", (name, error, code, fields) => {
    expect(error).toBeInstanceOf(MultifrostError);
    expect(error).toMatchObject({ name, code, message: "m", ...fields });
    expect(error.cause).toBe(cause);
    const isOther = rows
      .filter(([other]) => other !== name)
      .map(([, other]) => other instanceof (error.constructor as typeof SpawnError));
    expect(isOther).not.toContain(true);
  });

  it("details that are left out are undefined, and the path is empty", () => {
    expect(new TimeoutError("m", { timeoutMs: 5 }).functionName).toBe(undefined);
    expect(new ConnectionError("UNREACHABLE", "m").endpoint).toBe(undefined);
    expect(new SerializationError("MESSAGE_TOO_LARGE", "m").path).toBe("");
    expect(new MalformedMessageError("MALFORMED_MESSAGE", "m").messageId).toBe(undefined);
    expect(new RegistryError("LOCK_TIMEOUT", "m").file).toBe(undefined);
    expect(new AbortError("m").cause).toBe(undefined);
  });
});
