// Turns chunks of bytes into messages and commands. Knows no socket.

import { unfilled } from "../large-memory.js";
import { COMMAND, LONG, LONGEST_HEADER, MORE } from "./frames.js";
import { ProtocolError } from "./protocol-error.js";

/** Bounds of what a peer may send. */
export interface ReadLimits {
  /** All frames of a message together, in bytes. */
  maxMessageBytes: number;
  /** Frames of a message. */
  maxFrames: number;
  /** A command, in bytes. */
  maxCommandBytes: number;
}

/** What the readers of several peers hold of messages that are not complete, in bytes. */
export class ReadTotals {
  bytes = 0;
}

/** A command frame; {@link parseCommand} reads it. */
export class CommandFrame {
  readonly body: Uint8Array;

  constructor(body: Uint8Array) {
    this.body = body;
  }
}

/** Stands for a message above `maxMessageBytes` that was skipped. */
export const TOO_LARGE: unique symbol = Symbol("too large");

/** One message (its frames), one command, or a message that was skipped. */
export type Arrival = Uint8Array[] | CommandFrame | typeof TOO_LARGE;

/** The longest frame that is skipped; a longer one ends the connection. */
const LONGEST_SKIPPED = 2 ** 32;

/**
 * A body is first given this much memory; when that is full, {@link GROWTH} times as much, up to its length, and all of its
 * length where that is at most twice as much: a message of little more than 1 MiB is not copied at its end.
 */
const FIRST_STEP = 65_536;
const GROWTH = 16;

/** A body of which this much is missing is read directly into its memory. */
const LEAST_DIRECT = 32_768;

/** Small bodies share pieces of memory of this size: far less than a chunk, so that keeping one keeps little. */
const POOL_BYTES = 8192;
const LARGEST_POOLED = 1024;

/** The headers of an empty frame and of a short one. */
const SHORT_MESSAGE_HEADERS = 4;

const EMPTY = new Uint8Array(0);

const HEADER = 0;
const BODY = 1;
const SKIP = 2;

/**
 * Reads frames. Give it a chunk with {@link push}, then take what arrived with {@link next} until it returns
 * `undefined`. Memory grows with what has arrived, never with what a header announces.
 */
export class FrameReader {
  /** May be replaced between messages. */
  limits: ReadLimits;
  /** Whether a message above the limit is skipped; otherwise it is an error. */
  skipsTooLarge = true;
  #totals: ReadTotals | undefined;
  /** Memory of large bodies of the message that is being read. */
  #held = 0;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  /** Where the chunk has been copied to, up to which of its bytes, and where its first byte would be in there. */
  #copy: Uint8Array = EMPTY;
  #copiedTo = 0;
  #copyAt = 0;
  #phase: typeof HEADER | typeof BODY | typeof SKIP = HEADER;
  /** The beginning of a header whose rest is in the next chunk. */
  readonly #header: Uint8Array = new Uint8Array(LONGEST_HEADER);
  #headerBytes = 0;
  #flags = 0;
  /** The length of the frame that is being read, or the rest of it while it is skipped. */
  #length = 0;
  /** The body that continues in the next chunk; shorter than `#length` while it grows. */
  #body: Uint8Array | undefined;
  #filled = 0;
  /** The message that is being read. */
  #frames: Uint8Array[] = [];
  #frameCount = 0;
  #messageBytes = 0;
  #isTooLarge = false;

  constructor(limits: ReadLimits) {
    this.limits = limits;
  }

  /** Memory of the message that is being read, in bytes. */
  get held(): number {
    return this.#held;
  }

  /** Counts what it holds in these totals too, until {@link close}. */
  countIn(totals: ReadTotals): void {
    this.#totals = totals;
  }

  /** Nothing more is read. */
  close(): void {
    this.#hold(-this.#held);
    this.#totals = undefined;
  }

