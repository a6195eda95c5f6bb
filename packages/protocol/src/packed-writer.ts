import { joinParts, LARGEST_COPIED, type MessageParts, partTransferred } from "./internal/message-parts.js";
import { utf8Encoder } from "./utf8.js";
import { UUID_LENGTH } from "./value-reader.js";

/** Messages share buffers of this size, in bytes: one allocation for about a hundred messages. */
const POOL_BYTES = 16 * 1024;

/** Text up to this length, in characters, is written character by character: `TextEncoder` has a fixed cost. */
const SHORT_TEXT = 40;

/** Above these sizes, in bytes and characters, a value is not copied into the pool, but once, into the whole message. */
const LARGE_BINARY = 2 * 1024;
const LARGE_TEXT = 4 * 1024;

/** The first head bytes of a kind: with the length in the head, and followed by 1, 2 or 4 bytes of length. */
export interface Heads {
  readonly short: number;
  /** Lengths below this one are in the head. */
  readonly shortLengths: number;
  readonly length8: number | undefined;
  readonly length16: number;
}

const TEXT: Heads = { short: 0xa0, shortLengths: 32, length8: 0xd9, length16: 0xda };
const BINARY: Heads = { short: 0, shortLengths: 0, length8: 0xc4, length16: 0xc5 };
export const ARRAY: Heads = { short: 0x90, shortLengths: 16, length8: undefined, length16: 0xdc };
export const MAP: Heads = { short: 0x80, shortLengths: 16, length8: undefined, length16: 0xde };

/** A large value that is not in the buffer. */
interface Large {
  /** Where it belongs, from the beginning of the message in the buffer. */
  at: number;
  readonly bytes: Uint8Array;
  /** Its size when its head was written, in bytes. A getter may detach its memory. */
  readonly length: number;
}

/** Writes MessagePack, one message after the other. Source: https://github.com/msgpack/msgpack/blob/master/spec.md */
export class PackedWriter {
  /** Whether a message is being written. Set by its user. */
  busy = false;
  #buffer = new Uint8Array(POOL_BYTES);
  #view = new DataView(this.#buffer.buffer);
  /** Where the current message starts, and where the next byte goes. */
  #start = 0;
  #at = 0;
  #large: Large[] = [];
  #largeBytes = 0;

  /**
   * Ends the message and returns it, in parts where a value above 64 KiB is one of them. What it copied is not written to
   * again.
   *
   * @param head Replaces the first byte.
   */
  close(head: number): Uint8Array | MessageParts {
    this.#buffer[this.#start] = head;
    const message =
      this.#large.length > 0
        ? this.#withLarge()
        : new Uint8Array(this.#buffer.buffer, this.#start, this.#at - this.#start);
    this.#start = this.#at;
    if (this.#buffer.length > POOL_BYTES) {
      // A large message keeps its buffer for itself.
      this.#newBuffer(POOL_BYTES);
    }
    return message;
  }

  /** Forgets a message that could not be written. */
  abandon(): void {
    this.#at = this.#start;
    this.#large = [];
    this.#largeBytes = 0;
    if (this.#buffer.length > POOL_BYTES) {
      this.#newBuffer(POOL_BYTES);
    }
  }

  /** Writes a byte. */
  byte(byte: number): void {
    if (this.#at + 1 > this.#buffer.length) {
      this.#grow(1);
    }
    this.#buffer[this.#at++] = byte;
  }

  /** Writes bytes that are MessagePack already. */
  packed(bytes: Uint8Array): void {
    const { length } = bytes;
    if (this.#at + length > this.#buffer.length) {
      this.#grow(length);
    }
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      buffer[at++] = bytes[index]!;
    }
    this.#at = at;
  }

