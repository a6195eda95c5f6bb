// Puts right what the library's decoder cannot give back by itself: safe integers from 64 bits, `__proto__` keys, text
// that begins with U+FEFF or is not UTF-8. Only for messages in which the scan has found one of them (decode.ts).

/** What to put right, beside integers. */
export interface Restoring {
  /** Stands for the key `__proto__`. */
  readonly protoStandIn: string;
  /** Set where strings were read as bytes: all bytes but those that start here are text. */
  readonly binaries: ReadonlySet<number> | undefined;
  /** Where the message starts in its buffer. */
  readonly offset: number;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads a key by itself, as the library's own reader would take a mark at its beginning away. */
export function readText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** Changes the freshly decoded value in place, and returns what stands for it. */
export function restore(value: unknown, restoring: Restoring): unknown {
  if (typeof value === "bigint") {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      value[index] = restore(value[index], restoring);
    }
  } else if (value instanceof Uint8Array) {
    return restoreText(value, restoring);
  } else if (isPlainMap(value)) {
    restoreMap(value, restoring);
  }
  return value;
}

function restoreText(bytes: Uint8Array, { binaries, offset }: Restoring): Uint8Array | string {
  return binaries === undefined || binaries.has(bytes.byteOffset - offset) ? bytes : readText(bytes);
}

function restoreMap(map: Record<string, unknown>, restoring: Restoring): void {
  for (const key of Object.keys(map)) {
    const value = restore(map[key], restoring);
    if (key === restoring.protoStandIn) {
      delete map[key];
      Object.defineProperty(map, "__proto__", { value, writable: true, enumerable: true, configurable: true });
    } else {
      map[key] = value;
    }
  }
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
