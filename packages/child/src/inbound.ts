// Step 8 of a call: bytes from a peer to a checked message, then by its type. Whatever a peer sends, this goes on.
// The parent's twin: parent/src/inbound.ts. Next: call/incoming-call.ts.

import {
  answerHeartbeat,
  type Codec,
  createError,
  MalformedMessageError,
  type Message,
  type MultifrostError,
} from "@multifrost/protocol";
import type { Peer } from "@multifrost/transport";
import type { CallRunner } from "./call/incoming-call.js";

/** What the dispatcher needs from around it. */
export interface InboundOptions {
  readonly codec: Codec;
  readonly calls: CallRunner;
  /** Answers a peer; never throws, whatever is echoed in the message. */
  reply(peer: Peer, message: Message): void;
  seen(peer: Peer): void;
  shutdown(): void;
  dropped(reason: MultifrostError): void;
}

/** Makes the handler for what peers send. */
export function createInbound(options: InboundOptions): (peer: Peer, bytes: Uint8Array) => void {
  return (peer, bytes) => {
    let message: Message;
    try {
      message = options.codec.decode(bytes);
    } catch (error) {
      drop(peer, error as MultifrostError, options);
      return;
    }
    options.seen(peer);
    dispatch(peer, message, options);
  };
}

function dispatch(peer: Peer, message: Message, options: InboundOptions): void {
  switch (message.type) {
    case "call":
      options.calls.take({ peer, message, arrivedAt: performance.now() });
      break;
    case "heartbeat":
      // An answer is not answered again: two sides would never end.
      if (message.metadata?.hb_response !== true) {
        options.reply(peer, answerHeartbeat(message));
      }
      break;
    case "shutdown":
      options.shutdown();
      break;
    case "response":
    case "error":
    case "stdout":
    case "stderr":
    case "ready":
      // A child's own messages: nothing in them is for a child.
      break;
    default:
      message satisfies never;
  }
}

/** A call that cannot be read is answered all the same where its id can: else its caller would wait in vain. */
function drop(peer: Peer, reason: MultifrostError, options: InboundOptions): void {
  options.dropped(reason);
  if (reason instanceof MalformedMessageError && reason.messageType === "call" && reason.messageId !== undefined) {
    const { name, code, message } = reason;
    options.reply(peer, createError(reason.messageId, { name, code, message }));
  }
}
