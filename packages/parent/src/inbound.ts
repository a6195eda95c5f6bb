// Step 12 of a call: bytes from the worker to a checked message, then by its type. Whatever comes, this goes on.
// The child's twin: child/src/inbound.ts. Next: call/pending-calls.ts.

import {
  type Codec,
  type ErrorMessage,
  MalformedMessageError,
  type Message,
  type MultifrostError,
  RemoteCallError,
  readRemoteError,
  SerializationError,
} from "@multifrost/protocol";
import type { PendingCalls } from "./call/pending-calls.js";

/** What the dispatcher needs from around it. */
export interface InboundOptions {
  readonly codec: Codec;
  readonly workerName: string;
  readonly pending: PendingCalls;
  /** Whether it was one of ours. */
  heartbeatAnswered(id: string): boolean;
  output(stream: "stdout" | "stderr", line: string): void;
  /** Every message, before anything is done with it. */
  inspect(message: Message): void;
  dropped(reason: MultifrostError): void;
  /** An answer to a call or heartbeat that is not waiting for one: it has timed out, was aborted, or never was. */
  unmatched(message: Message): void;
}

/** Makes the handler for what the worker sends. */
export function createInbound(options: InboundOptions): (bytes: Uint8Array) => void {
  return (bytes) => {
    let message: Message;
    try {
      message = options.codec.decode(bytes);
    } catch (error) {
      drop(error as MultifrostError, options);
      return;
    }
    options.inspect(message);
    dispatch(message, options);
  };
}

function dispatch(message: Message, options: InboundOptions): void {
  switch (message.type) {
    case "response":
      if (!options.pending.settle(message.id, { ok: true, value: message.result, metadata: message.metadata })) {
        options.unmatched(message);
      }
      break;
    case "error":
      rejectCall(message, options);
      break;
    case "stdout":
    case "stderr":
      options.output(message.type, message.output);
      break;
    case "heartbeat":
      // Always an answer: children send none of their own, and answering an answer would never end.
      if (!options.heartbeatAnswered(message.id)) {
        options.unmatched(message);
      }
      break;
    case "call":
    case "shutdown":
    case "ready":
      // Nothing to do: a parent has no methods and is not ended by its worker, and `ready` is informational.
      break;
    default:
      message satisfies never;
  }
}

function rejectCall(message: ErrorMessage, options: InboundOptions): void {
  const call = options.pending.get(message.id);
  if (call === undefined) {
    options.unmatched(message);
    return;
  }
  const failure = { ...readRemoteError(message), functionName: call.name };
  const refused = failure.code !== undefined;
  const text = refused
    ? `${options.workerName}: ${failure.remoteMessage}`
    : `'${call.name}' failed in ${options.workerName}: ${failure.remoteName}: ${failure.remoteMessage}`;
  options.pending.settle(message.id, { ok: false, error: new RemoteCallError(text, failure) });
}

/** Types that answer a call; of an unreadable message perhaps not even the type is known. */
const ANSWERS: ReadonlySet<string | undefined> = new Set(["response", "error", undefined]);

/** An answer that cannot be read ends its call all the same, where its id can: else it would wait in vain. */
function drop(reason: MultifrostError, { pending, workerName, dropped }: InboundOptions): void {
  dropped(reason);
  const { messageId, messageType } = reason instanceof MalformedMessageError ? reason : {};
  const call = messageId === undefined ? undefined : pending.get(messageId);
  if (call !== undefined && ANSWERS.has(messageType)) {
    const message = `${workerName} answered '${call.name}' with something that cannot be read. ${reason.message}`;
    pending.settle(call.id, { ok: false, error: new SerializationError(reason.code, message, { cause: reason }) });
  }
}
