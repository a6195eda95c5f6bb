// The bytes of a call and of its answer exactly as Multifrost writes them, for the contenders that only move bytes.

import { createCall, createCodec, createResponse } from "@multifrost/protocol";

export function encoded(name, args, result) {
  const codec = createCodec();
  const call = createCall({ function: name, args });
  return { call: codec.encode(call), answer: codec.encode(createResponse(call.id, result)) };
}
