// The end of a child, in order: no new calls, those in flight answered, the registry entry gone, the output flushed,
// the channel closed. The parent's twin: parent/src/shutdown.ts.

import type { EventLog } from "@multifrost/reliability";
import type { Announced } from "./announce.js";
import type { CallRunner } from "./call/incoming-call.js";
import type { OutputForwarder } from "./output/forward-output.js";
import type { ParentWatch } from "./parent-watch.js";

/** How long answers that are already made may take to go out, in milliseconds. */
const FLUSH_TIMEOUT_MS = 1_000;

/** What is to be ended. */
export interface EndOptions {
  readonly calls: CallRunner;
  readonly announced: Announced;
  readonly forwarder: OutputForwarder | undefined;
  readonly watch: ParentWatch | undefined;
  readonly events: EventLog;
  readonly drainMs: number;
}

/** Ends all of it. A step that fails does not keep the next from being done. */
export async function endInOrder({ calls, announced, forwarder, watch, events, drainMs }: EndOptions): Promise<void> {
  // Withdrawn first, so that nobody finds a service that takes no more calls; at the same time as the calls finish.
  const withdrawn = announced.withdraw().catch((error: unknown) => {
    events.emit("registry_warning", { message: "The service could not be unregistered.", err: error });
  });
  await within(calls.drain(), drainMs);
  await withdrawn;
  watch?.stop();
  events.emit("worker_stop", { message: "Worker stopped.", details: { unfinishedCalls: calls.pending } });
  await announced.channel.close({ flushTimeoutMs: FLUSH_TIMEOUT_MS });
  forwarder?.restore();
}

/** Waits for something, but not longer than this. */
async function within(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
