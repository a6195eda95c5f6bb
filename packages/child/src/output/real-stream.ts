// The process's own streams, past the forwarding of this worker: for what must not be sent to the parents.

import { writeSync } from "node:fs";
import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";

/** The two streams there are. */
export type StreamName = "stdout" | "stderr";

/** A stream, and where a forwarder keeps its real `write` while it has put its own in that place. */
export type TappedStream = NodeJS.WriteStream & { [UNFORWARDED_WRITE]?: NodeJS.WriteStream["write"] };

/** Writes past the forwarding; as any write where nothing is forwarded. */
export function writeUnforwarded(name: StreamName, text: string): void {
  const stream = process[name] as TappedStream;
  const write = stream[UNFORWARDED_WRITE] ?? stream.write;
  write.call(stream, text);
}

/** Writes at once, as nothing is written later while the process exits. A closed pipe has no reader to miss it. */
export function writeNow(name: StreamName, text: string): void {
  try {
    writeSync(name === "stdout" ? 1 : 2, text);
  } catch {
    // Nobody reads the stream any more.
  }
}
