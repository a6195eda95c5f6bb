// A child from start to stop: the channel, the calls and the output are separate things, and are put together here.
// Next: channel-events.ts for what arrives, shutdown.ts for how it ends.

import { type Codec, type ConnectionError, createCodec } from "@multifrost/protocol";
import { EVENT_LEVELS, LONGEST_TIMER_MS } from "@multifrost/protocol/internal";
import { createFileRegistry, type ServiceRegistry } from "@multifrost/registry";
import { EventLog, prettyLogger, RareEvent, systemClock } from "@multifrost/reliability";
import type { Peer, ServerChannel } from "@multifrost/transport";
import { announce, openChannel } from "./announce.js";
import { callEvents } from "./call/call-events.js";
import { type CallRunner, createCallRunner } from "./call/incoming-call.js";
import type { MethodTable } from "./call/method-table.js";
import { channelEvents } from "./channel-events.js";
import type { ResolvedChildOptions } from "./options.js";
import { forwardOutput, type OutputForwarder } from "./output/forward-output.js";
import { writeUnforwarded } from "./output/real-stream.js";
import { type ParentWatch, watchParent } from "./parent-watch.js";
import { createPeers, type Peers } from "./peers.js";
import { endInOrder } from "./shutdown.js";
import type { StartMode } from "./start-mode.js";

/** What a life is made of. */
export interface LifeOptions {
  readonly options: ResolvedChildOptions;
  readonly mode: StartMode;
  readonly methods: MethodTable;
  /** The parent asked for the end. */
  onShutdown(): void;
  /** The channel failed for good. */
  onFailed(): void;
  /** The parent that spawned this child is gone. */
  onOrphaned(reason: ConnectionError): void;
}

/** A child that is reachable. */
export interface ChildLife {
  /** Where it is reached. */
  readonly endpoint: string;
  /** Messages that came and were none for this child, and answers that could not be sent. */
  readonly droppedMessages: number;
  /** Drains for up to `drainMs`, withdraws, closes. Never rejects. */
  end(drainMs: number): Promise<void>;
}

/** What the parts of a life share. */
interface Parts {
  readonly life: LifeOptions;
  readonly codec: Codec;
  readonly events: EventLog;
  readonly drops: RareEvent;
  readonly peers: Peers;
  readonly watch: ParentWatch | undefined;
  /** Throws what the channel's `send` throws. */
  send(peer: Peer, bytes: Uint8Array): void;
}

/** Starts a child. Rejects as {@link openChannel} and {@link announce} do; then nothing is left behind. */
export async function startLife(life: LifeOptions): Promise<ChildLife> {
  const { options, mode } = life;
  let channel: ServerChannel | undefined;
  const parts = createParts(life, (peer, bytes) => {
    channel?.send(peer, bytes, (error) => error?.code === "PEER_UNKNOWN" && parts.peers.gone(peer));
  });
  const { codec, events, drops, watch } = parts;
  const calls = createCalls(parts);
  try {
    channel = await openChannel(mode, options, codec, channelEvents({ ...parts, ...life, mode: mode.kind, calls }));
    const announcement = await announce(mode, channel.endpoint, options.registry ?? fileRegistry(events));
    const forwarder = forwardOutputOf(parts, channel);
    tellStart(events, mode, channel.endpoint, announcement !== undefined);
    const ending = { calls, channel, announcement, forwarder, watch, events, drops };
    const serving = showThatItServes(mode);
    return {
      endpoint: channel.endpoint,
      get droppedMessages() {
        return drops.count;
      },
      end: (drainMs) => endInOrder({ ...ending, drainMs }).finally(() => clearInterval(serving)),
    };
  } catch (error) {
    watch?.stop();
    await channel?.close();
    throw error;
  }
}

/**
 * ZeroMQ's socket keeps the process alive, but is in no list of Node's. This timer is, for whoever looks at what goes on
 * in the process, as parents do. What keeps it alive with a transport of one's own is not known here.
 */
function showThatItServes(mode: StartMode): NodeJS.Timeout | undefined {
  return mode.kind === "composed" ? undefined : setInterval(() => {}, LONGEST_TIMER_MS);
}

function createParts(life: LifeOptions, send: Parts["send"]): Parts {
  const { options, mode } = life;
  const clock = systemClock();
  const events = new EventLog({
    clock,
    levels: EVENT_LEVELS,
    // Past the forwarding: what is told of forwarding must not be forwarded in turn.
    logger: options.logger ?? prettyLogger({ level: "warn", write: (line) => writeUnforwarded("stderr", line) }),
    context: { serviceId: options.serviceId, workerId: `${process.pid}` },
  });
  return {
    life,
    codec: createCodec({ app: options.app, limits: options.limits }),
    events,
    drops: new RareEvent({ clock, events, name: "message_dropped" }),
    peers: createPeers(),
    watch: mode.kind === "spawned" ? watchParent(mode.port, life.onOrphaned) : undefined,
    send,
  };
}

function createCalls({ life: { options, methods }, codec, events, drops, send }: Parts): CallRunner {
  const { namespace, otherNamespaces, maxConcurrency, maxPending } = options;
  const limits = { maxConcurrency, maxPending };
  return createCallRunner({
    codec,
    methods,
    namespace,
    otherNamespaces,
    ...limits,
    send,
    ...callEvents(events, drops),
  });
}

function forwardOutputOf({ life, codec, peers, events }: Parts, channel: ServerChannel): OutputForwarder | undefined {
  if (!life.options.forwardOutput) {
    return undefined;
  }
  // Rare, as a logger that prints what it is told of a line makes another line.
  const lost = new RareEvent({ clock: systemClock(), events, name: "output_dropped" });
  const onFallback = (): void => lost.emit({ message: "No parent could take a line of output." }, "debug");
  return forwardOutput({
    codec,
    channel,
    peers: peers.all,
    gone: peers.gone,
    alsoLocal: life.mode.kind === "service",
    onFallback,
  });
}

/** What the registry has to say goes where everything else is told. */
function fileRegistry(events: EventLog): ServiceRegistry {
  return createFileRegistry({ onWarning: (message) => events.emit("registry_warning", { message }) });
}

function tellStart(events: EventLog, mode: StartMode, endpoint: string, announced: boolean): void {
  if (announced) {
    events.emit("service_registered", { details: { endpoint } });
  }
  events.emit("worker_start", { message: `Worker reachable at ${endpoint}.`, details: { mode: mode.kind } });
}
