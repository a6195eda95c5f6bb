// What the worker writes to stdout and stderr, line by line to every parent seen; to the real stream where none can
// take it, and for a service to both. The parent's twin: parent/src/output/worker-output.ts. Next: stream-tap.ts.

import { type Codec, createOutput } from "@multifrost/protocol";
import type { Peer, ServerChannel } from "@multifrost/transport";
import { type StreamName, writeNow } from "./real-stream.js";
import { tapStream } from "./stream-tap.js";

/** Messages that may wait in the channel before output goes to the real stream instead: answers need the room. */
const MAX_WAITING = 100_000;

/** What the forwarder needs from around it. */
export interface ForwardOptions {
  readonly codec: Codec;
  readonly channel: ServerChannel;
  peers(): Iterable<Peer>;
  /** This peer is not there any more. */
  gone(peer: Peer): void;
  /** Also write to the real stream: for a service, whose log is read there. */
  readonly alsoLocal: boolean;
  /** A line no parent could take; it went to the real stream. */
  onFallback(): void;
}

/** Output forwarding that is on. */
export interface OutputForwarder {
  /** Gives the streams back, and writes out what no parent has taken. May be called more than once. */
  restore(): void;
}

/** One line on its way, and how many sends of it are still open. */
interface Line {
  readonly name: StreamName;
  readonly text: string;
  /** Writes it to the real stream. */
  readonly keep: () => void;
  open: number;
  taken: boolean;
}

/** Takes over the process's own streams until `restore`. */
export function forwardOutput(options: ForwardOptions): OutputForwarder {
  const underway = new Set<Line>();
  const { alsoLocal } = options;
  const taps = (["stdout", "stderr"] as const).map((name) =>
    tapStream(name, alsoLocal, (text, local) => {
      const keep = (): void => keepLine(text, local, options);
      const line: Line = { name, text, keep, open: 0, taken: false };
      if (!handOver(line, options, underway)) {
        keep();
      }
    }),
  );

  // What `process.exit` cuts off in the queue would be lost with the reason for it.
  const restore = (): void => {
    process.off("exit", restore);
    for (const line of alsoLocal ? [] : underway) {
      writeNow(line.name, `${line.text}\n`);
    }
    underway.clear();
    for (const { release } of taps) {
      release();
    }
  };
  process.on("exit", restore);
  return { restore };
}

function keepLine(text: string, local: (text: string) => void, { alsoLocal, onFallback }: ForwardOptions): void {
  if (!alsoLocal) {
    local(`${text}\n`);
    onFallback();
  }
}

/** Sends a line to every peer; false if nobody is there to take it. */
function handOver(line: Line, options: ForwardOptions, underway: Set<Line>): boolean {
  const { channel, codec } = options;
  if (channel.queued >= MAX_WAITING) {
    return false;
  }
  const settled = (failed: boolean): void => {
    line.taken ||= !failed;
    line.open--;
    if (line.open === 0 && underway.delete(line) && !line.taken) {
      line.keep();
    }
  };
  try {
    const bytes = codec.encode(createOutput(line.name, line.text));
    for (const peer of options.peers()) {
      channel.send(peer, bytes, (error) => {
        if (error?.code === "PEER_UNKNOWN") {
          options.gone(peer);
        }
        settled(error !== undefined);
      });
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
