import { type Envelope, STARTING_FIELDS } from "./envelope.js";
import { type ErrorCode, MalformedMessageError } from "./errors/index.js";
import { MAX_ID_BYTES, type MessageLimits } from "./limits.js";
import type { CallMessage, Message, MessageType } from "./messages.js";
import { DEFAULT_NAMESPACE } from "./messages.js";
import { ReadFault, UUID_LENGTH, ValueReader } from "./value-reader.js";

/**
 * Turns bytes into a message. Binary values in it are views of the given bytes.
 *
 * Throws `MalformedMessageError`, with the message's id if that could be read: `MALFORMED_MESSAGE`, `LIMIT_EXCEEDED`,
 * `FOREIGN_APP`, `UNKNOWN_TYPE`, `MISSING_ID`.
 */
export type DecodeMessage = (bytes: Uint8Array) => Message;

/** A decoder, and what its latest message takes in memory. */
export interface Decoder {
  readonly decode: DecodeMessage;
  /** What the message decoded last takes in memory, estimated, in bytes. */
  readonly decodedBytes: () => number;
}

/** Creates a decoder for the messages of one app. */
export function createDecoder(app: string, envelope: Envelope, limits: MessageLimits): Decoder {
  const reader = new MessageReader(app, envelope, limits);
  return { decode: reader.read, decodedBytes: reader.decodedBytes };
}

/** Reads messages in the forms that all implementations send, and checks their fields. */
class MessageReader {
  readonly #app: string;
  readonly #envelope: Envelope;
  readonly #maxDepth: number;
  readonly #reader: ValueReader;
  #messageBytes = 0;

  constructor(app: string, envelope: Envelope, limits: MessageLimits) {
    this.#app = app;
    this.#envelope = envelope;
    this.#maxDepth = limits.maxDepth;
    this.#reader = new ValueReader(limits);
  }

  readonly decodedBytes = (): number => this.#messageBytes + this.#reader.valueBytes;

  readonly read: DecodeMessage = (bytes) => {
    this.#messageBytes = bytes.length;
    const fields = noFields();
    let isMap: boolean;
    try {
      isMap = this.#readFields(bytes, fields);
    } catch (cause) {
      this.#reader.release();
      throw unreadable(bytes, fields, cause);
    }
    if (!isMap) {
      throw new MalformedMessageError("MALFORMED_MESSAGE", "A message must be a map.");
    }
    return messageOf(fields, this.#app);
  };

  /** Returns whether the message is a map. Of equal keys the last counts; unknown fields are read and left out. */
  #readFields(bytes: Uint8Array, fields: Fields): boolean {
    const reader = this.#reader;
    reader.maxDepth = this.#maxDepth + 1;
    reader.open(bytes);
    const count = reader.enterMap();
    if (count === undefined) {
      reader.value();
      reader.close();
      return false;
    }
    for (let index = this.#readInOrder(count, fields); index < count; index++) {
      switch (reader.key()) {
        case "app":
          fields.app = reader.value(true);
          break;
        case "id":
          fields.id = reader.value();
          break;
        case "type":
          fields.type = reader.value(true);
          break;
        case "timestamp":
          fields.timestamp = reader.value();
          break;
        case "function":
          fields.function = reader.value(true);
          break;
        case "args":
          // The array of arguments does not count as depth.
          reader.maxDepth++;
          fields.args = reader.value();
          reader.maxDepth--;
          break;
        case "namespace":
          fields.namespace = reader.value(true);
          break;
        case "client_name":
          fields.client_name = reader.value(true);
          break;
        case "clientName":
          fields.clientName = reader.value(true);
          break;
        case "metadata":
          fields.metadata = reader.value();
          break;
        case "result":
          fields.result = reader.value();
          break;
        case "error":
          fields.error = reader.value();
          break;
        case "output":
          fields.output = reader.value();
          break;
        default:
          reader.value();
      }
    }
    reader.close();
    return true;
  }

  /**
   * Reads the fields of a call or a response in the order in which these packages write them, as far as they come in that
   * order. Takes half the time of looking at each key.
   *
   * @returns How many fields were read.
   */
  #readInOrder(count: number, fields: Fields): number {
    const reader = this.#reader;
    const envelope = this.#envelope;
    if (count < STARTING_FIELDS || !reader.skip(envelope.start, 3)) {
      return 0;
    }
    fields.app = this.#app;
    fields.id = reader.text(UUID_LENGTH);
    if (reader.skip(envelope.types.response, 3)) {
      fields.type = "response";
      fields.timestamp = reader.value();
      if (count > 4 && reader.skip(envelope.result, 1)) {
        fields.result = reader.value();
        return 5;
      }
      return 4;
    }
    if (!reader.skip(envelope.types.call, 3)) {
      return 2;
    }
    fields.type = "call";
    fields.timestamp = reader.value();
    if (count < 7 || !reader.skip(envelope.function, 1)) {
      return 4;
    }
    fields.function = reader.value(true);
    if (!reader.skip(envelope.args, 1)) {
      return 5;
    }
    reader.maxDepth++;
    fields.args = reader.value();
    reader.maxDepth--;
    if (!reader.skip(envelope.namespace, 1)) {
      return 6;
    }
    fields.namespace = reader.value(true);
    return 7;
  }
}

