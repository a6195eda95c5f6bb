// Reads the pipes of a worker's process, always and completely: a full pipe would block the writer.

import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { LineSplitter } from "@multifrost/protocol/internal";

/** Receives the lines a worker writes. */
export type OnOutput = (stream: "stdout" | "stderr", line: string) => void;

/** How much of stderr is kept for errors, in bytes of UTF-8. */
const TAIL_BYTES = 4096;

/** Lines from both pipes, and the end of stderr for error messages. */
export class ProcessOutput {
  readonly #pipes: readonly { end(): void }[];
  #stderrTail = "";

  constructor({ stdout, stderr }: ChildProcess, onOutput: OnOutput) {
    this.#pipes = [
      readLines(stdout, (line) => onOutput("stdout", line)),
      readLines(
        stderr,
        (line) => onOutput("stderr", line),
        (text) => this.#addToTail(text),
      ),
    ];
  }

  /** The last 4 KiB of stderr so far, including an unfinished line. */
  stderrTail(): string {
    return lastBytes(this.#stderrTail).trimEnd();
  }

  /** Adds a line of stderr that arrived as a message to the tail. */
  noteStderr(line: string): void {
    this.#addToTail(`${line}\n`);
  }

  /** Delivers an unfinished last line and closes the pipes, which another process may hold open. */
  end(): void {
    for (const pipe of this.#pipes) {
      pipe.end();
    }
  }

  #addToTail(text: string): void {
    this.#stderrTail = (this.#stderrTail + text).slice(-TAIL_BYTES);
  }
}

function readLines(
  pipe: Readable | null,
  onLine: (line: string) => void,
  onText: (text: string) => void = () => {},
): { end(): void } {
  const lines = new LineSplitter();
  pipe?.setEncoding("utf8").on("data", (chunk: string) => {
    onText(chunk);
    lines.add(chunk).forEach(onLine);
  });
  return {
    end() {
      pipe?.destroy();
      const rest = lines.rest();
      if (rest !== "") {
        onLine(rest);
      }
    },
  };
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
