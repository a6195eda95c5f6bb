// The options of the ZMTP transports, checked and completed.

import { MultifrostError } from "@multifrost/protocol/errors";
import {
  checkOptions,
  countFrom,
  FLAG,
  invalidOption,
  LONGEST_TIMER_MS,
  type OptionRule,
  rule,
  TEXT,
} from "@multifrost/protocol/internal";
import type { ChannelLimits } from "../channel.js";
import type { TcpAddress } from "../endpoint.js";
import { LIMIT_RULES, resolveLimits } from "../limits.js";
import {
  type ConnectAddress,
  checkConnectAddress,
  checkListenAddress,
  type ListenAddress,
  type SocketPath,
} from "./addresses.js";
import { readyCommand, type SocketType } from "./commands.js";

/** What {@link ZmtpOptions} has besides the addresses. */
export interface ZmtpSettings extends ChannelLimits {
  /** Frames of a message received; more end the connection. Default: 16. */
  maxFrames?: number;
  /**
   * For a server: bytes held for all peers together, of messages that have begun to arrive and of messages that wait to be sent.
   * Beyond, a peer that holds more than an equal share is not read from, until it holds less. Default: 268 435 456 (256 MiB).
   */
  maxHeldBytes?: number;
  /**
   * For a server: peers at the same time. Beyond, the oldest that has sent nothing yet is disconnected, or else the new one
   * refused. Default: 4096.
   */
  maxPeers?: number;
  /** The name of this end at a server it is connected to, at most 150 bytes (Latin-1). Default: the server chooses one. */
  identity?: string;
  /**
   * What this end says about itself to the other one: names begin with `X-`, such as `X-Token`. About 150 bytes together.
   * Default: nothing.
   */
  properties?: Readonly<Record<string, string>>;
  /** How long the other end may take for greeting and READY, in milliseconds. Default: 10 000. */
  handshakeTimeoutMs?: number;
  /**
   * How often to send a PING to a peer that knows it (ZMTP 3.1), in milliseconds. A peer that sends nothing for two
   * intervals is disconnected. Default: 0, never; a PING of the other end is always answered.
   */
  heartbeatIntervalMs?: number;
  /** The longest first wait before connecting again, in milliseconds; doubles each time. Default: 100. */
  reconnectDelayMs?: number;
  /** The longest wait before connecting again, in milliseconds. Default: 5000. */
  maxReconnectDelayMs?: number;
  /**
   * Connections that may wait for their handshake or for a decision; beyond, the oldest of those that have come equally far,
   * where most are, is closed. Default: 256.
   */
  maxUndecided?: number;
  /**
   * For a client that binds: stop listening once a connection is accepted, so that no other can ever be made. When that
   * connection ends, `down` is final. Default: false.
   */
  singleGuest?: boolean;
}

/** Options of {@link zmtpClient} and {@link zmtpServer}: either `bind` or `connect`, and settings. */
export type ZmtpOptions = ZmtpSettings &
  (
    | {
        /** Listen here, or in several places; the other end connects. */
        bind: ListenAddress | readonly ListenAddress[];
        connect?: never;
      }
    | {
        /** Connect to where the other end listens. Retried until the channel is closed. */
        connect: ConnectAddress;
        bind?: never;
      }
  );

/** The checked options. */
export interface ZmtpPlan {
  readonly type: SocketType;
  /** Where to listen; empty for an end that connects. */
  readonly listenOn: readonly (Required<TcpAddress> | SocketPath | { private: true })[];
  readonly connectTo: Required<TcpAddress> | SocketPath | undefined;
  readonly limits: Required<ChannelLimits>;
  readonly maxFrames: number;
  readonly maxHeldBytes: number;
  readonly maxPeers: number;
  /** READY as a whole frame. */
  readonly ready: Uint8Array;
  readonly handshakeTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly reconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
  readonly maxUndecided: number;
  readonly singleGuest: boolean;
}

/** Four of the largest messages, and answers of the same size to as many: what others wait for is bounded too. */
const DEFAULT_HELD_BYTES = 256 * 1024 ** 2;

/** A short frame: flags, length, and at most 255 bytes. Some peers read only those. */
const LONGEST_READY = 257;

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** As long as a timer waits, about 24 days. */
const msFrom = (least: number): OptionRule =>
  rule(
    `a number of milliseconds from ${least} to ${LONGEST_TIMER_MS}`,
    (value) => typeof value === "number" && value >= least && value <= LONGEST_TIMER_MS,
  );

const RULES: Readonly<Record<string, OptionRule>> = {
  ...LIMIT_RULES,
  // Addresses have checks of their parts.
  bind: rule(
    "an address or a list of some",
    (value) => isObject(value) || (Array.isArray(value) && value.length > 0 && Array.from(value).every(isObject)),
  ),
  connect: rule("an address", isObject),
  maxFrames: countFrom(2),
  maxHeldBytes: countFrom(1),
  maxPeers: countFrom(1),
  identity: TEXT,
  properties: rule(
    "an object of texts",
    (value) => isObject(value) && Object.values(value).every((each) => typeof each === "string"),
  ),
  handshakeTimeoutMs: msFrom(1),
  heartbeatIntervalMs: msFrom(0),
  reconnectDelayMs: msFrom(1),
  maxReconnectDelayMs: msFrom(1),
  maxUndecided: countFrom(1),
  singleGuest: FLAG,
};

/** Checks the options and fills in the defaults. Throws `MultifrostError` (`INVALID_OPTION`). */
export function planZmtp(type: SocketType, options: ZmtpOptions): ZmtpPlan {
  checkOptions(type === "DEALER" ? "zmtpClient()" : "zmtpServer()", options, RULES);
  const { bind, connect, singleGuest = false } = options;
  if ((bind === undefined) === (connect === undefined)) {
    throw new MultifrostError("INVALID_OPTION", "Give exactly one of bind and connect.");
  }
  const places = bind === undefined ? [] : isList(bind) ? bind : [bind];
  return {
    type,
    listenOn: places.map(checkListenAddress),
    connectTo: connect && checkConnectAddress(connect),
    limits: resolveLimits(options),
    maxFrames: options.maxFrames ?? 16,
    maxHeldBytes: options.maxHeldBytes ?? DEFAULT_HELD_BYTES,
    maxPeers: options.maxPeers ?? 4096,
    ready: planReady(type, options),
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 0,
    reconnectDelayMs: options.reconnectDelayMs ?? 100,
    maxReconnectDelayMs: options.maxReconnectDelayMs ?? 5000,
    maxUndecided: options.maxUndecided ?? 256,
    singleGuest,
  };
}

function planReady(type: SocketType, { identity = "", properties = {} }: ZmtpSettings): Uint8Array {
  if (Buffer.from(identity, "latin1").toString("latin1") !== identity || identity.startsWith("\0")) {
    throw invalidOption("identity", "Latin-1 text that does not begin with a zero byte", identity);
  }
  for (const name of Object.keys(properties)) {
    if (!/^X-[A-Za-z0-9.+_-]+$/i.test(name)) {
      throw invalidOption("a name in properties", "X- followed by letters, digits and .+_-", name);
    }
  }
  const ready = readyCommand(type, identity, properties);
  if (ready.length > LONGEST_READY) {
    const message = `identity and properties take ${ready.length} bytes on the wire; at most ${LONGEST_READY} are sent.`;
    throw new MultifrostError("INVALID_OPTION", message);
  }
  return ready;
}

function isList(bind: ListenAddress | readonly ListenAddress[]): bind is readonly ListenAddress[] {
  return Array.isArray(bind);
}
