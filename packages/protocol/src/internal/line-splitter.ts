/** A longer line is split into pieces of this many characters, so that a program that never ends its line is bounded. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** Splits the chunks written to one stream into lines. Characters may be split between chunks. Bytes are UTF-8. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #unfinished = "";
  /** Whether a piece of the unfinished line is out already. */
  #isContinued = false;

  /** Returns the lines that this chunk completes, without their line ends. */
  add(chunk: string | Uint8Array): string[] {
    const text = typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true });
    const lines: string[] = [];
    // Searches only the new text: a program may write a long line one character at a time.
    for (let from = 0; ; ) {
      const end = text.indexOf("\n", from);
      const before = lines.length;
      const line = cut(this.#unfinished + text.slice(from, end < 0 ? undefined : end), lines);
      this.#isContinued ||= lines.length > before;
      if (end < 0) {
        this.#unfinished = line;
        return lines;
      }
      const last = line.endsWith("\r") ? line.slice(0, -1) : line;
      // The line end of a line whose pieces are all out is no line.
      if (last !== "" || !this.#isContinued) {
        lines.push(last);
      }
      this.#unfinished = "";
      this.#isContinued = false;
      from = end + 1;
    }
  }

  /** Takes the unfinished line at the end; empty if there is none. */
  rest(): string {
    const rest = this.#unfinished + this.#decoder.decode();
    this.#unfinished = "";
    return rest;
  }
}

/** Adds the pieces of a line that is too long to `pieces` and returns the rest. Never splits a character. */
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
