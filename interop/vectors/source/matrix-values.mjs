// The rows of ../values.json: what every parent sends through every worker, and what the worker is to see.

import { utf8 } from "./bytes.mjs";
import { float } from "./messages.mjs";

/** What `describe` gives for a value in tagged JSON. Keys are in the order of their bytes. */
export function described(value) {
  if (value === null || typeof value === "boolean") {
    return value === null ? "nil" : `${value}`;
  }
  if (typeof value === "number") {
    return `int ${value}`;
  }
  if (typeof value === "string") {
    return `str ${utf8(value)}`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(described).join(", ")}]`;
  }
  const { $int, $float, $bytes, $time } = value;
  if ($int !== undefined) {
    return `int ${$int}`;
  }
  if ($float !== undefined) {
    return describedFloat(Number($float));
  }
  if ($bytes !== undefined) {
    return `bytes ${$bytes}`;
  }
  return $time === undefined ? describedMap(value) : `time ${$time}`;
}

/** What is not finite is sent as nil. */
function describedFloat(number) {
  if (!Number.isFinite(number)) {
    return "nil";
  }
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return `float ${bytes.toString("hex")}`;
}

function describedMap(map) {
  const fields = Object.entries(map).map(([key, value]) => [utf8(key), described(value)]);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, value]) => `${key}: ${value}`).join(", ")}}`;
}

const row = (name, value) => ({ name, value, described: described(value) });
const counting = (length) => ({
  $bytes: Buffer.from(Array.from({ length }, (_, index) => (31 * index + 7) % 256)).toString("hex"),
});
const time = (seconds, nanoseconds = "000000000") => ({ $time: `${seconds}.${nanoseconds}` });

function nested(levels) {
  let value = "bottom";
  for (let level = 0; level < levels; level++) {
    value = level % 2 === 0 ? [value] : { in: value };
  }
  return value;
}

const edges = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
const below = [-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, Number.MIN_SAFE_INTEGER];

const texts = {
  empty: "",
  ascii: "hello",
  umlauts: "Größe, naïve, Ærø",
  japanese: "日本語",
  "emoji of several": "👩‍🚀👨‍👩‍👧‍👦🇩🇪",
  "with a nul": "a\0b",
  "of line ends": "a\r\nb\tc\n",
  "with U+FEFF first": "\ufeffa",
  "of 300 characters": "é".repeat(300),
  "of 70000 characters": "0123456789".repeat(7000),
};

const times = {
  1970: time(0),
  milliseconds: time(1_700_000_000, "123000000"),
  "before 1970": time(-1, "500000000"),
  "of the year 1066": time(-28_502_755_200),
  "beyond 32 bits": time(2 ** 32, "001000000"),
  "beyond 34 bits": time(2 ** 34, "999000000"),
  "at the end of 9999": time(253_402_300_799, "999000000"),
};

const rows = (kind, values) => Object.entries(values).map(([name, value]) => row(`${kind} ${name}`, value));

export const matrixValues = [
  row("nil", null),
  row("true", true),
  row("false", false),
  ...[...edges, ...below].map((number) => row(`integer ${number}`, number)),
  ...[0.5, -1.25, 0.1, 5e-324, 2 ** 53, -(2 ** 63), 2 ** 64, 1e300, Number.MAX_VALUE].map((number) =>
    row(`float ${number}`, float(number)),
  ),
  ...[Number.NaN, Infinity, -Infinity].map((number) => ({ ...row(`float ${number}`, float(number)), back: null })),
  { ...row("array with not a number", [float(Number.NaN), 1]), back: [null, 1] },
  ...rows("text", texts),
  ...[0, 1, 127, 128, 129, 300].map((length) => row(`binary of ${length} bytes`, counting(length))),
  ...rows("time", times),
  row("array empty", []),
  row("array in arrays", [[], [[1, [null]]], [true]]),
  row(
    "array of 16",
    Array.from({ length: 16 }, (_, index) => index),
  ),
  row(
    "array of 1000",
    Array.from({ length: 1000 }, (_, index) => index * 100),
  ),
  row("map empty", {}),
  row("map in maps", { a: { b: { c: {} } }, d: { e: null } }),
  row("map with an empty key", { "": 1 }),
  row("map with unicode keys", { ключ: "значение", 鍵: "値", "🔑": "🚪" }),
  row("map with the key __proto__", JSON.parse('{ "__proto__": { "admin": true }, "a": 1 }')),
  row("map with the keys of objects", { constructor: "c", hasOwnProperty: 1, toString: null }),
  row("map of 20", Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key ${index}`, index]))),
  row("50 levels", nested(50)),
  row("mixed", [
    { name: "Ada", born: time(-4_861_728_000), tags: ["a", "b"], score: float(9.5) },
    [null, true, -5, { $int: `${2n ** 64n - 1n}` }, counting(3), { list: [] }],
  ]),
];
