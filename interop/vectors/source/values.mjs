// Values in the form that a writer gives them.

import {
  array16,
  bin8,
  bin16,
  ext8,
  fixarray,
  fixext,
  fixint,
  fixmap,
  float64,
  int8,
  int16,
  int32,
  int64,
  map16,
  nil,
  no,
  str,
  str8,
  str16,
  timestamp32,
  timestamp64,
  timestamp96,
  uint8,
  uint16,
  uint32,
  uint64,
  yes,
} from "./bytes.mjs";
import { float, writtenResult } from "./messages.mjs";

const safe = Number.MAX_SAFE_INTEGER;
const big = (number) => ({ $int: `${number}` });
const time = (seconds, nanoseconds = 0) => ({ $time: `${seconds}.${`${nanoseconds}`.padStart(9, "0")}` });

const integers = [
  [0, fixint],
  [127, fixint],
  [128, uint8],
  [255, uint8],
  [256, uint16],
  [65_535, uint16],
  [65_536, uint32],
  [2 ** 32 - 1, uint32],
  [2 ** 32, uint64],
  [safe, uint64],
  [-1, fixint],
  [-32, fixint],
  [-33, int8],
  [-128, int8],
  [-129, int16],
  [-32_768, int16],
  [-32_769, int32],
  [-(2 ** 31), int32],
  [-(2 ** 31) - 1, int64],
  [-safe, int64],
].map(([number, form]) => writtenResult(`value/integer ${number}`, ["VAL-1"], form(number), number));

const bigIntegers = [
  [2n ** 53n, uint64],
  [2n ** 53n + 1n, uint64],
  [2n ** 63n - 1n, uint64],
  [2n ** 63n, uint64],
  [2n ** 64n - 1n, uint64],
  [-(2n ** 53n), int64],
  [-(2n ** 53n) - 1n, int64],
  [-(2n ** 63n), int64],
].map(([number, form]) => writtenResult(`value/integer ${number}`, ["VAL-4"], form(number), big(number)));

const floats = [0.5, -1.25, 0.1, Math.PI, 5e-324, 1e300, Number.MAX_VALUE].map((number) =>
  writtenResult(`value/float ${number}`, ["VAL-2"], float64(number), float(number)),
);
const except = { ts: "has no own kind for whole floats, and writes the integer" };
const wholeFloats = [1, -3, 2 ** 40].map((number) =>
  writtenResult(`value/whole float ${number}`, ["VAL-2"], float64(number), float(number), { except }),
);

const text = (name, value, form = str) => writtenResult(`value/text ${name}`, ["VAL-6"], form(value), value);
const texts = [
  text("empty", ""),
  text("ascii", "hello"),
  text("umlauts", "Größe"),
  text("japanese", "日本語"),
  text("emoji of several", "👩‍🚀"),
  text("with a nul", "a\0b"),
  text("with an accent of its own", "e\u0301"),
  text("that begins with U+FEFF", "\ufeffa"),
  text("of the last code point", "\u{10ffff}"),
  text("of line ends", "a\r\nb\n\u2028"),
  text("of 31 bytes", "x".repeat(31)),
  text("of 32 bytes", "x".repeat(32), str8),
  text("of 255 bytes", "x".repeat(255), str8),
  text("of 256 bytes", "x".repeat(256), str16),
  text("of 12000 bytes", "日本語é\0".repeat(1000), str16),
];

const counting = (length) => Buffer.from(Array.from({ length }, (_, index) => (31 * index + 7) % 256)).toString("hex");
const binaries = [0, 1, 127, 128, 129, 255, 256, 20_000].map((length) => {
  const hex = counting(length);
  return writtenResult(`value/binary of ${length} bytes`, ["VAL-7"], (length < 256 ? bin8 : bin16)(hex), {
    $bytes: hex,
  });
});

const cut = { ts: "a Date has milliseconds" };
const cutMore = { ...cut, python: "a datetime has microseconds" };
const timestamps = [
  ["1970", timestamp32(0), time(0)],
  ["whole second", timestamp32(1_700_000_000), time(1_700_000_000)],
  ["last of 32 bits", timestamp32(2 ** 32 - 1), time(2 ** 32 - 1)],
  ["milliseconds", timestamp64(1_700_000_000, 123_000_000), time(1_700_000_000, 123_000_000)],
  ["microseconds", timestamp64(1_700_000_000, 123_456_000), time(1_700_000_000, 123_456_000), cut],
  ["nanoseconds", timestamp64(1_700_000_000, 123_456_789), time(1_700_000_000, 123_456_789), cutMore],
  ["beyond 32 bits", timestamp64(2 ** 32, 0), time(2 ** 32)],
  ["last of 34 bits", timestamp64(2 ** 34 - 1, 999_000_000), time(2 ** 34 - 1, 999_000_000)],
  ["beyond 34 bits", timestamp96(2 ** 34, 1_000_000), time(2 ** 34, 1_000_000)],
  ["before 1970", timestamp96(-1, 0), time(-1)],
  ["milliseconds before 1970", timestamp96(-2, 500_000_000), time(-2, 500_000_000)],
  ["year 1", timestamp96(-62_135_596_800, 0), time(-62_135_596_800)],
  ["end of year 9999", timestamp96(253_402_300_799, 999_000_000), time(253_402_300_799, 999_000_000)],
].map(([name, hex, value, reasons]) =>
  writtenResult(`value/time ${name}`, ["VAL-8"], hex, value, reasons && { except: reasons }),
);

