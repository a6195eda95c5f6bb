// Made by multifrost from what the worker tells of itself. Do not change it by hand: make it anew.
// An integer is a number here; beyond 2^53 - 1 either way it arrives as a bigint.

/** Changes with the interface. As the option `interfaceHash` of a parent it tells when that has happened. */
export const LZ4_CODEC_HASH = "f9aa2f066e1ff88f84afa52edc4af2655d83c8c27d1430ccf281ac6e57d4d623";

/** The worker's methods, for `ParentWorker.spawn<Lz4Codec>(…)` and `ParentWorker.connect<Lz4Codec>(…)`. */
export interface Lz4Codec {
  /**
   * The bytes as an LZ4 block with its size in front.
   */
  compress(data: Uint8Array): Uint8Array;
  /**
   * The bytes that a block of `compress` was made from.
   */
  restore(block: Uint8Array): Uint8Array;
}
