// Every row of the value table: what is sent, and what comes back from an echo.

/** One row. */
export interface ValueRow {
  readonly name: string;
  readonly sent: unknown;
  /** What comes back; left out where it is the same. */
  readonly back?: unknown;
}

class Point {
  x = 1;
  y = 2;
  get sum(): number {
    return this.x + this.y;
  }
}

const date = new Date("2026-11-22T01:02:03.456Z");
const error = Object.assign(new RangeError("too far"), { stack: "the stack" });

export const VALUE_ROWS: readonly ValueRow[] = [
  { name: "[VAL-1] integers", sent: [0, 1, -1, 127, 128, 255, 256, 65_535, 65_536, -32, -33, -128, -129, -32_769] },
  { name: "[VAL-1] integers beyond 32 bits", sent: [2 ** 31, 2 ** 32, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1] },
  { name: "[VAL-2] other finite numbers", sent: [0.5, -1.25, 1e300, 5e-324, 2 ** 60] },
  {
    name: "[VAL-3] what is not finite",
    sent: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    back: [null, null, null],
  },
  { name: "[VAL-4] bigints within 64 bits", sent: [2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n] },
  { name: "[VAL-4] bigints that fit a number", sent: [5n, -5n, 2n ** 53n - 1n], back: [5, -5, 2 ** 53 - 1] },
  { name: "[VAL-6] text", sent: ["", "plain", "ünïcödé", "日本語", "👩‍🚀", "\u0000", "x".repeat(70_000)] },
  { name: "[VAL-7] binary", sent: new Uint8Array([0, 1, 254, 255]) },
  { name: "[VAL-7] a Buffer", sent: Buffer.from([1, 2, 3]), back: new Uint8Array([1, 2, 3]) },
  { name: "[VAL-7] an ArrayBuffer", sent: new Uint8Array([7, 8]).buffer, back: new Uint8Array([7, 8]) },
  {
    name: "[VAL-7] other typed arrays, by their bytes",
    sent: new Uint16Array([1, 2]),
    back: new Uint8Array(new Uint16Array([1, 2]).buffer),
  },
  { name: "[VAL-8] a Date", sent: [date, new Date(0)] },
  { name: "[VAL-9] null", sent: [null] },
  { name: "[VAL-10] undefined in an object", sent: { a: 1, b: undefined }, back: { a: 1 } },
  { name: "[VAL-10] undefined in an array", sent: [1, undefined, 2], back: [1, null, 2] },
  { name: "[VAL-11] arrays", sent: [[], [[1], [2, [3]]]] },
  { name: "[VAL-11] a Set", sent: new Set([1, "two"]), back: [1, "two"] },
  { name: "[VAL-12] objects", sent: { a: { b: [true, false] }, "": 1 } },
  {
    name: "[VAL-12] a Map",
    sent: new Map<unknown, unknown>([
      [1, "one"],
      ["k", 2],
    ]),
    back: { 1: "one", k: 2 },
  },
  { name: "[VAL-12] a class instance, by its own fields", sent: new Point(), back: { x: 1, y: 2 } },
  { name: "[VAL-13] __proto__ as a key", sent: JSON.parse('{"__proto__": {"admin": true}, "b": 1}') },
  { name: "[VAL-14] an Error", sent: error, back: { name: "RangeError", message: "too far", stack: "the stack" } },
];