const keys = Array.from({ length: 16 }, (_, index) => `key${String.fromCharCode(97 + index)}`);
const ones = (length) => Array.from({ length }, () => fixint(1));
const containers = [
  writtenResult("value/array empty", ["VAL-11"], fixarray(), []),
  writtenResult("value/array mixed", ["VAL-9", "VAL-11"], fixarray(fixint(1), str("a"), nil, yes), [
    1,
    "a",
    null,
    true,
  ]),
  writtenResult("value/array in arrays", ["VAL-11"], fixarray(fixarray(), fixarray(fixarray(fixint(1)))), [[], [[1]]]),
  writtenResult("value/array of 15", ["VAL-11"], fixarray(...ones(15)), Array(15).fill(1)),
  writtenResult("value/array of 16", ["VAL-11"], array16(...ones(16)), Array(16).fill(1)),
  writtenResult("value/array of 300", ["VAL-11"], array16(...ones(300)), Array(300).fill(1)),
  writtenResult("value/map empty", ["VAL-12"], fixmap(), {}),
  writtenResult("value/map", ["VAL-12"], fixmap(str("a"), fixint(1), str("b"), fixmap(str("c"), nil)), {
    a: 1,
    b: { c: null },
  }),
  writtenResult(
    "value/map with unicode keys",
    ["VAL-6", "VAL-12"],
    fixmap(str(""), fixint(0), str("ключ"), fixint(1), str("鍵"), fixint(2), str("🔑"), fixint(3)),
    {
      "": 0,
      ключ: 1,
      鍵: 2,
      "🔑": 3,
    },
  ),
  writtenResult(
    "value/map of 16",
    ["VAL-12"],
    map16(...keys.flatMap((key) => [str(key), fixint(1)])),
    Object.fromEntries(keys.map((key) => [key, 1])),
  ),
  writtenResult(
    "value/map with the key __proto__",
    ["VAL-13"],
    fixmap(str("__proto__"), fixmap(str("admin"), yes)),
    JSON.parse('{ "__proto__": { "admin": true } }'),
  ),
  writtenResult(
    "value/map with the keys of objects",
    ["VAL-12"],
    fixmap(str("constructor"), fixint(1), str("toString"), nil),
    { constructor: 1, toString: null },
  ),
  writtenResult(
    "value/error as a map",
    ["VAL-14"],
    fixmap(str("message"), str("no"), str("name"), str("Error"), str("stack"), str("Error: no\n    at f")),
    {
      message: "no",
      name: "Error",
      stack: "Error: no\n    at f",
    },
  ),
  writtenResult(
    "value/numpy as binary beside its shape",
    ["VAL-7", "VAL-12"],
    fixmap(str("data"), bin8(counting(16)), str("shape"), fixarray(fixint(2), fixint(2))),
    {
      data: { $bytes: counting(16) },
      shape: [2, 2],
    },
  ),
  writtenResult(
    "value/text beside binary of the same bytes",
    ["VAL-6", "VAL-7"],
    fixarray(str("\ufeffa"), bin8("efbbbf61")),
    ["\ufeffa", { $bytes: "efbbbf61" }],
  ),
];

const extensions = [
  ["of 1 byte", fixext(5, "ff"), [5, "ff"]],
  ["of 2 bytes", fixext(127, "00ff"), [127, "00ff"]],
  ["of 3 bytes", ext8(5, "0a0b0c"), [5, "0a0b0c"]],
  ["of no bytes", ext8(10, ""), [10, ""]],
  ["of 16 bytes", fixext(42, counting(16)), [42, counting(16)]],
  ["0 with another byte", fixext(0, "01"), [0, "01"]],
  ["0 with two zero bytes", fixext(0, "0000"), [0, "0000"]],
].map(([name, hex, $ext]) => writtenResult(`value/extension ${name}`, ["VAL-17"], hex, { $ext }));

export const values = [
  writtenResult("value/nil", ["VAL-9"], nil, null),
  writtenResult("value/true", ["VAL-9"], yes, true),
  writtenResult("value/false", ["VAL-9"], no, false),
  writtenResult("value/not a number is nil", ["VAL-3"], fixarray(nil, nil, nil), [null, null, null]),
  writtenResult("value/undefined in an array is nil", ["VAL-10"], fixarray(fixint(1), nil), [1, null]),
  ...integers,
  ...bigIntegers,
  ...floats,
  ...wholeFloats,
  ...texts,
  ...binaries,
  ...timestamps,
  ...containers,
  ...extensions,
];
