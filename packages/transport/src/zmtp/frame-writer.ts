// Writes messages and commands on one socket: all that wait in one turn go out in one write.

import type { Socket } from "node:net";
import type { MultifrostError } from "@multifrost/protocol/errors";
import { isWhole, partTransferred } from "@multifrost/protocol/internal";
import { type Outgoing, type QueueTotals, type SendQueue, settle } from "../send-queue.js";
import { LONGEST_HEADER, MORE, writeHeader } from "./frames.js";
import { RUNS_ON_NODE } from "./sockets.js";

/** Bodies up to this size are copied into the batch; longer ones are passed on as they are. */
const LARGEST_COPIED = 1024;

/** Bytes handed to the socket and not yet taken by the system, beyond which messages wait in the queue. */
const WINDOW_BYTES = 524_288;

/** Commands that wait; further ones are left out. Only a peer that sends PING without reading gets there. */
const MOST_COMMANDS = 64;

/**
 * So many messages are written before the turn is over: the other end works on them meanwhile. With a batch for each turn the
 * two ends would take turns.
 */
const EARLY_MESSAGES = 32;

const BATCH_BYTES = 65_536;

/** The empty frame in front of every payload. */
const DELIMITER_BYTES = 2;

/** Memory for headers and small bodies, shared by all connections and handed out piece by piece. */
let batch: Uint8Array = newBatch();
let batchAt = 0;

/** The writing side of a connection. */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #onIdle: () => void;
  /** Messages of this connection; `undefined` until it is accepted. */
  #queue: SendQueue | undefined;
  /** Whole frames that go out first. */
  #first: Uint8Array[] = [];
  #inFlight = 0;
  #totals: QueueTotals | undefined;
  #isScheduled = false;
  #isStopped = false;
  /** Those whose write has not called back yet. */
  readonly #unsettled = new Set<Outgoing>();

  /** @param onIdle - Called when everything has been taken by the system. */
  constructor(socket: Socket, onIdle: () => void) {
    this.#socket = socket;
    this.#onIdle = onIdle;
  }

  /** Whether nothing waits and nothing is on its way to the system. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#first.length === 0 && (this.#queue?.length ?? 0) === 0;
  }

  /** Bytes handed to the socket that the system has not taken yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends from this queue as well, from now on, and counts in these totals what is in flight. */
  sendFrom(queue: SendQueue, totals?: QueueTotals): void {
    this.#queue = queue;
    this.#totals = totals;
    this.#count(0, this.#inFlight);
    this.schedule();
  }

  /** Writes frames at once, before anything else: for the greeting and READY. */
  writeNow(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#socket.write(bytes, (error) => {
      if (!error) {
        this.#onWritten(bytes.length);
      }
    });
  }

  /** Sends whole frames ahead of the queue, between two messages. */
  sendFirst(frames: Uint8Array): void {
    if (this.#first.length < MOST_COMMANDS) {
      this.#first.push(frames);
      this.schedule();
    }
  }

  /** Sends what waits when the current turn's work is done, or now if that is much. */
  schedule(): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#flush);
    } else if ((this.#queue?.length ?? 0) >= EARLY_MESSAGES) {
      this.#writeWaiting();
    }
  }

  /** Takes nothing more from the queue. What was handed to the socket still goes out. */
  stop(): void {
    this.#isStopped = true;
    this.#first = [];
    this.#queue = undefined;
  }

  /** The socket is closed: what it has not passed to the system settles with this error. */
  settleRest(error: MultifrostError): void {
    for (const item of this.#unsettled) {
      settle(item, error);
    }
    this.#unsettled.clear();
    this.#count(-this.#inFlight);
    this.#totals = undefined;
  }

  /** @param inTotals - The same for the totals. */
  #count(bytes: number, inTotals: number = bytes): void {
    this.#inFlight += bytes;
    if (this.#totals !== undefined) {
      this.#totals.heldBytes += inTotals;
    }
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.#writeWaiting();
  };

  #writeWaiting(): void {
    if (this.#isStopped || this.#inFlight >= WINDOW_BYTES) {
      return;
    }
    const parts = this.#first;
    let bytes = 0;
    for (const part of parts) {
      bytes += part.length;
    }
    this.#first = [];
    let withOutcome: Outgoing[] | undefined;
    let start = batchAt;
    let firstUsed = start;
    const queue = this.#queue;
    while (queue !== undefined && this.#inFlight + bytes < WINDOW_BYTES) {
      const item = queue.shift();
      if (item === undefined) {
        break;
      }
      const body = item.bytes;
      const length = body.byteLength;
      const isOnePiece = body instanceof Uint8Array;
      const copied = isOnePiece && length <= LARGEST_COPIED;
      if (!isOnePiece && !isWhole(body)) {
        process.nextTick(settle, item, partTransferred());
        continue;
      }
      if (batchAt + DELIMITER_BYTES + LONGEST_HEADER + (copied ? length : 0) > BATCH_BYTES) {
        if (batchAt > start) {
          parts.push(batch.subarray(start, batchAt));
        }
        batch = newBatch();
        batchAt = 0;
        start = 0;
        firstUsed = 0;
      }
      const at = batchAt;
      batch[at] = MORE;
      batch[at + 1] = 0;
      batchAt = writeHeader(batch, at + DELIMITER_BYTES, 0, length);
      bytes += batchAt - at + length;
      if (copied) {
        batch.set(body, batchAt);
        batchAt += length;
      } else {
        parts.push(batch.subarray(start, batchAt));
        start = batchAt;
        for (const part of isOnePiece ? [body] : body.parts) {
          parts.push(part);
        }
      }
      if (item.settled !== undefined) {
        this.#unsettled.add(item);
        withOutcome ??= [];
        withOutcome.push(item);
      }
    }
    if (batchAt > start) {
      parts.push(batch.subarray(start, batchAt));
    }
    if (parts.length > 0) {
      this.#write(parts, bytes, withOutcome);
      if (RUNS_ON_NODE && this.#socket.writableLength === 0) {
        // The system has taken everything, so this part of the batch is free again. Saves a tenth of a message's time.
        batchAt = firstUsed;
      }
    } else if (this.isIdle) {
      this.#onIdle();
    }
  }

  #write(parts: readonly Uint8Array[], bytes: number, withOutcome: readonly Outgoing[] | undefined): void {
    const socket = this.#socket;
    const last = parts.length - 1;
    this.#count(bytes);
    if (last > 0) {
      socket.cork();
    }
    for (let index = 0; index < last; index += 1) {
      socket.write(parts[index] ?? batch.subarray(0, 0));
    }
    socket.write(parts[last] ?? batch.subarray(0, 0), (error) => {
      if (!error) {
        this.#onWritten(bytes, withOutcome);
      }
    });
    if (last > 0) {
      socket.uncork();
    }
  }

  #onWritten(bytes: number, withOutcome?: readonly Outgoing[]): void {
    this.#count(-bytes);
    if (withOutcome !== undefined) {
      for (const item of withOutcome) {
        // Not when it has settled as the rest.
        if (this.#unsettled.delete(item)) {
          settle(item);
        }
      }
    }
    if (this.isIdle) {
      this.#onIdle();
    } else if (this.#inFlight < WINDOW_BYTES) {
      this.schedule();
    }
  }
}

function newBatch(): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(BATCH_BYTES).buffer, 0, BATCH_BYTES);
}
