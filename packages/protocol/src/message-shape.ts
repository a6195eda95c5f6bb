import { type ErrorCode, MalformedMessageError } from "./errors/index.js";
import { MAX_ID_BYTES } from "./limits.js";
import type { CallMessage, HeartbeatMessage, Message, MessageBase } from "./messages.js";
import { DEFAULT_NAMESPACE } from "./messages.js";

type Fields = Readonly<Record<string, unknown>>;

/** Types that are useful without an id. The others must have one. */
const ID_OPTIONAL: ReadonlySet<string> = new Set(["stdout", "stderr", "shutdown", "ready"]);

/**
 * Checks decoded data and turns it into a message, in the forms all implementations send. Leaves unknown fields out of
 * the message and keeps unknown metadata.
 *
 * Throws `MalformedMessageError`: `MALFORMED_MESSAGE`, `FOREIGN_APP`, `UNKNOWN_TYPE`, `MISSING_ID`.
 */
export function checkShape(data: unknown, app: string): Message {
  if (!isMap(data)) {
    throw new MalformedMessageError("MALFORMED_MESSAGE", "A message must be a map.");
  }
  if (data.app !== app) {
    throw new MalformedMessageError("FOREIGN_APP", `A message is for the app ${show(data.app)}, not for '${app}'.`);
  }
  const { type } = data;
  switch (type) {
    case "call":
      return readCall(data, readBase(data, type));
    case "response":
      return { type, ...readBase(data, type), result: data.result };
    case "error": {
      const base = readBase(data, type);
      return { type, ...base, error: readText(data, base, "error") };
    }
    case "stdout":
    case "stderr": {
      const base = readBase(data, type);
      return { type, ...base, output: readText(data, base, "output") };
    }
    case "heartbeat":
      return readHeartbeat(data, readBase(data, type));
    case "shutdown":
    case "ready":
      return { type, ...readBase(data, type) };
    default:
      throw refusal("UNKNOWN_TYPE", `A message has the unknown type ${show(type)}.`, data);
  }
}

function readBase(fields: Fields, type: string): MessageBase {
  const { id, timestamp, metadata } = fields;
  if ((typeof id !== "string" || id === "") && !ID_OPTIONAL.has(type)) {
    throw refusal("MISSING_ID", `A ${type} message has no id.`, fields);
  }
  if (typeof id === "string" && id.length > MAX_ID_BYTES) {
    throw refusal("MALFORMED_MESSAGE", `A ${type} message has an id of ${id.length} characters.`, fields);
  }
  const base: MessageBase = {
    id: typeof id === "string" ? id : "",
    timestamp: typeof timestamp === "number" ? timestamp : 0,
  };
  if (isMap(metadata)) {
    base.metadata = metadata;
  }
  return base;
}

function readCall(fields: Fields, base: MessageBase): CallMessage {
  const { function: name = "", namespace } = fields;
  if (typeof name !== "string") {
    throw refusal("MALFORMED_MESSAGE", "A call's 'function' must be text.", fields);
  }
  // Go leaves an empty array out; nil is treated as absent.
  const args = fields.args ?? [];
  if (!Array.isArray(args)) {
    throw refusal("MALFORMED_MESSAGE", "A call's 'args' must be an array.", fields);
  }
  // Older JavaScript writes clientName.
  const clientName = fields.client_name ?? fields.clientName;
  return {
    type: "call",
    ...base,
    function: name,
    args,
    namespace: typeof namespace === "string" ? namespace : DEFAULT_NAMESPACE,
    ...(typeof clientName === "string" ? { client_name: clientName } : {}),
  };
}

function readHeartbeat(fields: Fields, base: MessageBase): HeartbeatMessage {
  const { args } = fields;
  return { type: "heartbeat", ...base, ...(Array.isArray(args) ? { args } : {}) };
}

function readText(fields: Fields, base: MessageBase, name: string): string {
  const value = fields[name];
  if (typeof value === "string") {
    return value;
  }
  if (value === undefined || value === null) {
    return "";
  }
  throw refusal("MALFORMED_MESSAGE", `The field '${name}' of message ${show(base.id)} must be text.`, fields);
}

function refusal(code: ErrorCode, message: string, { id, type }: Fields): MalformedMessageError {
  return new MalformedMessageError(code, message, {
    messageId: typeof id === "string" && id !== "" && id.length <= MAX_ID_BYTES ? id : undefined,
    messageType: typeof type === "string" ? type : undefined,
  });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Quotes and shortens a peer's text for an error message. */
function show(value: unknown): string {
  return typeof value === "string" ? `'${value.slice(0, 60)}'` : `of type ${typeof value}`;
}
