// The end of a link, in order: calls in flight answered, the worker asked to end, made to end, the channel closed.
// The child's twin: child/src/shutdown.ts.

import { type Codec, createShutdown } from "@multifrost/protocol";
import { withLimit } from "@multifrost/protocol/internal";
import type { PendingCalls } from "./call/pending-calls.js";
import type { Link } from "./link.js";
import { terminate } from "./spawn/terminate.js";

/** Waits until every call that was sent has settled, but not longer than this. */
export async function drain(pending: PendingCalls, limitMs: number): Promise<void> {
  await withLimit(pending.allAnswered(), limitMs, () => {});
}

/**
 * Ends a link. The channel stays open until the worker has ended, so that its last output arrives. A worker that this
 * parent did not start has other parents, perhaps, and is not told to end.
 */
export async function endLink({ channel, worker }: Link, codec: Codec): Promise<void> {
  if (worker !== undefined) {
    await terminate(worker, askToEnd(channel, codec));
  }
  await channel.close();
}

function askToEnd(channel: Link["channel"], codec: Codec): boolean {
  try {
    channel.send(codec.encode(createShutdown()));
    return true;
  } catch {
    // The channel has failed or is full: then the worker is told by a signal.
    return false;
  }
}
