// Answers and refusals. Every call is answered: a result that cannot be sent becomes an error that says so.

import {
  type CallMessage,
  type Codec,
  createError,
  createResponse,
  describeThrown,
  type ErrorParts,
  type Metadata,
  type RefusalCode,
  wireTime,
} from "@multifrost/protocol";
import type { MultifrostError } from "@multifrost/protocol/errors";
import type { Peer } from "@multifrost/transport";
import type { Peers } from "../session/peers.js";

/** Ever less of an error. What first fits the limits of codec and channel is sent. */
const SHORTER: readonly ((error: ErrorParts) => ErrorParts)[] = [
  (error) => error,
  withoutDetails,
  shortened(4096),
  shortened(256),
  shortened(16),
];

/** A call from its arrival to its answer. */
export interface IncomingCall {
  readonly peer: Peer;
  readonly message: CallMessage;
  /** When it arrived, and those in one piece with it, on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
  /** What it takes in memory, estimated, in bytes. */
  readonly bytes: number;
}

/** What a call led to. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown; readonly metadata?: Metadata | undefined }
  | { readonly ok: false; readonly error: ErrorParts };

/**
 * Answers a call. Returns the error it was answered with, if any: a result that cannot be sent is answered with an
 * error.
 *
 * Throws only where not even the shortest error can be sent: the channel is closed or full, or the call's id too long.
 *
 * @param timestamp From `wireTime`. Default: now.
 */
export function answerCall(
  call: IncomingCall,
  outcome: Outcome,
  codec: Codec,
  peers: Peers,
  timestamp: number = wireTime(),
): ErrorParts | undefined {
  if (!outcome.ok) {
    sendError(call, outcome.error, codec, peers);
    return outcome.error;
  }
  const { id, function: name } = call.message;
  try {
    const bytes = codec.encodeParts(createResponse(id, outcome.value, outcome.metadata, timestamp));
    peers.send(
      call.peer,
      bytes,
      bytes instanceof Uint8Array ? undefined : (error) => checkTaken(call, error, codec, peers),
    );
    return undefined;
  } catch (thrown) {
    if (outcome.metadata !== undefined) {
      // The result matters more than what was added to it.
      return answerCall(call, { ok: true, value: outcome.value }, codec, peers, timestamp);
    }
    const error = unsendable(name, thrown);
    sendError(call, error, codec, peers);
    return error;
  }
}

/** The method may have transferred binary data that it returned to another thread. */
function checkTaken(call: IncomingCall, error: MultifrostError | undefined, codec: Codec, peers: Peers): void {
  if (error?.code === "UNSENDABLE_VALUE") {
    try {
      sendError(call, unsendable(call.message.function, error), codec, peers);
    } catch {
      // The channel is closed or full.
    }
  }
}

function unsendable(name: string, thrown: unknown): ErrorParts {
  const { message, ...parts } = describeThrown(thrown);
  return { ...parts, message: `What '${name}' returned cannot be sent. ${message}` };
}

/** A call that is refused: it does not run. */
export function refusal(code: RefusalCode, message: string): Outcome {
  return { ok: false, error: { name: "RefusedCall", message, code } };
}

/** A call for a worker with another namespace. */
export function wrongNamespace(asked: string, own: string): Outcome {
  return refusal("WRONG_NAMESPACE", `No namespace '${asked}' here; this worker's is '${own}'`);
}

/** One call more than an option allows. */
export function overloaded(option: "maxPending" | "maxPendingBytes", most: number): Outcome {
  return refusal("OVERLOADED", `Too many calls are waiting here (${option} ${most}); call again later`);
}

/** A call that arrived after the worker began to stop, or that had not started by the end of `stopTimeout`. */
export function stopping(): Outcome {
  return refusal("STOPPING", "This worker is stopping and takes no more calls");
}

function sendError({ peer, message }: IncomingCall, error: ErrorParts, codec: Codec, peers: Peers): void {
  let failure: unknown;
  for (const shorten of SHORTER) {
    try {
      peers.send(peer, codec.encode(createError(message.id, shorten(error))));
      return;
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure;
}

/** Leaves out the causes and fields, which may be what exceeds a limit. */
function withoutDetails({ cause, errors, data, ...parts }: ErrorParts): ErrorParts {
  return parts;
}

/** Leaves only the texts, cut. A code is kept whole or left out. */
function shortened(length: number): (error: ErrorParts) => ErrorParts {
  return ({ name, message, code }) => {
    const short: ErrorParts = { name: name.slice(0, length), message: message.slice(0, length) };
    return code !== undefined && String(code).length <= length ? { ...short, code } : short;
  };
}
