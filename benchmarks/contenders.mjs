// The two that are compared, each with its own process at the other end, and the bytes that both of them move.

import { createCall, createCodec, createResponse } from "@multifrost/protocol";
import { startBare } from "./bare/client.mjs";
import { startMultifrost } from "./multifrost/client.mjs";

/** The size of the large binary, in bytes. */
const LARGE = 1024 * 1024;

/** Starts both, one after the other. The time each took is in `startMillis`. */
export async function startContenders() {
  const large = new Uint8Array(LARGE).fill(0xa5);
  const multifrost = await startMultifrost(large);
  try {
    return { multifrost, bare: await startBare(encoded("add", [1, 2], 3), encoded("echo", [large], large)) };
  } catch (error) {
    await multifrost.close();
    throw error;
  }
}

/** A call and its answer exactly as Multifrost writes them. */
export function encoded(name, args, result) {
  const codec = createCodec();
  const call = createCall({ function: name, args });
  return { call: codec.encode(call), answer: codec.encode(createResponse(call.id, result)) };
}
