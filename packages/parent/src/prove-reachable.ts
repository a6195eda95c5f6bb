// Between the connection and `start()` resolving: one heartbeat, answered. It tells a worker from another program that
// happens to listen on the port, and a loop that turns from one that does not.

import { ConnectionError, MultifrostError } from "@multifrost/protocol";
import type { HeartbeatMonitor } from "@multifrost/reliability";
import { type Link, type Loss, orAborted } from "./link.js";
import { exitedEarly, startedTooLate } from "./spawn/wait-until-ready.js";

/** What the proof needs. */
export interface ProofOptions {
  readonly link: Link;
  readonly monitor: HeartbeatMonitor;
  /** Resolves if the link ends meanwhile. */
  readonly ended: Promise<Loss>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Resolves when the heartbeat is answered. Rejects with `SpawnError` or `ConnectionError` `UNREACHABLE`. */
export async function proveReachable({ link, monitor, ended, timeoutMs, signal }: ProofOptions): Promise<void> {
  const over = ended.then((loss) => {
    throw loss.kind === "exit" ? exitedEarly(loss.exit) : silent(link, timeoutMs);
  });
  try {
    await orAborted(Promise.race([monitor.beat({ timeoutMs }), over]), signal);
  } catch (error) {
    if (error instanceof MultifrostError && error.code === "TIMEOUT") {
      throw link.worker === undefined ? silent(link, timeoutMs) : startedTooLate(link.worker, timeoutMs);
    }
    throw error;
  }
}

function silent({ channel }: Link, timeoutMs: number): ConnectionError {
  const { endpoint } = channel;
  const message =
    `Something listens at ${endpoint} but answered no heartbeat within ${timeoutMs} ms. The service may have ended and ` +
    "another program may have its port: start the service again.";
  return new ConnectionError("UNREACHABLE", message, { endpoint });
}
