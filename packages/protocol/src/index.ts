/**
 * `@multifrost/protocol`: messages, codec and limits. Uses no sockets, processes, files or timers. The error classes are in
 * `@multifrost/protocol/errors`.
 *
 * @packageDocumentation
 */

export { type Codec, type CodecOptions, createCodec } from "./codec.js";
export {
  type CallParts,
  createCall,
  createError,
  createHeartbeat,
  createOutput,
  createReady,
  createResponse,
  createShutdown,
  wireTime,
} from "./create-message.js";
export type { DecodeMessage } from "./decode.js";
export type { EncodeMessage, EncodeParts } from "./encode.js";
export { type RefusalCode, readRemoteError } from "./error-message.js";
export { type Feature, featuresOf, NO_FEATURES, type Receiver } from "./features.js";
export type {
  FieldDescription,
  FunctionDescription,
  InterfaceDescription,
  ParameterDescription,
  RecordDescription,
  ValueType,
} from "./interface/description.js";
export type { MessageParts } from "./internal/message-parts.js";
export { completeLimits, DEFAULT_LIMITS, type MessageLimits } from "./limits.js";
export { newMessageId } from "./message-id.js";
export type {
  CallMessage,
  ErrorMessage,
  ErrorParts,
  HeartbeatMessage,
  Message,
  MessageBase,
  MessageType,
  Metadata,
  OutputMessage,
  ReadyMessage,
  ResponseMessage,
  ShutdownMessage,
} from "./messages.js";
export { APP_ID, DEFAULT_NAMESPACE } from "./messages.js";
export { describeThrown } from "./thrown-error.js";
