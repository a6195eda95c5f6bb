// The payload of a message: [empty, payload], and further frames that are ignored.

/** Returns the payload, or `undefined` if the frames are not those of a message. */
export function payloadOf(frames: readonly Uint8Array[]): Uint8Array | undefined {
  const delimiter = frames[0];
  return delimiter !== undefined && delimiter.length === 0 ? frames[1] : undefined;
}
