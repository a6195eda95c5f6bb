// What the worker writes to stdout and stderr, line by line to every parent seen; to the real stream where none can
// take it, and for a service to both. The parent's twin: parent/src/output/worker-output.ts.

import { writeSync } from "node:fs";
import { type Codec, createLineSplitter, createOutput, UNFORWARDED_WRITE } from "@multifrost/protocol";
import type { Peer, ServerChannel } from "@multifrost/transport";

/** Messages that may wait in the channel before output goes to the real stream instead: answers need the room. */
const MAX_WAITING = 100_000;

/** What the forwarder needs from around it. */
export interface ForwardOptions {
  readonly codec: Codec;
  readonly channel: ServerChannel;
  peers(): Iterable<Peer>;
  /** Also write to the real stream: for a service, whose log is read there. */
  readonly alsoLocal: boolean;
  /** A line no parent could take; it went to the real stream. */
  onFallback(): void;
}

/** Output forwarding that is on. */
export interface OutputForwarder {
  /** Gives the streams back, and writes out what no parent has taken. */
  restore(): void;
}

type StreamName = "stdout" | "stderr";

/** One line on its way, and how many sends of it are still open. */
interface Line {
  readonly name: StreamName;
  readonly text: string;
  open: number;
  taken: boolean;
}

/** Takes over the process's own streams until `restore`. */
export function forwardOutput(options: ForwardOptions): OutputForwarder {
  const underway = new Set<Line>();
  const taps = (["stdout", "stderr"] as const).map((name) =>
    tap(name, options.alsoLocal, (text, local) => sendLine({ name, text, open: 0, taken: false }, local)),
  );

  const sendLine = (line: Line, local: (text: string) => void): void => {
    if (!handOver(line, local, options, underway) && !options.alsoLocal) {
      local(`${line.text}\n`);
      options.onFallback();
    }
  };

  // What `process.exit` cuts off in the queue would be lost with the reason for it.
  const restore = (): void => {
    process.off("exit", restore);
    for (const { release } of taps) {
      release();
    }
    for (const line of options.alsoLocal ? [] : underway) {
      writeNow(line);
    }
    underway.clear();
  };
  process.on("exit", restore);
  return { restore };
}

/** Sends a line to every peer; false if nobody is there to take it. */
function handOver(line: Line, local: (text: string) => void, options: ForwardOptions, underway: Set<Line>): boolean {
  if (options.channel.queued >= MAX_WAITING) {
    return false;
  }
  const settled = (failed: boolean): void => {
    line.taken ||= !failed;
    if (--line.open === 0 && underway.delete(line) && !line.taken && !options.alsoLocal) {
      local(`${line.text}\n`);
      options.onFallback();
    }
  };
  try {
    const bytes = options.codec.encode(createOutput(line.name, line.text));
    for (const peer of options.peers()) {
      options.channel.send(peer, bytes, (error) => settled(error !== undefined));
      line.open++;
    }
  } catch {
    // Too long a line, or a full or closed channel: whoever has not been sent it reads it on the real stream.
  }
  if (line.open > 0) {
    underway.add(line);
  }
  return line.open > 0;
}

/** Puts itself in the place of a stream's `write`. */
function tap(
  name: StreamName,
  alsoLocal: boolean,
  onLine: (text: string, local: (text: string) => void) => void,
): { release(): void } {
  const stream = process[name] as NodeJS.WriteStream & { [UNFORWARDED_WRITE]?: NodeJS.WriteStream["write"] };
  const real = stream.write;
  const local = (text: string): void => void real.call(stream, text);
  const lines = createLineSplitter();

  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const callback = rest.find((argument) => typeof argument === "function") as (() => void) | undefined;
    for (const line of lines.add(plainText(chunk, rest[0]))) {
      onLine(line, local);
    }
    if (alsoLocal) {
      return Reflect.apply(real, stream, [chunk, ...rest]);
    }
    if (callback !== undefined) {
      process.nextTick(callback);
    }
    return true;
  };
  stream.write = write as typeof stream.write;
  stream[UNFORWARDED_WRITE] = real;

  return {
    release() {
      const rest = lines.rest();
      if (rest !== "" && !alsoLocal) {
        writeNow({ name, text: rest });
      }
      // Someone may have put a tap of their own above ours; then ours stays below it, and passes on nothing more.
      if (stream.write === (write as typeof stream.write)) {
        stream.write = real;
      }
      delete stream[UNFORWARDED_WRITE];
    },
  };
}

/** Text is text in every encoding but those that write bytes as text. */
function plainText(chunk: string | Uint8Array, encoding: unknown): string | Uint8Array {
  const isBytes = encoding === "hex" || encoding === "base64" || encoding === "base64url";
  return typeof chunk === "string" && isBytes ? Buffer.from(chunk, encoding) : chunk;
}

/** Writes at once, as nothing is written later while the process exits. A closed pipe has no reader to miss it. */
function writeNow({ name, text }: Pick<Line, "name" | "text">): void {
  try {
    writeSync(name === "stdout" ? 1 : 2, `${text}\n`);
  } catch {
    // Nobody reads the stream any more.
  }
}
