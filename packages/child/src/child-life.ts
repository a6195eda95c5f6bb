// A child from start to stop: the channel, the calls and the output are separate things, and are put together here.
// Next: inbound.ts for what arrives, shutdown.ts for how it ends.

import { type Codec, createCodec, MultifrostError } from "@multifrost/protocol";
import { createEventLog, type EventLog, systemClock } from "@multifrost/reliability";
import type { Peer, ServerEvents } from "@multifrost/transport";
import { type Announced, announce } from "./announce.js";
import { type CallRunner, createCallRunner, type IncomingCall } from "./call/incoming-call.js";
import type { MethodTable } from "./call/method-table.js";
import { createInbound } from "./inbound.js";
import type { ResolvedChildOptions } from "./options.js";
import { forwardOutput, type OutputForwarder } from "./output/forward-output.js";
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
  /** The parent that spawned this child is gone. */
  onOrphaned(): void;
}

/** A child that is reachable. */
export interface ChildLife {
  /** The port a service listens on. */
  readonly port: number | undefined;
  /** Drains for up to `drainMs`, withdraws, closes. */
  end(drainMs: number): Promise<void>;
}

/** Starts a child. Rejects as {@link announce} does; then nothing is left behind. */
export async function startLife(life: LifeOptions): Promise<ChildLife> {
  const { options, mode } = life;
  const codec = createCodec({ app: options.app, limits: options.limits });
  const events = createEventLog({
    clock: systemClock(),
    logger: options.logger,
    context: { serviceId: options.serviceId, workerId: `${process.pid}` },
  });
  const peers = createPeers();
  const calls = createCalls(life, codec, events, (peer, bytes) => send(peer, bytes));
  const watch = mode.kind === "spawned" ? watchParent(life.onOrphaned) : undefined;
  const heard = channelEvents({ codec, events, peers, calls, watch, life, send: (peer, bytes) => send(peer, bytes) });

  let announced: Announced;
  try {
    announced = await announce(mode, options, codec, heard);
  } catch (error) {
    watch?.stop();
    throw error;
  }
  const { channel } = announced;
  const send = (peer: Peer, bytes: Uint8Array): void => {
    try {
      channel.send(peer, bytes, (error) => error?.code === "PEER_UNKNOWN" && peers.gone(peer));
    } catch (error) {
      events.emit("message_dropped", { message: "An answer could not be sent.", err: error });
    }
  };
  const forwarder = forwardOutputOf(life, codec, announced, peers, events);
  events.emit("worker_start", { message: `Worker reachable at ${channel.endpoint}.`, details: { mode: mode.kind } });
  return {
    port: announced.port,
    async end(drainMs) {
      await endInOrder({ calls, announced, forwarder, watch, events, drainMs });
    },
  };
}

function createCalls(
  { options, methods }: LifeOptions,
  codec: Codec,
  events: EventLog,
  send: (peer: Peer, bytes: Uint8Array) => void,
): CallRunner {
  return createCallRunner({
    codec,
    methods,
    namespace: options.namespace,
    otherNamespaces: options.otherNamespaces,
    maxConcurrency: options.maxConcurrency,
    maxPending: options.maxPending,
    answer: (call, bytes) => send(call.peer, bytes),
    began: (call) => {
      if (events.enabled("request_start")) {
        events.emit("request_start", describeCall(call));
      }
    },
    ended: (call, error) => {
      const event = error === undefined ? "request_end" : "request_error";
      if (events.enabled(event)) {
        const durationMs = performance.now() - call.arrivedAt;
        events.emit(event, { ...describeCall(call), durationMs, ...(error && { err: error }) });
      }
    },
    ignored: (call) =>
      events.emit("message_dropped", { ...describeCall(call), message: "A call for another namespace was ignored." }),
  });
}

function describeCall({ message }: IncomingCall): { requestId: string; functionName: string; correlationId?: string } {
  const correlationId = message.metadata?.correlation_id;
  return {
    requestId: message.id,
    functionName: message.function,
    ...(typeof correlationId === "string" ? { correlationId } : {}),
  };
}

function channelEvents(parts: {
  codec: Codec;
  events: EventLog;
  peers: Peers;
  calls: CallRunner;
  watch: ParentWatch | undefined;
  life: LifeOptions;
  send(peer: Peer, bytes: Uint8Array): void;
}): ServerEvents {
  const { events, peers, watch } = parts;
  const dropped = (reason: MultifrostError): void =>
    events.emit("message_dropped", { message: reason.message, details: { reason: reason.code } });
  return {
    message: createInbound({
      codec: parts.codec,
      calls: parts.calls,
      send: parts.send,
      seen: (peer) => peers.seen(peer),
      shutdown: () => parts.life.onShutdown(),
      dropped,
    }),
    up() {
      watch?.connectionUp();
      events.emit("socket_connect");
    },
    down() {
      watch?.connectionDown();
      // For a service this is one parent of many taking its leave.
      events.emit("socket_disconnect", { details: { mode: parts.life.mode.kind } }, "info");
    },
    dropped: (reason) =>
      dropped(new MultifrostError("MALFORMED_MESSAGE", `Something else than a message came: ${reason}.`)),
    failed(error) {
      events.emit("socket_disconnect", { message: "The channel failed for good.", err: error }, "error");
      parts.life.onShutdown();
    },
    peerGone: (peer) => peers.gone(peer),
  };
}

function forwardOutputOf(
  { options, mode }: LifeOptions,
  codec: Codec,
  { channel }: Announced,
  peers: Peers,
  events: EventLog,
): OutputForwarder | undefined {
  if (!options.forwardOutput) {
    return undefined;
  }
  return forwardOutput({
    codec,
    channel,
    peers: peers.all,
    alsoLocal: mode.kind === "service",
    onFallback: () => events.emit("output_dropped", { message: "No parent could take a line of output." }, "debug"),
  });
}
