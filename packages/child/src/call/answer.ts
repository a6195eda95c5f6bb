// Step 11 of a call: what the method returned or threw, to bytes. There is always an answer: what cannot be encoded is
// answered with the error that says so. Next: the transport, then parent/src/inbound.ts.

import { type Codec, createError, createResponse, describeThrown, type ErrorParts } from "@multifrost/protocol";

/** Longest text kept of an error whose full text is too large to send, in characters. */
const SHORT_ERROR_LENGTH = 4096;

/** How a call ended. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ErrorParts };

/** Encodes the answer to a call; never throws. Tells also how the call really ended, as encoding can fail. */
export function encodeAnswer(
  codec: Codec,
  callId: string,
  name: string,
  outcome: Outcome,
): { bytes: Uint8Array; error: ErrorParts | undefined } {
  if (!outcome.ok) {
    return { bytes: encodeError(codec, callId, outcome.error), error: outcome.error };
  }
  try {
    return { bytes: codec.encode(createResponse(callId, outcome.value)), error: undefined };
  } catch (thrown) {
    const { message, ...parts } = describeThrown(thrown);
    const error = { ...parts, message: `What '${name}' returned cannot be sent. ${message}` };
    return { bytes: encodeError(codec, callId, error), error };
  }
}

function encodeError(codec: Codec, callId: string, error: ErrorParts): Uint8Array {
  try {
    return codec.encode(createError(callId, error));
  } catch {
    const short = error.message.slice(0, SHORT_ERROR_LENGTH);
    return codec.encode(createError(callId, { name: error.name.slice(0, SHORT_ERROR_LENGTH), message: short }));
  }
}
