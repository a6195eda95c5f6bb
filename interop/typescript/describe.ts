// Describes what a worker received, in the same words in every language. README.md defines them.

/** Describes a value in one line. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) {
    return "nil";
  }
  if (Array.isArray(value)) {
    return `[${value.map(describe).join(", ")}]`;
  }
  if (value instanceof Uint8Array) {
    return `bytes ${hex(value)}`;
  }
  if (value instanceof Date) {
    return describeTime(value.getTime());
  }
  switch (typeof value) {
    case "boolean":
      return String(value);
    case "bigint":
      return `int ${value}`;
    case "number":
      return Number.isSafeInteger(value) ? `int ${value}` : `float ${bits(value)}`;
    case "string":
      return `str ${hex(Buffer.from(value))}`;
    default:
      return describeMap(value as Record<string, unknown>);
  }
}

function describeMap(map: Record<string, unknown>): string {
  // The order of hexadecimal digits is that of the bytes.
  const entries = Object.entries(map).map(([key, value]) => [hex(Buffer.from(key)), describe(value)] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${key}: ${value}`).join(", ")}}`;
}

function describeTime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = (milliseconds - seconds * 1000) * 1_000_000;
  return `time ${seconds}.${String(nanos).padStart(9, "0")}`;
}

function bits(float: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(float);
  return hex(bytes);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
