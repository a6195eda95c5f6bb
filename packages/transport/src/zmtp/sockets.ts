// Sockets that read into memory of ours. `data` events copy large messages a second time and allocate 64 KiB for each
// read: an echo of 1 MiB takes about half as long this way.

import { connect, type NetConnectOpts, Socket } from "node:net";
import type { TcpAddress } from "../endpoint.js";
import type { SocketPath } from "./addresses.js";

/** What receives the bytes of a socket. */
export interface ByteSink {
  /** The memory to read into next; `undefined` for memory that is used again after {@link chunk} returns. */
  space(): Uint8Array | undefined;
  /** So many bytes were read into what {@link space} returned. Returns whether to read on. */
  filled(count: number): boolean;
  /** Bytes that may change once this returns. Returns whether to read on. */
  chunk(bytes: Uint8Array): boolean;
}

/** The size of the memory that is used again. */
export const CHUNK_BYTES = 65_536;

/** Whether sockets are those of Node: others read into buffers, and count what they have written, in other ways. */
export const RUNS_ON_NODE: boolean = process.versions.bun === undefined && process.versions.deno === undefined;

/** Windows reads in the background, so that sockets cannot share memory there. */
const SHARES_CHUNK = process.platform !== "win32";

let sharedChunk: Uint8Array | undefined;

function chunkMemory(): Uint8Array {
  if (!SHARES_CHUNK) {
    return new Uint8Array(CHUNK_BYTES);
  }
  sharedChunk ??= new Uint8Array(CHUNK_BYTES);
  return sharedChunk;
}

/** Starts connecting. The sink gets what the other end sends. */
export function connectSocket(address: Required<TcpAddress> | SocketPath, sink: ByteSink): Socket {
  const options: NetConnectOpts = { ...address, allowHalfOpen: true, noDelay: true };
  if (RUNS_ON_NODE) {
    return connect({ ...options, onread: readsInto(sink) });
  }
  return readByEvents(connect(options), sink);
}

/**
 * Takes over a socket that a listener accepted with `pauseOnConnect` and `allowHalfOpen`. Node offers `onread` only for
 * sockets that connect, so the connection is moved to a new socket; where that is not possible, `data` events do it.
 */
export function acceptSocket(accepted: Socket, sink: ByteSink): Socket {
  const holder: { _handle?: unknown } = accepted as { _handle?: unknown };
  const handle = holder._handle;
  if (!RUNS_ON_NODE || !isStreamHandle(handle)) {
    return readByEvents(accepted, sink).resume();
  }
  handle.reading = false;
  const options = { handle, allowHalfOpen: true, onread: readsInto(sink) };
  const socket = new Socket(options);
  holder._handle = null;
  // Without its handle it closes nothing; the listener no longer counts it.
  accepted.destroy();
  return socket.resume();
}

function readsInto(sink: ByteSink) {
  const chunk = chunkMemory();
  return {
    buffer: () => sink.space() ?? chunk,
    callback: (count: number, bytes: Uint8Array) =>
      bytes === chunk ? sink.chunk(chunk.subarray(0, count)) : sink.filled(count),
  };
}

function readByEvents(socket: Socket, sink: ByteSink): Socket {
  return socket.on("data", (bytes) => {
    if (!sink.chunk(bytes)) {
      socket.pause();
    }
  });
}

/** Whether this is the object behind a socket that Node has had since version 12. */
function isStreamHandle(handle: unknown): handle is { reading: boolean } {
  return (
    typeof handle === "object" &&
    handle !== null &&
    "useUserBuffer" in handle &&
    typeof handle.useUserBuffer === "function" &&
    "reading" in handle
  );
}
