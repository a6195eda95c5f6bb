// Forms that a writer of ours does not choose, and every reader takes.

import {
  array16,
  array32,
  bin16,
  bin32,
  ext8,
  ext16,
  ext32,
  fixarray,
  fixext,
  fixint,
  fixmap,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  map16,
  map32,
  nil,
  no,
  str,
  str8,
  str16,
  str32,
  timestamp64,
  timestamp96,
  uint8,
  uint16,
  uint32,
  uint64,
  yes,
} from "./bytes.mjs";
import { float, result } from "./messages.mjs";

const odd = (name, hex, value, rules = ["VAL-17"]) => result(`odd/${name}`, rules, hex, value);

const integers = [
  ["uint8", uint8(5), 5],
  ["uint16", uint16(5), 5],
  ["uint32", uint32(5), 5],
  ["uint64", uint64(5), 5],
  ["int8", int8(5), 5],
  ["int16", int16(5), 5],
  ["int32", int32(5), 5],
  ["int64", int64(5), 5],
  ["int8 negative", int8(-5), -5],
  ["int16 negative", int16(-5), -5],
  ["int32 negative", int32(-5), -5],
  ["int64 negative", int64(-5), -5],
  ["int64 of the largest safe integer", int64(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
  ["int64 of the largest", int64(2n ** 63n - 1n), { $int: `${2n ** 63n - 1n}` }],
].map(([name, hex, value]) => odd(`integer as ${name}`, hex, value));

const floats = [
  odd("float32", float32(0.5), float(0.5)),
  odd("float32 of a tenth", float32(0.1), float(Math.fround(0.1))),
  odd("float32 whole", float32(7), float(7)),
  odd("float of an integer from 2^32, as older JavaScript", float64(2 ** 32), float(2 ** 32)),
  odd("float minus zero", float64(-0), float(-0), ["VAL-17"]),
  odd("float NaN, as Python in a tuple", fixarray(float64(Number.NaN)), [float(Number.NaN)]),
  odd("float Infinity", fixarray(float64(Infinity), float64(-Infinity)), [float(Infinity), float(-Infinity)]),
  odd("float32 NaN and Infinity", fixarray("ca7fc00000", "ca7f800000"), [float(Number.NaN), float(Infinity)]),
];

const sized = [
  odd("str8", str8("a"), "a"),
  odd("str16", str16("größe"), "größe"),
  odd("str32", str32("a"), "a"),
  odd("str32 empty", str32(""), ""),
  odd("bin16", bin16("01ff"), { $bytes: "01ff" }),
  odd("bin32", bin32("01ff"), { $bytes: "01ff" }),
  odd("bin32 empty", bin32(""), { $bytes: "" }),
  odd("array16", array16(fixint(1), nil), [1, null]),
  odd("array32", array32(fixint(1), nil), [1, null]),
  odd("array32 empty", array32(), []),
  odd("map16", map16(str("a"), fixint(1)), { a: 1 }),
  odd("map32", map32(str32("a"), uint64(1)), { a: 1 }),
  odd("map32 empty", map32(), {}),
];

const U = "\ufffd";
const notUtf8 = [
  ["byte", "a361ff62", `a${U}b`],
  ["bytes", "a361fffe", `a${U}${U}`],
  ["byte in 300", `da012c${"61".repeat(299)}ff`, `${"a".repeat(299)}${U}`],
  ["half a surrogate pair, as older JavaScript", "a3eda080", U.repeat(3)],
  ["nul in two bytes", "a2c080", U.repeat(2)],
  ["cut off before other text", fixarray("a1c3", str("a")), [U, "a"]],
  ["key", fixmap("a1ff", fixint(1)), { [U]: 1 }],
].map(([name, hex, value]) => odd(`not UTF-8 ${name}`, hex, value, ["VAL-6"]));

const maps = [
  odd("key integer", fixmap(fixint(1), str("a"), fixint(-1), str("b"), uint16(300), str("c")), {
    1: "a",
    "-1": "b",
    300: "c",
  }),
  odd("key integer of 64 bits", fixmap(uint64(2n ** 64n - 1n), nil, int64(-(2n ** 63n)), nil), {
    [`${2n ** 64n - 1n}`]: null,
    [`${-(2n ** 63n)}`]: null,
  }),
  odd("key float", fixmap(float64(0.5), fixint(1), float64(-1.25), fixint(2)), { 0.5: 1, "-1.25": 2 }),
  odd("key boolean", fixmap(yes, fixint(1), no, fixint(0)), { true: 1, false: 0 }),
  odd("key nil", fixmap(nil, fixint(1)), { null: 1 }),
  odd("key text in str8 and str32", fixmap(str8("a"), fixint(1), str32("b"), fixint(2)), { a: 1, b: 2 }),
  odd("key repeated: the last counts", fixmap(str("a"), fixint(1), str("b"), fixint(2), str("a"), fixint(3)), {
    a: 3,
    b: 2,
  }),
  odd("key repeated as number and text", fixmap(fixint(1), str("number"), str("1"), str("text")), { 1: "text" }),
  odd("key repeated in another form", fixmap(str("a"), fixint(1), str16("a"), fixint(2)), { a: 2 }),
  odd("keys in no order", fixmap(str("b"), fixint(2), str("a"), fixint(1)), { a: 1, b: 2 }),
  odd(
    "key __proto__ in str32",
    fixmap(str32("__proto__"), fixmap(str("admin"), yes)),
    JSON.parse('{ "__proto__": { "admin": true } }'),
    ["VAL-13", "VAL-17"],
  ),
];

const extensions = [
  odd("undefined of older JavaScript", fixext(0, "00"), null),
  odd("undefined of older JavaScript in ext8", ext8(0, "00"), null),
  odd("undefined of older JavaScript in an array", fixarray(fixext(0, "00"), fixint(1)), [null, 1]),
  odd("extension in ext8", ext8(5, "ff"), { $ext: [5, "ff"] }),
  odd("extension in ext16", ext16(5, "00ff"), { $ext: [5, "00ff"] }),
  odd("extension in ext32", ext32(-100, "00ff"), { $ext: [-100, "00ff"] }),
  odd("timestamp in ext8 of 32 bits", ext8(-1, "6553f100"), { $time: "1700000000.000000000" }, ["VAL-8", "VAL-17"]),
  odd("timestamp of 64 bits where 32 do", timestamp64(1_700_000_000, 0), { $time: "1700000000.000000000" }, [
    "VAL-8",
    "VAL-17",
  ]),
  odd("timestamp of 96 bits where 64 do", timestamp96(1_700_000_000, 5_000_000), { $time: "1700000000.005000000" }, [
    "VAL-8",
    "VAL-17",
  ]),
  odd(
    "timestamp of the last microsecond of 9999",
    timestamp96(253_402_300_799, 999_999_000),
    {
      $time: "253402300799.999999000",
    },
    ["VAL-8"],
  ),
  odd(
    "timestamp of the first second of the year 1",
    timestamp96(-62_135_596_800, 0),
    {
      $time: "-62135596800.000000000",
    },
    ["VAL-8"],
  ),
  odd("timestamp of the year 20000", timestamp96(568_971_820_800, 0), { $time: "568971820800.000000000" }, [
    "VAL-8",
    "VAL-17",
  ]),
  odd("timestamp beyond every calendar", timestamp96(2n ** 63n - 1n, 0), { $time: "9223372036854775807.000000000" }),
  odd("timestamp before every calendar", timestamp96(-(2n ** 63n), 1), { $time: "-9223372036854775808.000000001" }),
];

export const oddEncodings = [...integers, ...floats, ...sized, ...notUtf8, ...maps, ...extensions];
