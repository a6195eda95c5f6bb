import { encode as pack } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedMessageError } from "../src/errors/index.js";
import { createCodec, type Message, type MessageLimits } from "../src/index.js";
import { fromHex, readResult, responseBytes, thrownBy, toHex } from "./wire.js";

const codec = createCodec();
const at = { id: "i", timestamp: 0.5 };

function fault(bytes: Uint8Array, limits?: Partial<MessageLimits>): MalformedMessageError {
  return thrownBy(() => createCodec({ limits }).decode(bytes), MalformedMessageError);
}

/** Runs `decode`; anything but a message and a `MalformedMessageError` fails the test. */
function readOrRefuse(bytes: Uint8Array): Message | MalformedMessageError {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedMessageError) {
      return error;
    }
    throw error;
  }
}

function reads(title: string, hex: string, value: unknown): void {
  it(title, () => {
    expect(readResult(hex)).toStrictEqual(value);
    // With a 64-bit integer or a `__proto__` key in the message, values are read in other ways.
    expect(readResult(`92${hex}cf0000000000000001`)).toStrictEqual([value, 1]);
    const withProto = readResult(`92${hex}81a95f5f70726f746f5f5f01`) as unknown[];
    expect(withProto[0]).toStrictEqual(value);
  });
}

describe("messages of other encoders", () => {
  const text200 = `efbbbf${"61".repeat(250)}`;

  reads("[VAL-17] uint8", "cc05", 5);
  reads("[VAL-17] uint16", "cd0005", 5);
  reads("[VAL-17] uint32", "ce00000005", 5);
  reads("[VAL-17] uint64 as Go writes a small integer", "cf0000000000000005", 5);
  reads("[VAL-17] int8", "d0fb", -5);
  reads("[VAL-17] int16", "d1fffb", -5);
  reads("[VAL-17] int32", "d2fffffffb", -5);
  reads("[VAL-17] int64 as Go writes a small integer", "d3fffffffffffffffb", -5);
  reads("[VAL-17] float32", "ca3f000000", 0.5);
  reads("[VAL-17] float64", "cb3fe0000000000000", 0.5);
  reads("[VAL-17] NaN, which Python lets through in a tuple", "cb7ff8000000000000", Number.NaN);
  reads("[VAL-4] the largest safe integer", "cf001fffffffffffff", 2 ** 53 - 1);
  reads("[VAL-4] the first integer that is not safe", "cf0020000000000000", 2n ** 53n);
  reads("[VAL-4] uint64", "cfffffffffffffffff", 2n ** 64n - 1n);
  reads("[VAL-4] int64", "d38000000000000000", -(2n ** 63n));
  reads("[VAL-4] integers inside of arrays and maps", "9181a161cf0000000000000001", [{ a: 1 }]);
  reads("[VAL-17] fixstr", "a161", "a");
  reads("[VAL-17] str8", "d90161", "a");
  reads("[VAL-17] str16", "da000161", "a");
  reads("[VAL-17] str32", "db0000000161", "a");
  reads("[VAL-6] text that begins with U+FEFF, short", "a4efbbbf61", "\ufeffa");
  reads("[VAL-6] text that begins with U+FEFF, long", `d9fd${text200}`, `\ufeff${"a".repeat(250)}`);
  reads("[VAL-6] a key that begins with U+FEFF", `81d9fd${text200}01`, { [`\ufeff${"a".repeat(250)}`]: 1 });
  reads("[VAL-6] text next to binary of the same bytes", `92d9fd${text200}c4fd${text200}`, [
    `\ufeff${"a".repeat(250)}`,
    fromHex(text200),
  ]);
  for (const length of [1, 199, 200, 201, 300]) {
    const hex = `da${length.toString(16).padStart(4, "0")}ff${"61".repeat(length - 1)}`;
    reads(`[VAL-6] ${length} bytes of text, one of which is not UTF-8`, hex, `\ufffd${"a".repeat(length - 1)}`);
  }
  reads("[VAL-6] text cut off in a character, which takes nothing of what follows", "92a1c3a161", ["\ufffd", "a"]);
  reads("[VAL-6] a lone surrogate of older JavaScript", "a4eda08061", "\ufffd\ufffd\ufffda");
  reads("[VAL-6] a key that is not UTF-8", "81a1ff01", { "\ufffd": 1 });
  reads("[VAL-17] bin8", "c40101", new Uint8Array([1]));
  reads("[VAL-17] bin16", "c5000101", new Uint8Array([1]));
  reads("[VAL-17] bin32", "c60000000101", new Uint8Array([1]));
  reads("[VAL-17] empty binary between empty texts", "93a0c400a0", ["", new Uint8Array(), ""]);
  reads("[VAL-17] array16", "dc000105", [5]);
  reads("[VAL-17] array32", "dd0000000105", [5]);
  reads("[VAL-17] map16", "de0001a16105", { a: 5 });
  reads("[VAL-17] map32", "df00000001a16105", { a: 5 });
  reads(
    "[VAL-17] keys that are numbers, booleans and nil are text",
    "8501a161c3a162c0a163cb3fe0000000000000a164cf0000000000000007a165",
    {
      1: "a",
      true: "b",
      null: "c",
      0.5: "d",
      7: "e",
    },
  );
  reads("[VAL-17] of equal keys the last", "82a16101a16102", { a: 2 });
  reads("[VAL-17] keys that objects have by themselves", "82ab636f6e7374727563746f7201a8746f537472696e6702", {
    constructor: 1,
    toString: 2,
  } as unknown);
  reads("[VAL-17] undefined of older JavaScript", "d40000", null);
  reads("[VAL-17] undefined of older JavaScript in ext8", "c7010000", null);
  reads("[VAL-8] a timestamp of 32 bits", "d6ff6955b900", new Date("2026-01-01T00:00:00Z"));
  reads(
    "[VAL-8] a timestamp of 64 bits, its nanoseconds cut off",
    "d7ff003d0fe46955b900",
    new Date("2026-01-01T00:00:00.001Z"),
  );
  reads("[VAL-8] a timestamp of 96 bits", "c70cff00000000ffffffffffffffff", new Date(-1000));
  reads(
    "[VAL-8] the last microsecond of the year 9999, cut off and not rounded up",
    "c70cff3b9ac6180000003afff4417f",
    new Date("9999-12-31T23:59:59.999Z"),
  );
  reads("[VAL-8] a nanosecond before 1970, cut off", "c70cff3b9ac9ffffffffffffffffff", new Date(-1));

  it("[VAL-17] an unknown extension keeps its type and bytes and can be sent on unchanged", () => {
    for (const hex of ["d40500", "d40001", "c7000a", "c703050a0b0c"]) {
      const value = readResult(hex);
      expect(value?.constructor.name).toBe("ExtData");
      expect(toHex(codec.encode({ type: "response", ...at, result: value }))).toBe(toHex(responseBytes(hex)));
    }
  });

  it("[VAL-17] a timestamp beyond the range of Date is kept and can be sent on in the answer to a heartbeat", () => {
    const value = readResult("c70cff000000007fffffffffffffff") as { type: number };
    expect(value.type).toBe(-1);
    expect(() => codec.encode({ type: "heartbeat", ...at, metadata: { at: value } })).not.toThrow();
  });

  it("[VAL-7] binary is a plain Uint8Array, a view of the message, also if the message is a Buffer", () => {
    const bytes = Buffer.concat([Buffer.from([9, 9, 9]), responseBytes("c4020102")]).subarray(3);
    const message = codec.decode(bytes);
    const result = message.type === "response" ? (message.result as Uint8Array) : undefined;
    expect(result?.constructor).toBe(Uint8Array);
    bytes[bytes.length - 1] = 7;
    expect(result).toEqual(new Uint8Array([1, 7]));
  });
});

