// The vocabulary of sessions: how a parent reaches its worker, and what a session reports. No logic.

import type { Codec, Feature, MessageParts } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import type { ClientTransport, SendOptions, SendSettled, TransportName } from "@multifrost/transport";
import type { Loss } from "../errors.js";
import type { Telemetry } from "../lifecycle/telemetry.js";
import type { ResolvedOptions, SpawnOptions } from "../options.js";
import type { Executable } from "../process/launch-plan.js";

/** A worker whose process the parent starts. */
export interface SpawnMode {
  readonly kind: "spawned";
  readonly name: string;
  readonly serviceId?: undefined;
  readonly scriptPath: string | URL;
  readonly executable: Executable | undefined;
  readonly options: SpawnOptions;
}

/** A running service, looked up by name for each session: it may come back on another port. */
export interface ServiceMode {
  readonly kind: "service";
  readonly name: string;
  readonly serviceId: string;
  readonly registry: ServiceRegistry;
  readonly host: string | undefined;
  readonly transport: TransportName | undefined;
}

/** A worker behind a transport that the user brings. */
export interface ComposedMode {
  readonly kind: "composed";
  readonly name: string;
  readonly serviceId?: undefined;
  readonly transport: ClientTransport;
}

/** How a parent reaches its worker. */
export type ConnectMode = SpawnMode | ServiceMode | ComposedMode;

/** What stays the same over a parent's whole life. */
export interface ParentContext {
  readonly name: string;
  readonly mode: ConnectMode;
  readonly codec: Codec;
  readonly options: ResolvedOptions;
  readonly telemetry: Telemetry;
}

/** A session that is in use: its worker has been reached. */
export interface ActiveSession {
  /** The worker's process, where this parent started it. */
  readonly pid: number | undefined;
  /** The latest heartbeat's round trip in milliseconds; `undefined` before the first. */
  readonly lastRttMs: number | undefined;
  /** Whether the worker has answered a heartbeat or a call on it. */
  readonly isProven: boolean;
  /** What the worker has announced that it understands. */
  readonly features: ReadonlySet<Feature>;
  /** Whether Node lists the connection among what keeps the process alive. */
  readonly isListedByNode: boolean;
  /** How many messages wait until the connection takes them. */
  readonly queued: number;
  /** Sends bytes to the worker. Throws `OverloadError`, `SerializationError`, `ConnectionError`. */
  send(bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void;
  /** Another session is in use: heartbeats end, calls in flight go on. */
  retire(): void;
  /** Ends the heartbeats, a process this parent started, and the connection. Reports nothing more. Never rejects. */
  close(): Promise<void>;
}

/** What a session reports, from the moment it can be used. */
export interface SessionEvents {
  /** The worker has been reached: calls can go out. */
  opened(session: ActiveSession): void;
  /** The connection broke and what was sent on it is lost. The channel restores it: `resumed` or `ended` follows. */
  interrupted(loss: Loss, session: ActiveSession): void;
  /** The connection is back. */
  resumed(session: ActiveSession): void;
  /** Heartbeats stay unanswered while the connection is up, or the worker has given a sign of life again. */
  stalled(isStalled: boolean, session: ActiveSession): void;
  /** The session is over. Reported once, and not after `close`. */
  ended(loss: Loss, session: ActiveSession): void;
}
