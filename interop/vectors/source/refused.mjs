// Limits, and bytes that are no message.

import { announced, bin8, ext8, fixarray, fixint, fixmap, float64, nil, str, timestamp32, utf8 } from "./bytes.mjs";
import { APP, call, dropped, droppedResult, ID, payload, read, written, writtenResult } from "./messages.mjs";

const add = [str("function"), str("add")];
const deep = (levels) => "91".repeat(levels - 1) + fixarray();
const deepMap = (levels) => `81${str("a")}`.repeat(levels - 1) + fixmap();
const nest = (levels, around, innermost) => {
  let value = innermost;
  for (let level = 1; level < levels; level++) {
    value = around(value);
  }
  return value;
};
const list = (levels) => nest(levels, (value) => [value], []);
const callWith = (argument) =>
  payload("call", ...add, str("args"), fixarray(argument), str("namespace"), str("default"));
const depth = ["LIM-1", "LIM-2", "LIM-5", "VAL-16"];
const announces = (name, ...hex) => droppedResult(`limit/${name}`, ["LIM-1", "LIM-3"], hex.join(""));

export const limits = [
  written("limit/argument 100 deep", depth, callWith(deep(100)), call([list(100)])),
  written(
    "limit/argument of maps 100 deep",
    depth,
    callWith(deepMap(100)),
    call([nest(100, (value) => ({ a: value }), {})]),
  ),
  writtenResult("limit/result 100 deep", depth, deep(100), list(100)),
  dropped("limit/argument 101 deep", ["LIM-1", "LIM-3", "LIM-5"], callWith(deep(101))),
  dropped("limit/argument of maps 101 deep", ["LIM-1", "LIM-3", "LIM-5"], callWith(deepMap(101))),
  droppedResult("limit/result 101 deep", ["LIM-1", "LIM-3", "LIM-5"], deep(101)),
  dropped(
    "limit/metadata 200 deep",
    ["LIM-1", "LIM-3"],
    payload("response", str("metadata"), fixmap(str("a"), deep(200))),
  ),
  dropped("limit/unknown field 1000 deep", ["LIM-1", "LIM-3"], payload("response", str("extra"), deep(1000))),
  dropped("limit/20000 arrays in each other", ["LIM-3"], "91".repeat(20_000)),
  announces("text of 64 MiB and a byte announced", announced.str32(64 * 2 ** 20 + 1)),
  announces("text of 4 GiB announced", announced.str32(2 ** 32 - 1), "61"),
  announces("binary of 64 MiB and a byte announced", announced.bin32(64 * 2 ** 20 + 1)),
  announces("binary of 4 GiB announced", announced.bin32(2 ** 32 - 1), "00"),
  announces("extension of 4 GiB announced", announced.ext32(2 ** 32 - 1, 5), "00"),
  announces("array of 1000001 announced", announced.array32(1_000_001)),
  announces("array of 2^32 - 1 announced", announced.array32(2 ** 32 - 1), nil),
  announces("map of 1000001 announced", announced.map32(1_000_001)),
  announces("map of 2^32 - 1 announced", announced.map32(2 ** 32 - 1), nil, nil),
  announces("array of 1000000 announced and none there", announced.array32(1_000_000)),
  announces("arrays of 1000000 announced in each other", announced.array32(1_000_000).repeat(90)),
  dropped(
    "limit/arguments of 2^32 - 1 announced",
    ["LIM-3"],
    payload("call", ...add, str("args"), announced.array32(2 ** 32 - 1)),
  ),
  dropped("limit/message of 2^32 - 1 fields announced", ["LIM-3"], announced.map32(2 ** 32 - 1)),
];

const broken = (name, hex) => dropped(`malformed/${name}`, ["NET-6", "LIM-4"], hex);
const brokenResult = (name, hex) => droppedResult(`malformed/${name}`, ["NET-6", "LIM-4"], hex);
const whole = payload("call", ...add, str("args"), fixarray(fixint(2), float64(0.5)));

export const malformed = [
  broken("no bytes", ""),
  broken("number", fixint(5)),
  broken("nil", nil),
  broken("text", str("call")),
  broken("array", fixarray(str(APP), str(ID))),
  broken("binary", bin8(utf8("call"))),
  broken("timestamp", timestamp32(0)),
  broken("JSON", utf8(JSON.stringify({ app: APP, id: ID, type: "call", function: "add" }))),
  broken("unused byte c1", "c1"),
  brokenResult("unused byte c1 as a value", "c1"),
  broken("byte behind the end", `${whole}00`),
  broken("two messages in one", whole + whole),
  broken("without its last byte", whole.slice(0, -2)),
  broken("first half", whole.slice(0, Math.floor(whole.length / 4) * 2)),
  broken("first byte", whole.slice(0, 2)),
  broken("map without its last value", payload("response", str("result"), "")),
  brokenResult("text cut off", "a26a"),
  brokenResult("length cut off", "da00"),
  brokenResult("float cut off", "cb3ff0"),
  brokenResult("integer cut off", "cf00000000"),
  brokenResult("array with an item too few", "9201"),
  brokenResult("map with a value too few", `81${str("a")}`),
  brokenResult("extension without its type", "d4"),
  brokenResult("key array", fixmap(fixarray(), fixint(1))),
  brokenResult("key map", fixmap(fixmap(), fixint(1))),
  brokenResult("key binary", fixmap(bin8("61"), fixint(1))),
  brokenResult("key timestamp", fixmap(timestamp32(0), fixint(1))),
  brokenResult("timestamp of 5 bytes", ext8(-1, "0000000000")),
  brokenResult("timestamp of no bytes", ext8(-1, "")),
  read(
    "malformed/metadata that is no map is left out",
    ["MSG-11", "MSG-15"],
    payload("response", str("result"), fixint(5), str("metadata"), str("x")),
    {
      type: "response",
      result: 5,
    },
  ),
];
