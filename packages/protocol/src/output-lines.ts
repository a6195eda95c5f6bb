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
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      const lines: string[] = [];
      // Only what is new is looked through: a program may write a long line one character at a time.
      for (let from = 0; ; ) {
        const end = text.indexOf("\n", from);
        unfinished = cut(unfinished + text.slice(from, end < 0 ? undefined : end), lines);
        if (end < 0) {
          return lines;
        }
        lines.push(unfinished.endsWith("\r") ? unfinished.slice(0, -1) : unfinished);
        unfinished = "";
        from = end + 1;
      }
    },
    rest() {
      const rest = unfinished + decoder.decode();
      unfinished = "";
      return rest;
    },
  };
}

/** Adds the pieces of a line that is too long to `pieces`, and returns the rest. No character is cut in two. */
function cut(line: string, pieces: string[]): string {
  let from = 0;
  while (line.length - from > MAX_LINE_LENGTH) {
    const end = from + MAX_LINE_LENGTH;
    const last = line.charCodeAt(end - 1);
    const to = last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
    pieces.push(line.slice(from, to));
    from = to;
  }
  return from === 0 ? line : line.slice(from);
}
