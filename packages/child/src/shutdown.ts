// The end of a child, in order: no new calls, those in flight answered, the registry entry gone, the output flushed,
// the channel closed. The parent's twin: parent/src/shutdown.ts.

import { withLimit } from "@multifrost/protocol/internal";
import type { EventLog, RareEvent } from "@multifrost/reliability";
import type { ServerChannel } from "@multifrost/transport";
import type { Announcement } from "./announce.js";
import type { CallRunner } from "./call/incoming-call.js";
import type { OutputForwarder } from "./output/forward-output.js";
import type { ParentWatch } from "./parent-watch.js";

/** How long answers that are already made may take to go out, in milliseconds. */
const FLUSH_TIMEOUT_MS = 1_000;

/** What is to be ended. */
export interface EndOptions {
  readonly calls: CallRunner;
  readonly channel: ServerChannel;
  readonly announcement: Announcement | undefined;
  readonly forwarder: OutputForwarder | undefined;
  readonly watch: ParentWatch | undefined;
  readonly events: EventLog;
  readonly drops: Pick<RareEvent, "count">;
  readonly drainMs: number;
}

/** Ends all of it; never rejects. A step that fails does not keep the next from being done. */
export async function endInOrder(parts: EndOptions): Promise<void> {
  const { calls, channel, forwarder, watch, events, drops, drainMs } = parts;
  // Withdrawn first, so that nobody finds a service that takes no more calls; at the same time as the calls finish.
  const withdrawn = withdraw(parts);
  await withLimit(calls.drain(), drainMs, () => {});
  const unfinishedCalls = calls.pending;
  calls.abandon();
  await withdrawn;
  watch?.stop();
  events.emit("worker_stop", {
    message: "Worker stopped.",
    details: { unfinishedCalls, droppedMessages: drops.count },
  });
  try {
    await channel.close({ flushTimeoutMs: FLUSH_TIMEOUT_MS });
  } catch (error) {
    events.emit("socket_disconnect", { message: "The channel could not be closed.", err: error });
  }
  forwarder?.restore();
}

async function withdraw({ announcement, events }: EndOptions): Promise<void> {
  if (announcement === undefined) {
    return;
  }
  try {
    await announcement.withdraw();
    events.emit("service_unregistered");
  } catch (error) {
    events.emit("registry_warning", { message: "The service could not be unregistered.", err: error });
  }
}
