// How cases of the suite wait, and what they send.

import { AssertionError } from "node:assert/strict";

/** How long a case waits for what must come, in milliseconds. */
const PATIENCE = 15_000;

/** Waits for a condition; fails with what was waited for. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new AssertionError({ message: `waited ${PATIENCE} ms in vain for ${what}` });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets the event loop turn a number of times, so that what should not come has had its chance. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A text as bytes. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Four bytes that tell a number. */
export function numbered(index: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

/** The number that {@link numbered} wrote. */
export function numberIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

/** Bytes that no shift, cut or exchange of parts leaves the same. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