function unreadable(bytes: Uint8Array, { id, type }: Fields, cause: unknown): MalformedMessageError {
  // What is no fault of the bytes is a stack too small for `maxDepth`.
  const fault = cause instanceof ReadFault ? cause : new ReadFault("MALFORMED_MESSAGE", reasonOf(cause), cause);
  return new MalformedMessageError(fault.code, `A message of ${bytes.length} bytes cannot be read: ${fault.what}.`, {
    cause: fault.cause,
    messageId: nameable(id),
    messageType: nameable(type),
  });
}

/** Text that is short enough to be repeated in an answer. */
function nameable(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_BYTES ? value : undefined;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The known fields of a message as they were read. */
type Fields = Record<
  | "app"
  | "id"
  | "type"
  | "timestamp"
  | "metadata"
  | "function"
  | "args"
  | "namespace"
  | "client_name"
  | "clientName"
  | "result"
  | "error"
  | "output",
  unknown
>;

function noFields(): Fields {
  return {
    app: undefined,
    id: undefined,
    type: undefined,
    timestamp: undefined,
    metadata: undefined,
    function: undefined,
    args: undefined,
    namespace: undefined,
    client_name: undefined,
    clientName: undefined,
    result: undefined,
    error: undefined,
    output: undefined,
  };
}

/** Types that are useful without an id. The others must have one. */
const ID_OPTIONAL: ReadonlySet<MessageType> = new Set<MessageType>(["stdout", "stderr", "shutdown", "ready"]);

/** Throws `MalformedMessageError`: `MALFORMED_MESSAGE`, `FOREIGN_APP`, `UNKNOWN_TYPE`, `MISSING_ID`. */
function messageOf(fields: Fields, app: string): Message {
  if (fields.app !== app) {
    throw new MalformedMessageError("FOREIGN_APP", `A message is for the app ${show(fields.app)}, not for '${app}'.`);
  }
  const message = readMessage(fields);
  const { metadata } = fields;
  if (metadata !== undefined && isMap(metadata)) {
    message.metadata = metadata;
  }
  return message;
}

function readMessage(fields: Fields): Message {
  const { type, args } = fields;
  const timestamp = typeof fields.timestamp === "number" ? fields.timestamp : 0;
  switch (type) {
    case "call":
      return readCall(fields, readId(fields, type), timestamp);
    case "response":
      return { type, id: readId(fields, type), timestamp, result: fields.result };
    case "error":
      return { type, id: readId(fields, type), timestamp, error: readTextField(fields, "error") };
    case "stdout":
    case "stderr":
      return { type, id: readId(fields, type), timestamp, output: readTextField(fields, "output") };
    case "heartbeat": {
      const id = readId(fields, type);
      return Array.isArray(args) ? { type, id, timestamp, args } : { type, id, timestamp };
    }
    case "shutdown":
    case "ready":
      return { type, id: readId(fields, type), timestamp };
    default:
      throw refusal("UNKNOWN_TYPE", `A message has the unknown type ${show(type)}.`, fields);
  }
}

function readCall(fields: Fields, id: string, timestamp: number): CallMessage {
  const { function: name = "", namespace } = fields;
  if (typeof name !== "string") {
    throw refusal("MALFORMED_MESSAGE", "A call's 'function' must be text.", fields);
  }
  // Go leaves an empty array out; nil is treated as absent.
  const args = fields.args ?? [];
  if (!Array.isArray(args)) {
    throw refusal("MALFORMED_MESSAGE", "A call's 'args' must be an array.", fields);
  }
  const call: CallMessage = {
    type: "call",
    id,
    timestamp,
    function: name,
    args,
    namespace: typeof namespace === "string" ? namespace : DEFAULT_NAMESPACE,
  };
  // Older JavaScript writes clientName.
  const clientName = fields.client_name ?? fields.clientName;
  if (typeof clientName === "string") {
    call.client_name = clientName;
  }
  return call;
}

/** Empty if the message has none and needs none. */
function readId(fields: Fields, type: MessageType): string {
  const { id } = fields;
  if ((typeof id !== "string" || id === "") && !ID_OPTIONAL.has(type)) {
    throw refusal("MISSING_ID", `A ${type} message has no id.`, fields);
  }
  if (typeof id === "string" && id.length > MAX_ID_BYTES) {
    throw refusal("MALFORMED_MESSAGE", `A ${type} message has an id of ${id.length} characters.`, fields);
  }
  return typeof id === "string" ? id : "";
}

function readTextField(fields: Fields, name: "error" | "output"): string {
  const value = fields[name];
  if (typeof value === "string") {
    return value;
  }
  if (value === undefined || value === null) {
    return "";
  }
  const id = typeof fields.id === "string" ? fields.id : "";
  throw refusal("MALFORMED_MESSAGE", `The field '${name}' of message ${show(id)} must be text.`, fields);
}

function refusal(code: ErrorCode, message: string, { id, type }: Fields): MalformedMessageError {
  return new MalformedMessageError(code, message, {
    messageId: nameable(id),
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
