// Step 11 of a call: what the method returned or threw, to bytes that are sent. There is always an answer: what cannot
// be sent is answered with the error that says so. Next: the transport, then parent/src/inbound.ts.

import {
  type Codec,
  createError,
  createResponse,
  describeThrown,
  type ErrorParts,
  type Metadata,
} from "@multifrost/protocol";

/**
 * How much is kept of an error's texts, in characters: all of it, or else, where that is too large for the limits of
 * codec or channel, less and less.
 */
const KEPT_LENGTHS = [Number.POSITIVE_INFINITY, 4096, 256, 16] as const;

/** How a call ended. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown; readonly metadata?: Metadata | undefined }
  | { readonly ok: false; readonly error: ErrorParts };

/** Whom to answer. */
export interface AnswerTo {
  readonly codec: Codec;
  readonly callId: string;
  /** The method's name, for the error that what it returned cannot be sent. */
  readonly name: string;
  /** Throws what the channel's `send` throws. */
  send(bytes: Uint8Array): void;
}

/**
 * Answers a call, and tells how it really ended: with the error it was answered with, if so.
 *
 * Throws only where not even the shortest error can be sent: the channel is closed or full, or the id too long.
 */
export function answerCall(to: AnswerTo, outcome: Outcome): ErrorParts | undefined {
  if (!outcome.ok) {
    sendError(to, outcome.error);
    return outcome.error;
  }
  try {
    to.send(to.codec.encode(createResponse(to.callId, outcome.value, outcome.metadata)));
    return undefined;
  } catch (thrown) {
    if (outcome.metadata !== undefined) {
      // What was asked for matters more than what is told beside it.
      return answerCall(to, { ok: true, value: outcome.value });
    }
    const { message, ...parts } = describeThrown(thrown);
    const error = { ...parts, message: `What '${to.name}' returned cannot be sent. ${message}` };
    sendError(to, error);
    return error;
  }
}

function sendError({ codec, callId, send }: AnswerTo, error: ErrorParts): void {
  let refused: unknown;
  for (const length of KEPT_LENGTHS) {
    try {
      send(codec.encode(createError(callId, shorten(error, length))));
      return;
    } catch (thrown) {
      refused = thrown;
    }
  }
  throw refused;
}

/** The stack goes first. A code is a word or it is nothing: it is kept whole or not at all. */
function shorten(error: ErrorParts, length: number): ErrorParts {
  if (length === Number.POSITIVE_INFINITY) {
    return error;
  }
  const { name, message, code } = error;
  const short: ErrorParts = { name: name.slice(0, length), message: message.slice(0, length) };
  return code !== undefined && code.length <= length ? { ...short, code } : short;
}