describe("__proto__", () => {
  const headers = ["a9", "d909", "da0009", "db00000009"];

  it.each(headers)("[VAL-13] as a key with the header %s is an own property and changes no prototype", (header) => {
    const key = `${header}5f5f70726f746f5f5f`;
    for (const hex of [
      `81${key}81a161c3`,
      `9281${key}81a161c301`,
      `81a162 81${key}81a161c3`,
      `82a16201${key}81a161c3`,
    ]) {
      const found = JSON.stringify(readResult(hex));
      expect(found).toContain('"__proto__":{"a":true}');
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect("a" in {}).toBe(false);
    }
    const map = readResult(`81${key}81a161c3`) as object;
    expect(Object.getOwnPropertyDescriptor(map, "__proto__")).toEqual({
      value: { a: true },
      writable: true,
      enumerable: true,
      configurable: true,
    });
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
    expect(Object.hasOwn(map, "__proto__")).toBe(true);
    expect("a" in map).toBe(false);
  });

  it("[VAL-13] inside __proto__, twice in one map, in metadata and in the message itself is an own property", () => {
    const inner = { ["__proto__"]: { ["__proto__"]: { deep: true } } };
    expect(JSON.stringify(readResult("81a95f5f70726f746f5f5f81a95f5f70726f746f5f5f81a464656570c3"))).toBe(
      JSON.stringify(inner),
    );
    const twice = readResult("82a95f5f70726f746f5f5f01a95f5f70726f746f5f5f02") as object;
    expect(Object.entries(twice)).toEqual([["__proto__", 2]]);
    const metadata = pack({
      app: "comlink_ipc_v3",
      id: "i",
      type: "ready",
      metadata: inner,
      ["__proto__"]: { id: "x" },
    });
    const message = codec.decode(metadata);
    expect(JSON.stringify(message.metadata)).toBe(JSON.stringify(inner));
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
  });

  it("[VAL-13] in overlong UTF-8 is refused or data, never a prototype", () => {
    const overlong = "c19fc19f70726f746fc19fc19f";
    for (const hex of [`81ad${overlong}81a161c3`, `9281ad${overlong}81a161c381a95f5f70726f746f5f5f01`]) {
      const result = readOrRefuse(responseBytes(hex));
      expect(result instanceof MalformedMessageError || !("a" in ((result as { result: object }).result ?? {}))).toBe(
        true,
      );
      expect("a" in {}).toBe(false);
    }
  });

  it("[VAL-13] as a value or as the app id is plain text", () => {
    expect(readResult("a95f5f70726f746f5f5f")).toBe("__proto__");
    expect(fault(pack({ app: "__proto__", id: "i", type: "ready" })).code).toBe("FOREIGN_APP");
  });
});

