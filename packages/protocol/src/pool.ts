// Where small messages are kept until they are sent (part of step 5 and 11): one allocation serves many of them, as with
// Node's own small Buffers. Allocating a typed array for each took a fifth of a call's processor time.

/** One allocation, in bytes. A message that is kept holds on to all of it, so it is not large. */
const POOL_BYTES = 64 * 1024;

/** Keeps copies of bytes that are about to change. */
export interface Pool {
  /** A copy that nothing changes any more. */
  keep(bytes: Uint8Array): Uint8Array;
}

/** Makes an empty pool. */
export function createPool(): Pool {
  let room = new Uint8Array(POOL_BYTES);
  let used = 0;
  return {
    keep(bytes) {
      const end = used + bytes.length;
      if (end > POOL_BYTES) {
        room = new Uint8Array(POOL_BYTES);
        used = 0;
        return this.keep(bytes);
      }
      room.set(bytes, used);
      const kept = room.subarray(used, end);
      used = end;
      return kept;
    },
  };
}
