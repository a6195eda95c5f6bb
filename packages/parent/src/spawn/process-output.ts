// The pipes of a worker's process, always read, whatever comes: a full pipe would block the writer.

import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { createLineSplitter } from "@multifrost/protocol";
import { createTail } from "./tail.js";
import type { OnOutput } from "./worker-process.js";

/** What a process wrote to its own streams. */
export interface ProcessOutput {
  /** The last 4 KiB of its stderr so far, an unfinished line too. */
  stderrTail(): string;
  /** Adds a line that came by another way. */
  noteStderr(line: string): void;
  /** Gives out an unfinished last line and lets go of the pipes, which somebody else may hold open. */
  end(): void;
}

/** Reads both pipes until `end`. */
export function readOutput({ stdout, stderr }: ChildProcess, onOutput: OnOutput): ProcessOutput {
  const tail = createTail();
  const pipes = [
    readLines(stdout, (line) => onOutput("stdout", line)),
    readLines(
      stderr,
      (line) => onOutput("stderr", line),
      (text) => tail.add(text),
    ),
  ];
  return {
    stderrTail: () => tail.text().trimEnd(),
    noteStderr: (line) => tail.add(`${line}\n`),
    end() {
      for (const pipe of pipes) {
        pipe.end();
      }
    },
  };
}

function readLines(
  pipe: Readable | null,
  onLine: (line: string) => void,
  onText: (text: string) => void = () => {},
): { end(): void } {
  const lines = createLineSplitter();
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
