// The end of a link, in order: calls in flight answered, the worker asked to end, made to end, the channel closed.
// The child's twin: child/src/shutdown.ts.

import { type Codec, createShutdown, type ExitDetails } from "@multifrost/protocol";
import type { PendingCalls } from "./call/pending-calls.js";
import type { Link } from "./link.js";
import { terminate } from "./spawn/terminate.js";

/** Waits until every call has settled, but not longer than this. */
export async function drain(pending: PendingCalls, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([pending.idle(), limit]);
  clearTimeout(timer);
}

/**
 * Ends a link. The channel stays open until the worker has ended, so that its last output arrives. A worker that this
 * parent did not start has other parents, perhaps, and is not told to end.
 *
 * Resolves to how the process ended, where there is one.
 */
export async function endLink({ channel, worker }: Link, codec: Codec): Promise<ExitDetails | undefined> {
  let exit: ExitDetails | undefined;
  if (worker !== undefined) {
    exit = await terminate(worker, askToEnd(channel, codec));
  }
  await channel.close();
  return exit;
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
