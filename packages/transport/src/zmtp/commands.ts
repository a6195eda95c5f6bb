// The commands of ZMTP: READY, PING, PONG, ERROR.

import { COMMAND, frame } from "./frames.js";
import { ProtocolError } from "./protocol-error.js";

/** The kinds of socket that these transports are. */
export type SocketType = "DEALER" | "ROUTER";

/** The kinds of socket that each kind may be connected to. */
const PARTNERS: Readonly<Record<SocketType, readonly string[]>> = {
  DEALER: ["REP", "DEALER", "ROUTER"],
  ROUTER: ["REQ", "DEALER", "ROUTER"],
};

const LONGEST_IDENTITY = 255;
const LONGEST_CONTEXT = 16;
const LONGEST_REASON = 255;

/** A command as it came: its name, and what follows it. */
export interface Command {
  readonly name: string;
  readonly body: Uint8Array;
}

/** What a peer says about itself. */
export interface ReadyProperties {
  /** The name that the peer chose, one character for each byte; empty if it chose none. */
  readonly identity: string;
  /** Every property but `Socket-Type` and `Identity`, by its name in lower case. */
  readonly properties: ReadonlyMap<string, string>;
}

/** Splits the body of a command frame. Returns `undefined` for one that is malformed. */
export function parseCommand(body: Uint8Array): Command | undefined {
  const length = body[0];
  if (length === undefined || length === 0 || body.length < 1 + length) {
    return undefined;
  }
  return { name: latin1(body.subarray(1, 1 + length)), body: body.subarray(1 + length) };
}

/** The READY command of this end, as a whole frame. */
export function readyCommand(
  type: SocketType,
  identity: string,
  properties: Readonly<Record<string, string>>,
): Uint8Array {
  const parts = [property("Socket-Type", Buffer.from(type))];
  if (identity !== "") {
    parts.push(property("Identity", Buffer.from(identity, "latin1")));
  }
  for (const [name, value] of Object.entries(properties)) {
    parts.push(property(name, Buffer.from(value)));
  }
  return command("READY", Buffer.concat(parts));
}

/**
 * Reads what follows the name of a READY command. Names are in any case and any order; anything behind the last
 * property, and a name that comes twice, is an error.
 *
 * Throws `ProtocolError`, also for a kind of socket that `type` cannot be connected to.
 */
export function parseReady(body: Uint8Array, type: SocketType): ReadyProperties {
  const all = new Map<string, Uint8Array>();
  for (let at = 0; at < body.length; ) {
    const nameLength = body[at] ?? 0;
    const valueAt = at + 1 + nameLength + 4;
    if (nameLength === 0 || valueAt > body.length) {
      throw new ProtocolError("Its READY command is malformed.");
    }
    const name = latin1(body.subarray(at + 1, at + 1 + nameLength)).toLowerCase();
    const end = valueAt + uint32(body, valueAt - 4);
    if (end > body.length || all.has(name)) {
      throw new ProtocolError("Its READY command is malformed.");
    }
    all.set(name, body.subarray(valueAt, end));
    at = end;
  }
  const partner = latin1(all.get("socket-type") ?? new Uint8Array());
  if (!PARTNERS[type].includes(partner)) {
    const kind = /^[A-Z]{1,20}$/.test(partner) ? `a ${partner} socket` : "of no known kind";
    throw new ProtocolError(`It is ${kind}, which cannot talk to a ${type} socket.`);
  }
  const identity = latin1(all.get("identity") ?? new Uint8Array());
  if (identity.length > LONGEST_IDENTITY || identity.startsWith("\0")) {
    throw new ProtocolError("Its identity is longer than 255 bytes, or begins with a zero byte.");
  }
  all.delete("socket-type");
  all.delete("identity");
  return { identity, properties: new Map([...all].map(([name, value]) => [name, Buffer.from(value).toString()])) };
}

/** The longest time to live of a PING: libzmq keeps 100 times its tenths of a second in 16 bits, so that 65.6 s become 64 ms. */
export const LONGEST_TTL_MS = 65_500;

/** A PING, as a whole frame. @param ttlMs - How long this end may stay silent, in milliseconds; 0 for as long as it likes. */
export function pingCommand(ttlMs: number): Uint8Array {
  const tenths = Math.ceil(Math.min(LONGEST_TTL_MS, ttlMs) / 100);
  return command("PING", Buffer.from([tenths >> 8, tenths & 0xff]));
}

/** What a PING asks for. */
export interface Ping {
  /** How long its sender may stay silent, in milliseconds; 0 for as long as it likes. */
  readonly ttlMs: number;
  /** The answer, as a whole frame. */
  readonly pong: Uint8Array;
}

/** Reads what follows the name of a PING command. Throws `ProtocolError` for one without a time to live. */
export function parsePing(body: Uint8Array): Ping {
  const [high, low] = body;
  if (high === undefined || low === undefined) {
    throw new ProtocolError("Its PING command is malformed.");
  }
  const pong = command("PONG", body.subarray(2, 2 + LONGEST_CONTEXT));
  return { ttlMs: (high * 256 + low) * 100, pong };
}

/** An ERROR, as a whole frame. */
export function errorCommand(reason: string): Uint8Array {
  const text = Buffer.from(reason).subarray(0, LONGEST_REASON);
  return command("ERROR", Buffer.concat([Buffer.from([text.length]), text]));
}

/** The reason in the body of an ERROR, made safe to print. */
export function parseError(body: Uint8Array): string {
  return Buffer.from(body.subarray(1, 1 + (body[0] ?? 0)))
    .toString()
    .replace(/[^\x20-\x7e]/g, "?");
}

function command(name: string, body: Uint8Array): Uint8Array {
  return frame(COMMAND, Buffer.concat([Buffer.from([name.length]), Buffer.from(name), body]));
}

function property(name: string, value: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, value]);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
