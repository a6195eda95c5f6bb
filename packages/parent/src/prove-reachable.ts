// Between the connection and `start()` resolving: one heartbeat, answered. It tells a worker from another program that
// happens to listen on the port, and a loop that turns from one that does not. Next: live-link.ts.

import { ConnectionError, MultifrostError } from "@multifrost/protocol";
import { orAborted } from "@multifrost/protocol/internal";
import type { HeartbeatMonitor } from "@multifrost/reliability";
import type { Link, Loss } from "./link.js";
import { exitedEarly, startedTooLate } from "./spawn/wait-until-ready.js";

/** What the proof needs. */
export interface ProofOptions {
  readonly link: Link;
  readonly monitor: HeartbeatMonitor;
  /** Resolves if the link ends meanwhile. */
  readonly ended: Promise<Loss>;
  /** How long the whole start may take, in milliseconds: for the error. */
  readonly timeoutMs: number;
  /** How much of that is left, in milliseconds. */
  readonly leftMs: number;
  readonly signal: AbortSignal;
}

/** Resolves when the heartbeat is answered. Rejects with `SpawnError` or `ConnectionError`: `UNREACHABLE`, `CONNECTION_LOST`. */
export async function proveReachable(proof: ProofOptions): Promise<void> {
  const { link, monitor, ended, timeoutMs, leftMs, signal } = proof;
  const over = ended.then((loss) => {
    throw endedEarly(link, loss);
  });
  try {
    await orAborted(Promise.race([monitor.beat({ timeoutMs: leftMs }), over]), signal);
  } catch (error) {
    if (error instanceof MultifrostError && error.code === "TIMEOUT") {
      throw link.worker === undefined ? silent(link, timeoutMs) : startedTooLate(link.worker, timeoutMs);
    }
    throw error;
  }
}

/** The error for a link that ended before it could be used. */
export function endedEarly({ channel }: Link, loss: Loss): Error {
  if (loss.kind === "exit") {
    return exitedEarly(loss.exit);
  }
  const { endpoint } = channel;
  const message =
    `The connection to ${endpoint} was lost before a heartbeat was answered. Look at the worker's output, and start ` +
    "it again.";
  return new ConnectionError("CONNECTION_LOST", message, { endpoint, cause: loss.cause });
}

function silent({ channel }: Link, timeoutMs: number): ConnectionError {
  const { endpoint } = channel;
  const message =
    `Something listens at ${endpoint} but answered no heartbeat within ${timeoutMs} ms. The service may have ended and ` +
    "another program may have its port: start the service again.";
  return new ConnectionError("UNREACHABLE", message, { endpoint });
}
