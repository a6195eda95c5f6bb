// One way to a worker, from open to end: a connection, and the process behind it where this parent started that.
// Three files open one: spawn/open-by-spawn.ts, open-by-service.ts, open-by-transport.ts. After an end comes a new one.

import type { ExitDetails, MultifrostError } from "@multifrost/protocol";
import type { ClientChannel, DropReason } from "@multifrost/transport";
import type { WorkerProcess } from "./spawn/worker-process.js";

/** Why a connection, or the worker with it, is gone. */
export type Loss =
  | { readonly kind: "exit"; readonly exit: ExitDetails }
  | { readonly kind: "connection"; readonly endpoint: string; readonly cause?: MultifrostError };

/** What a link tells, from the first step of opening it to its end. */
export interface LinkEvents {
  message(bytes: Uint8Array): void;
  output(stream: "stdout" | "stderr", line: string): void;
  dropped(reason: DropReason): void;
  /** A process was started for it. */
  spawned(worker: WorkerProcess): void;
  /** The connection broke; what was sent on it is lost. It is being made anew: `resumed` or `ended` follows. */
  interrupted(loss: Loss): void;
  /** The connection is back. */
  resumed(): void;
  /** This link is over. Told once. */
  ended(loss: Loss): void;
}

/** An open link: the worker has been connected to. */
export interface Link {
  readonly channel: ClientChannel;
  /** The process, where this parent started it. */
  readonly worker: WorkerProcess | undefined;
}

/**
 * Opens a link. Rejects with `SpawnError`, `ConnectionError`, `RegistryError`; when `signal` fires, with its reason.
 * Whatever it had started is ended by then.
 */
export type OpenLink = (events: LinkEvents, signal: AbortSignal) => Promise<Link>;
