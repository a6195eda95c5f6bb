import { createDecoder, type DecodeMessage } from "./decode.js";
import { createEncoder, type EncodeMessage, type EncodeParts } from "./encode.js";
import { Envelope } from "./envelope.js";
import { HeartbeatAnswers } from "./heartbeat-answer.js";
import { joinParts } from "./internal/message-parts.js";
import { checkOptions, NAME, type OptionRules, rule } from "./internal/option-checks.js";
import { completeLimits, type MessageLimits } from "./limits.js";
import { APP_ID, type Metadata } from "./messages.js";

/** Options of {@link createCodec}. */
export interface CodecOptions {
  /** The app id written and accepted. Default: `comlink_ipc_v3`; `comlink_ipc_v4` has the same wire format. */
  app?: string | undefined;
  /** Bounds on messages and their parts. Default: {@link DEFAULT_LIMITS}. */
  limits?: Partial<MessageLimits> | undefined;
}

/** Turns messages into bytes and back. */
export interface Codec {
  /** The app id written and accepted. */
  readonly app: string;
  /** The limits, with defaults filled in. */
  readonly limits: Readonly<MessageLimits>;
  /** Turns a message into bytes. */
  readonly encode: EncodeMessage;
  /** Turns a message into bytes, and leaves values above 64 KiB where they are: for channels, which take parts. */
  readonly encodeParts: EncodeParts;
  /** Turns bytes into a message. */
  readonly decode: DecodeMessage;
  /**
   * Answers a heartbeat, given as its bytes: the answer has its id, its `args` and its metadata in the same bytes, and
   * `hb_response`. It has none of the heartbeat's `features`.
   *
   * Throws `MalformedMessageError`, and `SerializationError` (`MESSAGE_TOO_LARGE`).
   *
   * @param more Metadata of the answer, such as `features`. Default: none.
   */
  readonly answerHeartbeat: (heartbeat: Uint8Array, more?: Metadata) => Uint8Array;
  /**
   * What the message decoded last takes in memory: its bytes, and an estimate for the values that were made of them, in
   * bytes. For bounds on the messages that are held at the same time.
   */
  readonly decodedBytes: () => number;
}

/**
 * Creates a codec for one app id and set of limits. Use one codec for all messages of a parent or child.
 *
 * Throws `MultifrostError` `INVALID_OPTION`.
 */
export function createCodec(options: CodecOptions = {}): Codec {
  checkOptions("createCodec", options, RULES);
  const { app = APP_ID } = options;
  const limits = completeLimits(options.limits);
  const envelope = app === APP_ID ? usualEnvelope() : new Envelope(app);
  const encodeParts = createEncoder(envelope, limits);
  const encode: EncodeMessage = (message, receiver) => {
    const bytes = encodeParts(message, receiver);
    return bytes instanceof Uint8Array ? bytes : joinParts(bytes);
  };
  const answerHeartbeat = new HeartbeatAnswers(envelope, limits).answer;
  return { app, limits, encode, encodeParts, answerHeartbeat, ...createDecoder(app, envelope, limits) };
}

const RULES: OptionRules<CodecOptions> = {
  app: NAME,
  // Checked one by one as they are completed.
  limits: rule("an object", (value) => typeof value === "object" && value !== null),
};

let usual: Envelope | undefined;

/** Shared by all codecs of the usual app id. */
function usualEnvelope(): Envelope {
  usual ??= new Envelope(APP_ID);
  return usual;
}
