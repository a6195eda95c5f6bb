// The last of what a process wrote to stderr, for the error that reports its end.

/** How much is kept, in bytes of UTF-8 or a little less. */
const TAIL_BYTES = 4096;

/** The end of a text that only grows. */
export interface Tail {
  add(text: string): void;
  text(): string;
}

/** Makes an empty tail. */
export function createTail(): Tail {
  let kept = "";
  return {
    add(text) {
      kept = (kept + text).slice(-TAIL_BYTES);
    },
    text() {
      const bytes = new TextEncoder().encode(kept);
      return new TextDecoder().decode(bytes.subarray(startOf(bytes)));
    },
  };
}

/** Where the tail begins: never in the middle of a character. */
function startOf(bytes: Uint8Array): number {
  let start = Math.max(0, bytes.length - TAIL_BYTES);
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) {
    start++;
  }
  return start;
}
