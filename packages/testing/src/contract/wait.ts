// How cases wait, and the bytes they send.

import { AssertionError } from "node:assert/strict";

/** How long a case waits for a condition, in milliseconds. */
const LONGEST_WAIT_MS = 15_000;

/** Waits for a condition; fails with a message that names it. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new AssertionError({ message: `waited ${LONGEST_WAIT_MS} ms for ${what}` });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Waits for a number of turns of the event loop, in which an event that must not come would come. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A number as four bytes. */
export function numbered(index: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

/** The number that {@link numbered} wrote. */
export function numberIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

/** Pseudo-random bytes: a shifted, cut or reordered copy compares as different. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
