// The values in the JSON files of this folder. README.md defines the tags.

/** Reads the content of a tag. */
export type Tags = Readonly<Record<string, (content: never) => unknown>>;

/** The tags of the matrix's values; the vectors have more of them. */
export const TAGS: Tags = {
  $int: (digits: string) => BigInt(digits),
  $float: (digits: string) => Number(digits),
  $bytes: (hex: string) => new Uint8Array(Buffer.from(hex, "hex")),
  $time: (time: string) => new Date(milliseconds(time)),
};

/** The JavaScript value of tagged JSON. */
export function fromTagged(tagged: unknown, tags: Tags = TAGS): unknown {
  if (Array.isArray(tagged)) {
    return tagged.map((item) => fromTagged(item, tags));
  }
  if (typeof tagged !== "object" || tagged === null) {
    return tagged;
  }
  const entries = Object.entries(tagged);
  const [key, content] = entries[0] ?? [];
  if (key !== undefined && entries.length === 1 && Object.hasOwn(tags, key)) {
    return (tags[key] as (content: unknown) => unknown)(content);
  }
  // `fromEntries` makes own properties, `__proto__` among them.
  return Object.fromEntries(entries.map(([name, value]) => [name, fromTagged(value, tags)]));
}

/** Truncated to the milliseconds of a `Date`. */
export function milliseconds(time: string): number {
  const [seconds, nanoseconds] = time.split(".");
  return Number(seconds) * 1000 + Math.floor(Number(nanoseconds) / 1e6);
}