  /**
   * Writes bytes that are MessagePack already but for the id in them, and the float of 64 bits at their end. Writes nothing
   * and returns `false` where the id is not {@link UUID_LENGTH} ASCII characters, or the float a whole number.
   */
  prepared(bytes: Uint8Array, idAt: number, id: string, float: number): boolean {
    const { length } = bytes;
    if (id.length !== UUID_LENGTH || Number.isInteger(float)) {
      return false;
    }
    if (this.#at + length > this.#buffer.length) {
      this.#grow(length);
    }
    const buffer = this.#buffer;
    buffer.set(bytes, this.#at);
    let seen = 0;
    for (let index = 0, at = this.#at + idAt; index < UUID_LENGTH; index++) {
      const code = id.charCodeAt(index);
      seen |= code;
      buffer[at++] = code;
    }
    if (seen > 0x7f) {
      return false;
    }
    this.#at += length;
    this.#view.setFloat64(this.#at - 8, float);
    return true;
  }

  /** Writes a float of 64 bits. */
  float(value: number): void {
    if (this.#at + 9 > this.#buffer.length) {
      this.#grow(9);
    }
    this.#buffer[this.#at] = 0xcb;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
  }

  /** Writes an integer in its shortest form. */
  integer(value: number): void {
    if (this.#at + 9 > this.#buffer.length) {
      this.#grow(9);
    }
    const buffer = this.#buffer;
    const at = this.#at;
    if (value >= 0) {
      if (value < 0x80) {
        buffer[at] = value;
        this.#at = at + 1;
      } else if (value < 0x100) {
        buffer[at] = 0xcc;
        buffer[at + 1] = value;
        this.#at = at + 2;
      } else if (value < 0x1_0000) {
        buffer[at] = 0xcd;
        this.#view.setUint16(at + 1, value);
        this.#at = at + 3;
      } else if (value < 0x1_0000_0000) {
        buffer[at] = 0xce;
        this.#view.setUint32(at + 1, value);
        this.#at = at + 5;
      } else {
        this.#wideInteger(0xcf, value);
      }
    } else if (value >= -0x20) {
      buffer[at] = value;
      this.#at = at + 1;
    } else if (value >= -0x80) {
      buffer[at] = 0xd0;
      buffer[at + 1] = value;
      this.#at = at + 2;
    } else if (value >= -0x8000) {
      buffer[at] = 0xd1;
      this.#view.setInt16(at + 1, value);
      this.#at = at + 3;
    } else if (value >= -0x8000_0000) {
      buffer[at] = 0xd2;
      this.#view.setInt32(at + 1, value);
      this.#at = at + 5;
    } else {
      this.#wideInteger(0xd3, value);
    }
  }

  #wideInteger(head: number, value: number): void {
    const at = this.#at;
    this.#buffer[at] = head;
    this.#view.setInt32(at + 1, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(at + 5, value);
    this.#at = at + 9;
  }

  /** Writes an integer of 64 bits. */
  integer64(value: bigint): void {
    if (this.#at + 9 > this.#buffer.length) {
      this.#grow(9);
    }
    this.#buffer[this.#at] = value < 0n ? 0xd3 : 0xcf;
    this.#view.setBigInt64(this.#at + 1, value);
    this.#at += 9;
  }

