// Values as the JSON files of this folder have them, and back. The tags are in README.md.

/** JSON, with a tag for what JSON lacks. */
export type Tagged = null | boolean | number | string | readonly Tagged[] | { readonly [key: string]: Tagged };

const NANOS_PER_MILLI = 1_000_000;

/** What a tag stands for, in JavaScript. */
const READ: Readonly<Record<string, (content: Tagged) => unknown>> = {
  $int: (content) => BigInt(content as string),
  $float: (content) => Number(content),
  $bytes: (content) => new Uint8Array(Buffer.from(content as string, "hex")),
  $time: (content) => new Date(milliseconds(content as string)),
};

/** The JavaScript value. */
export function fromTagged(tagged: Tagged): unknown {
  if (Array.isArray(tagged)) {
    return tagged.map(fromTagged);
  }
  if (typeof tagged !== "object" || tagged === null) {
    return tagged;
  }
  const entries = Object.entries(tagged as { readonly [key: string]: Tagged });
  const [first] = entries;
  const read = entries.length === 1 && first !== undefined ? READ[first[0]] : undefined;
  // `fromEntries` makes own properties, `__proto__` among them.
  return read ? read(first![1]) : Object.fromEntries(entries.map(([key, value]) => [key, fromTagged(value)]));
}

function milliseconds(time: string): number {
  const [seconds, nanos] = time.split(".") as [string, string];
  return Number(seconds) * 1000 + Number(nanos) / NANOS_PER_MILLI;
}
