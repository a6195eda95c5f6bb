// The process's own streams: taking one over, and writing past the takeover.

import { writeSync } from "node:fs";
import { LineSplitter, UNFORWARDED_WRITE } from "@multifrost/protocol/internal";

/** A stream of the process. */
export type StreamName = "stdout" | "stderr";

/** A stream, with its real `write` while that is taken over. */
export type TappedStream = NodeJS.WriteStream & { [UNFORWARDED_WRITE]?: NodeJS.WriteStream["write"] };

/** Takes one line, without its end, of the stream that the tap is on. */
export type OnLine = (tap: StreamTap, text: string) => void;

/** Takes over the `write` of one stream and cuts what is written into lines. */
export class StreamTap {
  readonly name: StreamName;
  readonly #alsoLocal: boolean;
  readonly #onLine: OnLine;
  readonly #stream: TappedStream;
  readonly #real: NodeJS.WriteStream["write"];
  readonly #write: NodeJS.WriteStream["write"];
  readonly #lines = new LineSplitter();
  /** Two workers in one process tap the stream one above the other. The lowest one knows the real `write`. */
  readonly #isLowest: boolean;
  #released = false;

  /** @param alsoLocal Writes to the real stream as well, unchanged. */
  constructor(name: StreamName, alsoLocal: boolean, onLine: OnLine) {
    this.name = name;
    this.#alsoLocal = alsoLocal;
    this.#onLine = onLine;
    this.#stream = process[name];
    this.#real = this.#stream.write;
    this.#write = (chunk: string | Uint8Array, ...rest: unknown[]) => this.#take(chunk, rest);
    this.#stream.write = this.#write;
    this.#isLowest = this.#stream[UNFORWARDED_WRITE] === undefined;
    this.#stream[UNFORWARDED_WRITE] ??= this.#real;
  }

  /** Writes to the stream below this tap. */
  writeLocal(text: string): void {
    this.#real.call(this.#stream, text);
  }

  /** Gives the stream back; an unfinished line is written out. */
  release(): void {
    this.#released = true;
    const rest = this.#lines.rest();
    if (rest !== "" && !this.#alsoLocal) {
      writeNow(this.name, `${rest}\n`);
    }
    // A tap above this one still calls it. Released, it passes everything on.
    if (this.#stream.write === this.#write) {
      this.#stream.write = this.#real;
      if (this.#isLowest) {
        delete this.#stream[UNFORWARDED_WRITE];
      }
    }
  }

  #take(chunk: string | Uint8Array, rest: unknown[]): boolean {
    if (this.#released) {
      return Reflect.apply(this.#real, this.#stream, [chunk, ...rest]);
    }
    for (const line of this.#lines.add(plainText(chunk, rest[0]))) {
      this.#onLine(this, line);
    }
    return this.#alsoLocal ? Reflect.apply(this.#real, this.#stream, [chunk, ...rest]) : written(rest);
  }
}

/** Writes past the forwarding; where nothing is forwarded, as any write. */
export function writeUnforwarded(name: StreamName, text: string): void {
  const stream: TappedStream = process[name];
  const write = stream[UNFORWARDED_WRITE] ?? stream.write;
  write.call(stream, text);
}

/** Writes at once, as a stream writes nothing later once the process exits. A closed pipe has no reader: no error. */
export function writeNow(name: StreamName, text: string): void {
  try {
    writeSync(name === "stdout" ? 1 : 2, text);
  } catch {
    // The pipe is closed.
  }
}

/** Calls the writer's callback later, as a stream does. There is no backpressure. */
function written(rest: readonly unknown[]): true {
  const callback = rest.find((argument) => typeof argument === "function");
  if (callback !== undefined) {
    process.nextTick(callback);
  }
  return true;
}

/** Text is text in every encoding except those that write bytes as text. */
function plainText(chunk: string | Uint8Array, encoding: unknown): string | Uint8Array {
  const isBytes = encoding === "hex" || encoding === "base64" || encoding === "base64url";
  return typeof chunk === "string" && isBytes ? Buffer.from(chunk, encoding) : chunk;
}
