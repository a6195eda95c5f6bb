// MessagePack by hand, as hex: one function for each form that the format has. It knows nothing of any codec, so that
// the vectors are no codec's own opinion. Source: https://github.com/msgpack/msgpack/blob/master/spec.md

/** A whole number as so many bytes, big end first, negative ones as two's complement. */
function bytesOf(number, length) {
  return BigInt.asUintN(length * 8, BigInt(number))
    .toString(16)
    .padStart(length * 2, "0");
}

const headed = (head, length) => (number) => head + bytesOf(number, length);

export const nil = "c0";
export const no = "c2";
export const yes = "c3";

/** 0 to 127, and −32 to −1. */
export const fixint = (number) => bytesOf(number, 1);
export const uint8 = headed("cc", 1);
export const uint16 = headed("cd", 2);
export const uint32 = headed("ce", 4);
export const uint64 = headed("cf", 8);
export const int8 = headed("d0", 1);
export const int16 = headed("d1", 2);
export const int32 = headed("d2", 4);
export const int64 = headed("d3", 8);

export function float32(number) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, number);
  return `ca${bytesOf(view.getUint32(0), 4)}`;
}

export function float64(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return `cb${bytesOf(view.getBigUint64(0), 8)}`;
}

export const utf8 = (text) => Buffer.from(text, "utf8").toString("hex");

/** Bytes behind their own number. */
const counted = (head, length) => (hex) => head + bytesOf(hex.length / 2, length) + hex;

export const fixstr = (text) => bytesOf(0xa0 + utf8(text).length / 2, 1) + utf8(text);
export const str8 = (text) => counted("d9", 1)(utf8(text));
export const str16 = (text) => counted("da", 2)(utf8(text));
export const str32 = (text) => counted("db", 4)(utf8(text));

/** Text in its shortest form. */
export function str(text) {
  const length = utf8(text).length / 2;
  if (length < 32) {
    return fixstr(text);
  }
  return (length < 256 ? str8 : length < 65_536 ? str16 : str32)(text);
}

export const bin8 = counted("c4", 1);
export const bin16 = counted("c5", 2);
export const bin32 = counted("c6", 4);

/** An extension whose number of bytes is told by its head: 1, 2, 4, 8 or 16. */
export function fixext(type, hex) {
  const head = { 1: "d4", 2: "d5", 4: "d6", 8: "d7", 16: "d8" }[hex.length / 2];
  return head + bytesOf(type, 1) + hex;
}

export const ext8 = (type, hex) => `c7${bytesOf(hex.length / 2, 1)}${bytesOf(type, 1)}${hex}`;
export const ext16 = (type, hex) => `c8${bytesOf(hex.length / 2, 2)}${bytesOf(type, 1)}${hex}`;
export const ext32 = (type, hex) => `c9${bytesOf(hex.length / 2, 4)}${bytesOf(type, 1)}${hex}`;

/** The extension −1: seconds alone; 30 bits of nanoseconds and 34 of seconds; nanoseconds and signed seconds. */
export const timestamp32 = (seconds) => fixext(-1, bytesOf(seconds, 4));
export const timestamp64 = (seconds, nanoseconds) =>
  fixext(-1, bytesOf((BigInt(nanoseconds) << 34n) | BigInt(seconds), 8));
export const timestamp96 = (seconds, nanoseconds) => ext8(-1, bytesOf(nanoseconds, 4) + bytesOf(seconds, 8));

export const fixarray = (...items) => bytesOf(0x90 + items.length, 1) + items.join("");
export const array16 = (...items) => `dc${bytesOf(items.length, 2)}${items.join("")}`;
export const array32 = (...items) => `dd${bytesOf(items.length, 4)}${items.join("")}`;

/** Maps are given as key, value, key, value. */
export const fixmap = (...fields) => bytesOf(0x80 + fields.length / 2, 1) + fields.join("");
export const map16 = (...fields) => `de${bytesOf(fields.length / 2, 2)}${fields.join("")}`;
export const map32 = (...fields) => `df${bytesOf(fields.length / 2, 4)}${fields.join("")}`;

/** Heads that announce so much, with nothing behind them. */
export const announced = {
  str32: headed("db", 4),
  bin32: headed("c6", 4),
  array32: headed("dd", 4),
  map32: headed("df", 4),
  ext32: (length, type) => `c9${bytesOf(length, 4)}${bytesOf(type, 1)}`,
};
