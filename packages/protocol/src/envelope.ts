// The message's own map to bytes (step 5 and 11). Its keys are always the same few and its texts are short, so that
// writing it by hand takes a third of the time that the library needs; what is in the fields goes to the library.

/** Writes one message's map, leaving out fields that are `undefined`. */
export type WriteEnvelope = (fields: Readonly<Record<string, unknown>>) => Uint8Array;

/** Messages share buffers of this size, in bytes, as Node's own small Buffers do: one allocation for about a hundred. */
const POOL_BYTES = 16 * 1024;

/** Longest text that is written by hand, in characters; below it a length takes one byte. */
const LONGEST_SHORT_TEXT = 255;

/** Head bytes of MessagePack: a map of up to 15 fields, a float. */
const FIXMAP = 0x80;
const FLOAT64 = 0xcb;

/**
 * Makes a writer. `encodeValue` gives a value's bytes, which are used before it is called again; what it throws is passed
 * on, and the writer goes on.
 */
export function createEnvelopeWriter(encodeValue: (value: unknown) => Uint8Array): WriteEnvelope {
  const shared = createOutput();
  let inUse = false;
  return (fields) => {
    if (inUse) {
      // A getter of the user's, called by `encodeValue`, has encoded a message of its own.
      return writeFields(createOutput(), fields, encodeValue);
    }
    inUse = true;
    try {
      return writeFields(shared, fields, encodeValue);
    } finally {
      inUse = false;
    }
  };
}

function writeFields(
  out: Output,
  fields: Readonly<Record<string, unknown>>,
  encodeValue: (value: unknown) => Uint8Array,
): Uint8Array {
  out.begin();
  out.byte(FIXMAP + countDefined(fields));
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) {
      out.shortText(key);
      writeValue(out, value, encodeValue);
    }
  }
  return out.end();
}

function writeValue(out: Output, value: unknown, encodeValue: (value: unknown) => Uint8Array): void {
  if (typeof value === "number" && !Number.isInteger(value)) {
    out.float(value);
  } else if (typeof value !== "string" || !out.shortText(value)) {
    out.bytes(encodeValue(value));
  }
}

function countDefined(fields: Readonly<Record<string, unknown>>): number {
  let count = 0;
  for (const key in fields) {
    count += fields[key] === undefined ? 0 : 1;
  }
  return count;
}

/** Bytes being written, one message after the other into the same buffer until that is full. */
interface Output {
  begin(): void;
  byte(value: number): void;
  float(value: number): void;
  bytes(value: Uint8Array): void;
  /** Writes short ASCII text; false, and nothing written, for any other. */
  shortText(text: string): boolean;
  /** What was written since `begin`. Nothing is written there again. */
  end(): Uint8Array;
}

function createOutput(): Output {
  let buffer = new Uint8Array(POOL_BYTES);
  let view = new DataView(buffer.buffer);
  let start = 0;
  let at = 0;

  /** Makes room; a message that does not fit moves to a new buffer with what is written of it. */
  const room = (bytes: number): void => {
    if (at + bytes <= buffer.length) {
      return;
    }
    const written = buffer.subarray(start, at);
    buffer = new Uint8Array(Math.max(POOL_BYTES, written.length + bytes + LONGEST_SHORT_TEXT));
    view = new DataView(buffer.buffer);
    buffer.set(written);
    start = 0;
    at = written.length;
  };

  return {
    begin() {
      at = start;
    },
    byte(value) {
      room(1);
      buffer[at++] = value;
    },
    float(value) {
      room(9);
      buffer[at++] = FLOAT64;
      view.setFloat64(at, value);
      at += 8;
    },
    bytes(value) {
      room(value.length);
      buffer.set(value, at);
      at += value.length;
    },
    shortText(text) {
      const { length } = text;
      if (length > LONGEST_SHORT_TEXT) {
        return false;
      }
      room(length + 2);
      const head = length < 32 ? 1 : 2;
      for (let index = 0; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) {
          return false;
        }
        buffer[at + head + index] = code;
      }
      if (head === 1) {
        buffer[at] = 0xa0 + length;
      } else {
        buffer[at] = 0xd9;
        buffer[at + 1] = length;
      }
      at += head + length;
      return true;
    },
    end() {
      const message = buffer.subarray(start, at);
      start = at;
      if (buffer.length > POOL_BYTES) {
        // A large message keeps its buffer for itself.
        buffer = new Uint8Array(POOL_BYTES);
        view = new DataView(buffer.buffer);
        start = 0;
      }
      return message;
    },
  };
}
