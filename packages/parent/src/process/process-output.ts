// Reads the pipes of a worker's process, always and completely: a full pipe would block the writer.

import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { LineSplitter } from "@multifrost/protocol/internal";

/** Receives the lines a worker writes. */
export type OnOutput = (stream: "stdout" | "stderr", line: string) => void;

/** How much of each stream is kept for errors, in bytes of UTF-8. */
const TAIL_BYTES = 4096;

/** Lines from both pipes, and the end of each for error messages. */
export class ProcessOutput {
  readonly #pipes: readonly { end(): void }[];
  readonly #tails = { stdout: "", stderr: "" };

  constructor({ stdout, stderr }: ChildProcess, onOutput: OnOutput) {
    this.#pipes = [this.#read("stdout", stdout, onOutput), this.#read("stderr", stderr, onOutput)];
  }

  /** The last 4 KiB of a stream so far, including an unfinished line. */
  tail(stream: "stdout" | "stderr"): string {
    return lastBytes(this.#tails[stream]).trimEnd();
  }

  /** Adds a line that arrived as a message to the tail of its stream. */
  note(stream: "stdout" | "stderr", line: string): void {
    this.#addToTail(stream, `${line}\n`);
  }

  /** Delivers an unfinished last line and closes the pipes, which another process may hold open. */
  end(): void {
    for (const pipe of this.#pipes) {
      pipe.end();
    }
  }

  #addToTail(stream: "stdout" | "stderr", text: string): void {
    const tail = this.#tails[stream] + text;
    // Cut now and then: a worker may print much, line by line.
    this.#tails[stream] = tail.length > 2 * TAIL_BYTES ? tail.slice(-TAIL_BYTES) : tail;
  }

  #read(stream: "stdout" | "stderr", pipe: Readable | null, onOutput: OnOutput): { end(): void } {
    const lines = new LineSplitter();
    pipe?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#addToTail(stream, chunk);
      for (const line of lines.add(chunk)) {
        onOutput(stream, line);
      }
    });
    return {
      end() {
        pipe?.destroy();
        const rest = lines.rest();
        if (rest !== "") {
          onOutput(stream, rest);
        }
      },
    };
  }
}

/** The end of a text, at most `TAIL_BYTES` of UTF-8, never starting in the middle of a character. */
function lastBytes(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let start = Math.max(0, bytes.length - TAIL_BYTES);
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) {
    start++;
  }
  return new TextDecoder().decode(bytes.subarray(start));
}