  /**
   * Writes text. A lone surrogate has no UTF-8 form and becomes U+FFFD: peers that decode strictly would drop the message.
   *
   * @returns Whether it is known to be ASCII.
   */
  text(text: string): boolean {
    const { length } = text;
    if (length > SHORT_TEXT) {
      this.#anyText(text);
      return false;
    }
    if (this.#at + length + 2 > this.#buffer.length) {
      this.#grow(length + 2);
    }
    const buffer = this.#buffer;
    let at = this.#at + (length < 32 ? 1 : 2);
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#anyText(text);
        return false;
      }
      buffer[at++] = code;
    }
    if (length < 32) {
      buffer[this.#at] = 0xa0 + length;
    } else {
      buffer[this.#at] = 0xd9;
      buffer[this.#at + 1] = length;
    }
    this.#at = at;
    return true;
  }

  /** Writes binary data. `close` copies what is above 2 KiB, and leaves what is above 64 KiB where it is. */
  binary(bytes: Uint8Array): void {
    this.head(BINARY, bytes.byteLength);
    this.#body(bytes);
  }

  /** Where the message is, for `shortenMap`. */
  get position(): number {
    return this.#at - this.#start;
  }

  /** How many large values the message has, for the same. */
  get largeValues(): number {
    return this.#large.length;
  }

  /**
   * Changes the number of keys of the map that begins here. A shorter head moves what follows it.
   *
   * @param announced The number it was begun with.
   */
  shortenMap(headAt: number, largeBefore: number, announced: number, length: number): void {
    const from = this.#start + headAt;
    const end = this.#at;
    const bodyAt = from + headBytes(MAP, announced);
    this.#at = from;
    this.head(MAP, length);
    const moved = bodyAt - this.#at;
    if (moved > 0) {
      this.#buffer.copyWithin(this.#at, bodyAt, end);
      for (let index = largeBefore; index < this.#large.length; index++) {
        this.#large[index]!.at -= moved;
      }
    }
    this.#at = end - moved;
  }

  #anyText(text: string): void {
    const { length } = text;
    if (length > LARGE_TEXT) {
      const bytes = utf8Encoder.encode(text);
      this.head(TEXT, bytes.length);
      this.#body(bytes);
      return;
    }
    // Most text is ASCII, so the head has room for that many bytes.
    if (this.#at + length * 3 + 5 > this.#buffer.length) {
      this.#grow(length * 3 + 5);
    }
    const headAt = this.#at;
    this.head(TEXT, length);
    const { written } = utf8Encoder.encodeInto(text, this.#buffer.subarray(this.#at));
    if (written === length) {
      this.#at += written;
      return;
    }
    const bodyAt = this.#at;
    this.#at = headAt;
    this.head(TEXT, written);
    if (this.#at !== bodyAt) {
      utf8Encoder.encodeInto(text, this.#buffer.subarray(this.#at));
    }
    this.#at += written;
  }

  /** Writes the head of text, binary data, an array or a map. */
  head({ short, shortLengths, length8, length16 }: Heads, length: number): void {
    if (this.#at + 5 > this.#buffer.length) {
      this.#grow(5);
    }
    const buffer = this.#buffer;
    const at = this.#at;
    if (length < shortLengths) {
      buffer[at] = short + length;
      this.#at = at + 1;
    } else if (length8 !== undefined && length < 0x100) {
      buffer[at] = length8;
      buffer[at + 1] = length;
      this.#at = at + 2;
    } else if (length < 0x1_0000) {
      buffer[at] = length16;
      this.#view.setUint16(at + 1, length);
      this.#at = at + 3;
    } else {
      buffer[at] = length16 + 1;
      this.#view.setUint32(at + 1, length);
      this.#at = at + 5;
    }
  }

  /** Writes the bytes of text or binary data, or remembers where they belong. */
  #body(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > LARGE_BINARY) {
      this.#large.push({ at: this.#at - this.#start, bytes, length });
      this.#largeBytes += length;
    } else {
      if (this.#at + length > this.#buffer.length) {
        this.#grow(length);
      }
      this.#buffer.set(bytes, this.#at);
      this.#at += length;
    }
  }

  /** The message with its large values: the largest are parts, and what is between two of them is copied together. */
  #withLarge(): Uint8Array | MessageParts {
    const byteLength = this.#at - this.#start + this.#largeBytes;
    const parts: Uint8Array[] = [];
    let between: Uint8Array[] = [];
    let from = this.#start;
    for (const { at, bytes, length } of this.#large) {
      if (bytes.length !== length) {
        throw partTransferred();
      }
      const to = this.#start + at;
      between.push(this.#buffer.subarray(from, to));
      from = to;
      if (length > LARGEST_COPIED) {
        parts.push(joined(between), bytes);
        between = [];
      } else {
        between.push(bytes);
      }
    }
    const last = joined([...between, this.#buffer.subarray(from, this.#at)]);
    this.#large = [];
    this.#largeBytes = 0;
    if (parts.length > 0) {
      return { parts: [...parts, last], byteLength };
    }
    this.#at = this.#start;
    return last;
  }

  /** Makes room: the message moves to a new buffer with what is written of it. */
  #grow(bytes: number): void {
    const written = this.#buffer.subarray(this.#start, this.#at);
    this.#newBuffer(written.length + bytes <= POOL_BYTES ? POOL_BYTES : (written.length + bytes) * 2);
    this.#buffer.set(written);
    this.#at = written.length;
  }

  #newBuffer(bytes: number): void {
    this.#buffer = new Uint8Array(bytes);
    this.#view = new DataView(this.#buffer.buffer);
    this.#start = 0;
    this.#at = 0;
  }
}

/** Nothing is copied where there is one part. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) {
    return first;
  }
  const byteLength = parts.reduce((bytes, part) => bytes + part.length, 0);
  return joinParts({ parts, byteLength });
}

function headBytes({ shortLengths, length8 }: Heads, length: number): number {
  if (length < shortLengths) {
    return 1;
  }
  return length8 !== undefined && length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}
