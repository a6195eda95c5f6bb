import { joinParts, type MessageParts } from "@multifrost/protocol/internal";
import { unfilled } from "./large-memory.js";

/** A message as one `Uint8Array`. Throws `SerializationError` (`UNSENDABLE_VALUE`) if the memory of a part was transferred. */
export function inOnePiece(bytes: Uint8Array | MessageParts): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : joinParts(bytes, unfilled(bytes.byteLength));
}
