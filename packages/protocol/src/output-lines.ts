// Written chunks to lines, as both sides cut them: characters may be split between chunks, long lines go in pieces.

/** A line longer than this goes out in pieces, in characters, so that a program that never ends its line is bounded. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** Collects what is written to one stream and gives it out as lines. */
export interface LineSplitter {
  /** The lines that this chunk completes, without their ends. */
  add(chunk: string | Uint8Array): string[];
  /** The unfinished line at the end; empty if there is none. */
  rest(): string;
}

/** Makes a splitter. Bytes are read as UTF-8. */
export function createLineSplitter(): LineSplitter {
  const decoder = new TextDecoder();
  let unfinished = "";
  return {
    add(chunk) {
      unfinished += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      const lines = unfinished.split("\n");
      unfinished = lines.pop() as string;
      while (unfinished.length > MAX_LINE_LENGTH) {
        lines.push(unfinished.slice(0, MAX_LINE_LENGTH));
        unfinished = unfinished.slice(MAX_LINE_LENGTH);
      }
      return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
    },
    rest() {
      const rest = unfinished + decoder.decode();
      unfinished = "";
      return rest;
    },
  };
}