describe("messages that cannot be read", () => {
  const advice = "; send less in one message, or raise the limit on both sides.";
  const unreadable: [title: string, hex: string, what: string][] = [
    ["no bytes at all", "", "A message of 0 bytes cannot be read: it ends too early."],
    [
      "the byte 0xc1",
      "c1",
      "A message of 1 bytes cannot be read: it has the byte 0xc1, which MessagePack does not use.",
    ],
    ["bytes behind its end", "8000", "A message of 2 bytes cannot be read: 1 bytes too many."],
    [
      "an array of 2^32 - 1 items",
      "ddffffffff",
      `A message of 5 bytes cannot be read: an array of 4294967295 items, above limits.maxArrayLength (1000000)${advice}`,
    ],
    [
      "a map of 2^32 - 1 keys",
      "dfffffffff",
      `A message of 5 bytes cannot be read: a map of 4294967295 items, above limits.maxMapLength (1000000)${advice}`,
    ],
    [
      "text of 2^32 - 1 bytes",
      "dbffffffff",
      `A message of 5 bytes cannot be read: a string of 4294967295 bytes, above limits.maxStringBytes (67108864)${advice}`,
    ],
    [
      "binary of 2^32 - 1 bytes",
      "c6ffffffff",
      `A message of 5 bytes cannot be read: a binary value of 4294967295 bytes, above limits.maxBinaryBytes (67108864)${advice}`,
    ],
    [
      "an extension of 2^32 - 1 bytes",
      "c9ffffffff00",
      `A message of 6 bytes cannot be read: a binary value of 4294967295 bytes, above limits.maxBinaryBytes (67108864)${advice}`,
    ],
    [
      "more items than bytes",
      "dd000f4240",
      "A message of 5 bytes cannot be read: it announces more items than it has bytes.",
    ],
    [
      "more keys than half its bytes",
      "de00020101",
      "A message of 5 bytes cannot be read: it announces more items than it has bytes.",
    ],
    ["text cut off", "a261", "A message of 2 bytes cannot be read: it ends too early."],
    ["a length cut off", "da00", "A message of 2 bytes cannot be read: it ends too early."],
    [
      "a key that is an array",
      "819001",
      "A message of 3 bytes cannot be read: a map has a key that is neither text nor number.",
    ],
    [
      "a key that is binary",
      "81c4016101",
      "A message of 5 bytes cannot be read: a map has a key that is neither text nor number.",
    ],
    [
      "a timestamp of 5 bytes",
      "c705ff0000000000",
      "A message of 8 bytes cannot be read: Unrecognized data size for timestamp (expected 4, 8, or 12): 5.",
    ],
    ["a number", "05", "A message must be a map."],
    ["an array", "9105", "A message must be a map."],
    ["nil", "c0", "A message must be a map."],
    ["text", "a161", "A message must be a map."],
    ["a date", "d6ff00000000", "A message must be a map."],
  ];

  it.each(unreadable)("[LIM-4] %s is a MalformedMessageError that says why", (_title, hex, what) => {
    expect(fault(fromHex(hex)).message).toBe(what);
  });

  it("[LIM-4] the error has the id and the type if they come before the fault", () => {
    const call = codec.encode({ type: "call", id: "the-id", timestamp: 0.5, function: "f", args: [1], namespace: "n" });
    const error = fault(call.subarray(0, call.length - 1));
    expect(error).toMatchObject({ code: "MALFORMED_MESSAGE", messageId: "the-id", messageType: "call" });
    expect(fault(call.subarray(0, 20))).toMatchObject({ messageId: undefined, messageType: undefined });
    const keyFault = fault(responseBytes("819001"));
    expect(keyFault).toMatchObject({ messageId: "i", messageType: "response" });
    expect(keyFault.cause).toBeInstanceOf(RangeError);
  });

  it("[LIM-4] an id elsewhere than in the message itself is not taken for the message's id", () => {
    // {"a": {"id": "x"}, …}, {"id": ["x"], …}, {"id": 1, 5: "x", …}, {"id": "", …}, each with a fault behind.
    for (const hex of ["8281a161a26964a178c1", "82a2696491a178c1", "83a269640105a178c1", "82a26964a0c1"]) {
      expect(fault(fromHex(hex)).messageId).toBe(undefined);
    }
    expect(fault(fromHex("82a26964a178c1")).messageId).toBe("x");
  });

  it("[LIM-4] an id that is too long is not in the error", () => {
    expect(fault(fromHex(`82a26964da0100${"61".repeat(256)}c1`)).messageId).toBe("a".repeat(256));
    expect(fault(fromHex(`82a26964da0101${"61".repeat(257)}c1`)).messageId).toBe(undefined);
  });

  it("[LIM-4] [NET-6] every truncation of a message is a MalformedMessageError", () => {
    const bytes = codec.encode({
      type: "call",
      id: "11111111-2222-4333-8444-555555555555",
      timestamp: 0.5,
      function: "f",
      args: [1, "text", [2 ** 40, new Uint8Array(300)], { a: new Date(1), __: "x".repeat(300) }, -5n, 0.5],
      namespace: "default",
      metadata: { a: [null, true] },
    });
    for (let length = 0; length < bytes.length; length++) {
      expect(fault(bytes.subarray(0, length)).code).toBe("MALFORMED_MESSAGE");
    }
    expect(codec.decode(bytes).type).toBe("call");
  });

  it("[LIM-4] random bytes cause nothing else than a MalformedMessageError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readOrRefuse(bytes)).toBeInstanceOf(MalformedMessageError);
      }),
      { numRuns: 3000 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("[LIM-4] a message with random bytes as its result is refused, or read and can be sent on", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const message = readOrRefuse(responseBytes(toHex(bytes)));
        if (!(message instanceof MalformedMessageError)) {
          expect(() => codec.encode(message)).not.toThrow();
        }
      }),
      { numRuns: 5000 },
    );
  });

  it("[LIM-4] a message with any of its bytes changed is read or refused", () => {
    const message = pack({
      ...{ app: "comlink_ipc_v3", id: "i", type: "call", timestamp: 0.5, function: "f" },
      args: [{ ["__proto__"]: { a: 1 } }, "\ufeffx", new Uint8Array(3), new Date(5), [1, [2, { b: null }]]],
    });
    for (let index = 0; index < message.length; index++) {
      for (let byte = 0; byte < 256; byte++) {
        const changed = message.slice();
        changed[index] = byte;
        readOrRefuse(changed);
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect("a" in {}).toBe(false);
  });
});

