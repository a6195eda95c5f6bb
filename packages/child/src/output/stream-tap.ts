// Stands in the place of one stream's `write`, and cuts what is written into lines. Next: real-stream.ts, what is below.

import { createLineSplitter } from "@multifrost/protocol";
import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import { type StreamName, type TappedStream, writeNow } from "./real-stream.js";

/** Takes one line, and a way to write to the real stream. */
export type OnLine = (text: string, local: (text: string) => void) => void;

/** A stream whose `write` is taken over. */
export interface StreamTap {
  /** Gives the stream back; an unfinished line is written out. */
  release(): void;
}

/** Takes over a stream. `alsoLocal`: what is written goes to the real stream as well, just as it is. */
export function tapStream(name: StreamName, alsoLocal: boolean, onLine: OnLine): StreamTap {
  const stream = process[name] as TappedStream;
  const real = stream.write;
  const local = (text: string): void => void real.call(stream, text);
  const lines = createLineSplitter();
  let released = false;

  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (released) {
      return Reflect.apply(real, stream, [chunk, ...rest]);
    }
    for (const line of lines.add(plainText(chunk, rest[0]))) {
      onLine(line, local);
    }
    return alsoLocal ? Reflect.apply(real, stream, [chunk, ...rest]) : written(rest);
  };
  stream.write = write as typeof stream.write;
  // Two workers in one process tap the stream one above the other: the lowest knows the real one.
  const lowest = stream[UNFORWARDED_WRITE] === undefined;
  stream[UNFORWARDED_WRITE] ??= real;

  return {
    release() {
      released = true;
      const rest = lines.rest();
      if (rest !== "" && !alsoLocal) {
        writeNow(name, `${rest}\n`);
      }
      // With another tap above, ours has to stay below it, where it now passes everything on.
      if (stream.write === (write as typeof stream.write)) {
        stream.write = real;
        if (lowest) {
          delete stream[UNFORWARDED_WRITE];
        }
      }
    },
  };
}

/** Tells the writer that it is done, as a stream does: later. */
function written(rest: readonly unknown[]): true {
  const callback = rest.find((argument) => typeof argument === "function");
  if (callback !== undefined) {
    process.nextTick(callback as () => void);
  }
  return true;
}

/** Text is text in every encoding but those that write bytes as text. */
function plainText(chunk: string | Uint8Array, encoding: unknown): string | Uint8Array {
  const isBytes = encoding === "hex" || encoding === "base64" || encoding === "base64url";
  return typeof chunk === "string" && isBytes ? Buffer.from(chunk, encoding) : chunk;
}