  /** Whether bytes of the latest chunk are still unread. */
  get hasRest(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Adds a chunk. It must not change until {@link next} has returned `undefined`, or {@link keepRest} was called. */
  push(chunk: Uint8Array): void {
    this.#chunk = this.hasRest ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
    this.#copiedTo = 0;
  }

  /** Copies what is unread of the latest chunk, whose memory is used again. */
  keepRest(): void {
    // Not `slice`, which copies nothing on a Buffer.
    this.#chunk = this.hasRest ? new Uint8Array(this.#chunk.subarray(this.#at)) : EMPTY;
    this.#at = 0;
    this.#copiedTo = 0;
  }

  /**
   * Memory that the next bytes can be read into directly, followed by {@link filled}. `undefined` when too little of a
   * body is missing, or bytes of a chunk are still unread.
   */
  space(): Uint8Array | undefined {
    if (this.#phase !== BODY || this.#length - this.#filled < LEAST_DIRECT || this.hasRest) {
      return undefined;
    }
    const body = this.#roomFor(LEAST_DIRECT);
    return body.subarray(this.#filled);
  }

  /** So many bytes were read into {@link space}. */
  filled(count: number): void {
    this.#filled += count;
  }

  /** The next message or command; `undefined` until more bytes come. Throws `ProtocolError`. */
  next(): Arrival | undefined {
    const message = this.#shortMessage();
    if (message !== undefined) {
      return message;
    }
    for (;;) {
      if (this.#phase === HEADER && !this.#readHeader()) {
        this.#copy = EMPTY;
        this.#copiedTo = 0;
        return undefined;
      }
      if (this.#phase === SKIP) {
        if (!this.#skip()) {
          return undefined;
        }
      } else {
        const body = this.#readBody();
        if (body === undefined) {
          return undefined;
        }
        if ((this.#flags & COMMAND) !== 0) {
          this.#phase = HEADER;
          return new CommandFrame(body);
        }
        this.#frames.push(body);
      }
      this.#phase = HEADER;
      if ((this.#flags & MORE) === 0) {
        return this.#endMessage();
      }
    }
  }

  /** A message as nearly all are, if it is next and all there: an empty frame, and one whose length is in one byte. */
  #shortMessage(): Uint8Array[] | undefined {
    const chunk = this.#chunk;
    const at = this.#at;
    const length = chunk[at + 3];
    const isNext = this.#phase === HEADER && this.#headerBytes === 0 && this.#frameCount === 0;
    if (!isNext || length === undefined || chunk[at] !== MORE || chunk[at + 1] !== 0 || chunk[at + 2] !== 0) {
      return undefined;
    }
    const bodyAt = at + SHORT_MESSAGE_HEADERS;
    const { maxMessageBytes, maxFrames } = this.limits;
    if (bodyAt + length > chunk.length || length > maxMessageBytes || maxFrames < 2) {
      return undefined;
    }
    this.#at = bodyAt + length;
    return [EMPTY, this.#copyOf(bodyAt, length)];
  }

  /** Returns whether a header was complete; the phase says what follows. */
  #readHeader(): boolean {
    const chunk = this.#chunk;
    const at = this.#at;
    const available = chunk.length - at;
    if (this.#headerBytes === 0 && available >= 2) {
      const flags = chunk[at] ?? 0;
      if ((flags & LONG) === 0) {
        this.#at = at + 2;
        this.#begin(flags, chunk[at + 1] ?? 0);
        return true;
      }
      if (available >= LONGEST_HEADER) {
        this.#at = at + LONGEST_HEADER;
        this.#begin(flags, longLength(chunk, at + 1));
        return true;
      }
    }
    return this.#continueHeader();
  }

  #continueHeader(): boolean {
    const header = this.#header;
    while (this.hasRest) {
      header[this.#headerBytes] = this.#chunk[this.#at] ?? 0;
      this.#headerBytes += 1;
      this.#at += 1;
      const flags = header[0] ?? 0;
      const isLong = (flags & LONG) !== 0;
      if (this.#headerBytes === (isLong ? LONGEST_HEADER : 2)) {
        this.#headerBytes = 0;
        this.#begin(flags, isLong ? longLength(header, 1) : (header[1] ?? 0));
        return true;
      }
    }
    return false;
  }

  /** Checks a header against the limits, before any memory is used for its body. */
  #begin(flags: number, length: number): void {
    const { maxMessageBytes, maxFrames, maxCommandBytes } = this.limits;
    this.#flags = flags;
    this.#length = length;
    this.#filled = 0;
    this.#phase = BODY;
    if ((flags & COMMAND) !== 0) {
      if ((flags & MORE) !== 0 || length > maxCommandBytes) {
        throw new ProtocolError(`It sent a command that is malformed or above ${maxCommandBytes} bytes.`);
      }
      return;
    }
    this.#frameCount += 1;
    this.#messageBytes += length;
    if (this.#frameCount > maxFrames) {
      throw new ProtocolError(`It sent a message of more than ${maxFrames} frames.`);
    }
    if (this.#messageBytes > maxMessageBytes) {
      if (!this.skipsTooLarge || length > LONGEST_SKIPPED) {
        throw new ProtocolError(`It sent a message above ${maxMessageBytes} bytes.`);
      }
      this.#isTooLarge = true;
      this.#frames = [];
    }
    if (this.#isTooLarge) {
      this.#phase = SKIP;
    }
  }

  /** Returns the body when all of it is there. */
  #readBody(): Uint8Array | undefined {
    const available = this.#chunk.length - this.#at;
    const length = this.#length;
    if (this.#body === undefined && available >= length) {
      const body = this.#copyOf(this.#at, length);
      this.#at += length;
      return body;
    }
    while (this.hasRest && this.#filled < length) {
      const body = this.#roomFor(1);
      const count = Math.min(body.length - this.#filled, this.#chunk.length - this.#at);
      body.set(this.#chunk.subarray(this.#at, this.#at + count), this.#filled);
      this.#at += count;
      this.#filled += count;
    }
    const body = this.#body;
    if (body === undefined || this.#filled < length) {
      return undefined;
    }
    this.#body = undefined;
    return body;
  }

  /** Memory for the body with room for `least` more bytes, or for the rest of the body if that is less. */
  #roomFor(least: number): Uint8Array {
    const before = this.#body;
    if (before !== undefined && (before.length === this.#length || before.length - this.#filled >= least)) {
      return before;
    }
    const size = before === undefined ? FIRST_STEP : before.length * GROWTH;
    const bytes = this.#length <= size * 2 ? this.#length : size;
    this.#hold(bytes - (before?.length ?? 0));
    const body = unfilled(bytes);
    if (before !== undefined) {
      body.set(before.subarray(0, this.#filled));
    }
    this.#body = body;
    return body;
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    if (this.#totals !== undefined) {
      this.#totals.bytes += bytes;
    }
  }

  /** A copy, so that neither the chunk is kept in memory nor the receiver's bytes are overwritten. */
  #copyOf(at: number, length: number): Uint8Array {
    if (length === 0) {
      return EMPTY;
    }
    if (length > LARGEST_POOLED) {
      const copy = unfilled(length);
      copy.set(this.#chunk.subarray(at, at + length));
      return copy;
    }
    if (at + length > this.#copiedTo) {
      this.#copyFrom(at, length);
    }
    return new Uint8Array(this.#copy.buffer, this.#copyAt + at, length);
  }

  /** Copies the chunk from here on, as far as there is room, for this body and those behind it. */
  #copyFrom(at: number, least: number): void {
    if (poolAt + least > POOL_BYTES) {
      pool = new Uint8Array(POOL_BYTES);
      poolAt = 0;
    }
    this.#copiedTo = Math.min(this.#chunk.length, at + POOL_BYTES - poolAt);
    pool.set(this.#chunk.subarray(at, this.#copiedTo), poolAt);
    this.#copy = pool;
    this.#copyAt = poolAt - at;
    poolAt += this.#copiedTo - at;
  }

  #skip(): boolean {
    const count = Math.min(this.#length, this.#chunk.length - this.#at);
    this.#at += count;
    this.#length -= count;
    return this.#length === 0;
  }

  #endMessage(): Arrival {
    const frames = this.#frames;
    const isTooLarge = this.#isTooLarge;
    this.#frames = [];
    this.#frameCount = 0;
    this.#messageBytes = 0;
    this.#isTooLarge = false;
    if (this.#held > 0) {
      this.#hold(-this.#held);
    }
    return isTooLarge ? TOO_LARGE : frames;
  }
}

/** Eight bytes as a number. Throws `ProtocolError` above 2^53 − 1: no limit is that high. */
function longLength(bytes: Uint8Array, at: number): number {
  let high = 0;
  let low = 0;
  for (let index = at; index < at + 4; index += 1) {
    high = high * 256 + (bytes[index] ?? 0);
    low = low * 256 + (bytes[index + 4] ?? 0);
  }
  if (high > 2 ** 21 - 1) {
    throw new ProtocolError("It sent a frame of 2^53 bytes or more.");
  }
  return high * 2 ** 32 + low;
}

let pool: Uint8Array = new Uint8Array(POOL_BYTES);
let poolAt = 0;