describe("limits", () => {
  it.each([
    ["maxMessageBytes", { maxMessageBytes: 65 }, "c0", "66 bytes"],
    ["maxStringBytes", { maxStringBytes: 20 }, `b5${"61".repeat(21)}`, "a string of 21 bytes"],
    ["maxBinaryBytes", { maxBinaryBytes: 2 }, "c403010203", "a binary value of 3 bytes"],
    ["maxArrayLength", { maxArrayLength: 2 }, "93c0c0c0", "an array of 3 items"],
    ["maxMapLength", { maxMapLength: 5 }, "86010102010301040105010601", "a map of 6 items"],
    ["maxDepth", { maxDepth: 1 }, "919191c0", "arrays and maps nested too deep"],
    ["maxValues", { maxValues: 10 }, `dc0040${"c0".repeat(64)}`, "too many values"],
    ["maxObjects", { maxObjects: 1 }, `dc0040${"90".repeat(64)}`, "too many arrays, maps and binary values"],
    ["maxObjects", { maxObjects: 1 }, `dc0040${"c400".repeat(64)}`, "too many arrays, maps and binary values"],
    ["maxObjects", { maxObjects: 1 }, `dc0040${"d40500".repeat(64)}`, "too many arrays, maps and binary values"],
  ] as const)("[LIM-3] %s: %o refuses the value", (name, limits, hex, what) => {
    const bytes = responseBytes(hex);
    const error = fault(bytes, limits);
    expect(error.code).toBe("LIMIT_EXCEEDED");
    const limit = Object.values(limits)[0];
    expect(error.message).toBe(
      `A message of ${bytes.length} bytes cannot be read: ${what}, above limits.${name} (${limit}); ` +
        "send less in one message, or raise the limit on both sides.",
    );
    expect(() => codec.decode(bytes)).not.toThrow();
  });

  it("[LIM-5] a result may be 100 levels deep below the message, an argument 100 below the arguments", () => {
    const call = (levels: number): Uint8Array => {
      const head = pack({ app: "comlink_ipc_v3", id: "i", type: "call", timestamp: 0.5, args: 0 });
      return fromHex(`${toHex(head.subarray(0, -1))}${"91".repeat(1 + levels)}c0`);
    };
    expect(codec.decode(call(100)).type).toBe("call");
    expect(fault(call(101)).code).toBe("LIMIT_EXCEEDED");
    expect(readResult(`${"91".repeat(100)}c0`)).toBeInstanceOf(Array);
    expect(fault(responseBytes(`${"91".repeat(101)}c0`)).code).toBe("LIMIT_EXCEEDED");
  });

  it("[LIM-5] fields after the arguments get no extra level, whatever their key is", () => {
    const answer = (key: string, levels: number): Uint8Array => {
      const head = pack({ app: "comlink_ipc_v3", id: "i", type: "response", timestamp: 0.5, args: [] });
      return fromHex(`86${toHex(head.subarray(1))}${key}${"91".repeat(levels)}c0`);
    };
    for (const key of ["a6726573756c74", "a178", "05"]) {
      expect(codec.decode(answer(key, 100)).type).toBe("response");
      expect(fault(answer(key, 101)).code).toBe("LIMIT_EXCEEDED");
    }
  });

  it("[LIM-3] refuses 64 MiB of nested arrays with almost no memory", () => {
    for (const byte of [0x91, 0x81, 0xdc]) {
      const bomb = new Uint8Array(64 * 2 ** 20).fill(byte);
      const before = process.memoryUsage();
      expect(fault(bomb).code).toBe("LIMIT_EXCEEDED");
      const after = process.memoryUsage();
      expect(after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * 2 ** 20);
    }
  });

  it("[LIM-3] reads only a few hundred bytes of 64 MiB of nested containers", () => {
    for (const byte of [0x91, 0x81]) {
      let looks = 0;
      const bomb = new Proxy(new Uint8Array(64 * 2 ** 20).fill(byte), {
        get(bytes, key) {
          looks++;
          return Reflect.get(bytes, key, bytes);
        },
      });
      expect(fault(bomb).code).toBe("LIMIT_EXCEEDED");
      expect(looks).toBeLessThan(2000);
    }
  });

  it("[LIM-3] nested arrays that each announce as many items as there are bytes take almost no memory", () => {
    const items = 1_000_000;
    const heads = Array.from({ length: 90 }, () => "dd000f4240").join("");
    const bytes = new Uint8Array(items + 2000);
    bytes.set(responseBytes(heads));
    const before = process.memoryUsage();
    expect(fault(bytes).message).toContain("it ends too early");
    const after = process.memoryUsage();
    expect(after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 2 ** 20);
  });

  it("[LIM-3] the error of an argument that is too deep has the id of the message", () => {
    const error = fault(responseBytes("91".repeat(100_000)));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", messageId: "i", messageType: "response" });
  });

  it("[LIM-3] refuses 64 MiB of empty maps, which would take gigabytes, because of their number", () => {
    const million = `dd000f4240${"80".repeat(1_000_000)}`;
    const bomb = responseBytes(`96${million.repeat(6)}`);
    const error = fault(bomb);
    expect(error.code).toBe("LIMIT_EXCEEDED");
    expect(error.message).toContain("too many arrays, maps and binary values, above limits.maxObjects (1000000)");
    expect(fault(bomb, { maxObjects: 6_000_000 }).message).toContain("above limits.maxValues (4000000)");
  });

  it("[LIM-6] objects whose keys are numbers take memory for their keys, and not for the numbers below them", () => {
    const count = 100_000;
    const head = `dd${count.toString(16).padStart(8, "0")}`;
    const bytes = responseBytes(`${head}${"81cd03ffc0".repeat(count)}`);
    const before = process.memoryUsage().heapUsed;
    const message = codec.decode(bytes) as Extract<Message, { type: "response" }>;
    // Each would take 12 KiB, 1.2 GB together, with room for 1023 other elements.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(count * 1024);
    expect((message.result as unknown[]).at(-1)).toEqual({ 1023: null });
  });

  it.each([
    ["84a23130c0a23037c0a178c0a23131c0", { 10: null, "07": null, x: null, 11: null }],
    ["830ac00cc0ce12345678c0", { 10: null, 12: null, 305419896: null }],
    ["81aa34323934393637323934c0", { 4294967294: null }],
    ["81ab3132333435363738393031c0", { 12345678901: null }],
  ])("[VAL-17] keys that are numbers, as text or not, are keys like any others: %s", (hex, expected) => {
    const read = readResult(hex) as object;
    expect(read).toStrictEqual(expected);
    expect(Object.keys(read)).toEqual(Object.keys(expected));
  });

  it("[LIM-6] an estimate of a message's memory counts what its values take, and not only its bytes", () => {
    const flat = responseBytes(`c4ff${"00".repeat(255)}`);
    codec.decode(flat);
    const bytes = codec.decodedBytes();
    expect(bytes - flat.length).toBeLessThan(1000);
    codec.decode(responseBytes(`dc00ff${"80".repeat(255)}`));
    expect(codec.decodedBytes()).toBeGreaterThan(bytes + 255 * 100);
  });

  it("[LIM-4] a maxDepth beyond the stack still causes a MalformedMessageError", () => {
    const bytes = responseBytes(`92cf0000000000000001${"91".repeat(200_000)}c0`);
    expect(fault(bytes, { maxDepth: 1_000_000 }).messageId).toBe("i");
  });
});
