// Decoded data to a message: the app id, the type and each type's fields, in the forms all implementations send.
// Last part of step 8 and 12.

import { type ErrorCode, MalformedMessageError } from "./errors/index.js";
import { MAX_ID_BYTES } from "./limits.js";
import type { CallMessage, HeartbeatMessage, Message, MessageBase, MessageType } from "./messages.js";
import { DEFAULT_NAMESPACE } from "./messages.js";

type Fields = Readonly<Record<string, unknown>>;

/** One reader for each type; a type that is not here is unknown. */
const READERS: Readonly<Record<MessageType, (fields: Fields, base: MessageBase) => Message>> = {
  call: readCall,
  response: (fields, base) => ({ type: "response", ...base, result: fields.result }),
  error: (fields, base) => ({ type: "error", ...base, error: text(fields, base, "error") }),
  stdout: (fields, base) => ({ type: "stdout", ...base, output: text(fields, base, "output") }),
  stderr: (fields, base) => ({ type: "stderr", ...base, output: text(fields, base, "output") }),
  heartbeat: readHeartbeat,
  shutdown: (_fields, base) => ({ type: "shutdown", ...base }),
  ready: (_fields, base) => ({ type: "ready", ...base }),
};

/** Types that matter without an id. The others are useless without one. */
const ID_OPTIONAL: ReadonlySet<string> = new Set(["stdout", "stderr", "shutdown", "ready"]);

/**
 * Checks decoded data and gives it its type. Unknown fields are left out of the message, unknown metadata is kept.
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
  if (typeof type !== "string" || !Object.hasOwn(READERS, type)) {
    throw refusal("UNKNOWN_TYPE", `A message has the unknown type ${show(type)}.`, data);
  }
  return READERS[type as MessageType](data, readBase(data, type));
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
  const { function: name = "", args, namespace } = fields;
  if (typeof name !== "string") {
    throw refusal("MALFORMED_MESSAGE", "A call's 'function' must be text.", fields);
  }
  // Older JavaScript writes clientName.
  const clientName = fields.client_name ?? fields.clientName;
  return {
    type: "call",
    ...base,
    function: name,
    args: list(fields, args),
    namespace: typeof namespace === "string" ? namespace : DEFAULT_NAMESPACE,
    ...(typeof clientName === "string" ? { client_name: clientName } : {}),
  };
}

function readHeartbeat(fields: Fields, base: MessageBase): HeartbeatMessage {
  const { args } = fields;
  return { type: "heartbeat", ...base, ...(Array.isArray(args) ? { args } : {}) };
}

/** Go leaves an empty array out, and nil is as good as absent. */
function list(fields: Fields, args: unknown): readonly unknown[] {
  if (args === undefined || args === null) {
    return [];
  }
  if (!Array.isArray(args)) {
    throw refusal("MALFORMED_MESSAGE", "A call's 'args' must be an array.", fields);
  }
  return args;
}

function text(fields: Fields, base: MessageBase, name: string): string {
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

/** Foreign text in an error message: quoted and short. */
function show(value: unknown): string {
  return typeof value === "string" ? `'${value.slice(0, 60)}'` : `of type ${typeof value}`;
}
