import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SerializationError } from "../src/errors/index.js";
import { createCodec, DEFAULT_LIMITS, type Feature, featuresOf, type Message, type Metadata } from "../src/index.js";
import { nested, resultHex, thrownBy, toHex } from "./wire.js";

const encode = createCodec().encode;
const at = { id: "i", timestamp: 0.5 };

/** `app`, `id`, `type` and `timestamp` as every message begins, in a map of so many fields. */
function begin(fields: number, type: string): string {
  const text = (value: string): string => (0xa0 + value.length).toString(16) + Buffer.from(value).toString("hex");
  return (
    (0x80 + fields).toString(16) +
    `a3617070ae636f6d6c696e6b5f6970635f7633a26964a169a474797065${text(type)}a974696d657374616d70cb3fe0000000000000`
  );
}

describe("large binary values", () => {
  const codec = createCodec();
  const response = (result: unknown): Message => ({ type: "response", ...at, result });

  it("above 64 KiB they are parts of the message, in the memory they came in; the rest is copied", () => {
    const [limit, large] = [new Uint8Array(65_536).fill(1), new Uint8Array(65_537).fill(2)];
    const message = codec.encodeParts(response([limit, large, "text", limit, limit, large.subarray(0)]));
    if (message instanceof Uint8Array) {
      throw new Error("It should have come in parts.");
    }
    expect(message.parts).toHaveLength(5);
    expect([1, 3].map((index) => message.parts[index]?.buffer)).toEqual([large.buffer, large.buffer]);
    limit.fill(9);
    expect(codec.decode(Buffer.concat(message.parts))).toMatchObject({
      result: [{ 0: 1 }, { 0: 2 }, "text", { 0: 1 }, { 0: 1 }, { 0: 2 }],
    });
  });

  it("up to 64 KiB a message is in one piece, and so is what encode returns", () => {
    const large = new Uint8Array(65_537);
    expect(codec.encodeParts(response([large.subarray(1), large.subarray(1)]))).toBeInstanceOf(Uint8Array);
    expect(codec.encode(response(large))).toBeInstanceOf(Uint8Array);
  });

  it("the parts of a message are the bytes that encode returns, and later messages do not change them", () => {
    const size = fc.constantFrom(0, 10, 3000, 65_536, 65_537, 70_000);
    const value = fc.oneof(
      size.map((length) => new Uint8Array(length).fill(length)),
      fc.string({ maxLength: 9000 }),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), (values) => {
        const parts = codec.encodeParts(response(values));
        const whole = codec.encode(response(values));
        codec.encodeParts(response("x".repeat(500)));
        const joined = parts instanceof Uint8Array ? parts : Buffer.concat(parts.parts);
        expect(parts.byteLength).toBe(whole.length);
        expect(Buffer.compare(joined, whole)).toBe(0);
      }),
    );
  });
});

describe("messages on the wire", () => {
  const rows: [rule: string, message: Message, hex: string][] = [
    [
      "a call",
      { type: "call", ...at, function: "add", args: [1, 2], namespace: "default" },
      `${begin(7, "call")}a866756e6374696f6ea3616464a461726773920102a96e616d657370616365a764656661756c74`,
    ],
    [
      "a call without arguments still has args",
      { type: "call", ...at, function: "f", args: [], namespace: "n" },
      `${begin(7, "call")}a866756e6374696f6ea166a46172677390a96e616d657370616365a16e`,
    ],
    [
      "a call with client_name and metadata",
      {
        type: "call",
        ...at,
        function: "f",
        args: [],
        namespace: "n",
        client_name: "c",
        metadata: { correlation_id: "x" },
      },
      `${begin(9, "call")}a866756e6374696f6ea166a46172677390a96e616d657370616365a16e` +
        "ab636c69656e745f6e616d65a163a86d6574616461746181ae636f7272656c6174696f6e5f6964a178",
    ],
    ["a response", { type: "response", ...at, result: 5 }, `${begin(5, "response")}a6726573756c7405`],
    [
      "a response of null has nil",
      { type: "response", ...at, result: null },
      `${begin(5, "response")}a6726573756c74c0`,
    ],
    ["a response of undefined has no result", { type: "response", ...at, result: undefined }, begin(4, "response")],
    [
      "an error",
      { type: "error", ...at, error: "no", metadata: { error: { name: "E", message: "no" } } },
      `${begin(6, "error")}a56572726f72a26e6fa86d6574616461746181a56572726f7282a46e616d65a145a76d657373616765a26e6f`,
    ],
    ["a line of stdout", { type: "stdout", ...at, output: "hi" }, `${begin(5, "stdout")}a66f7574707574a26869`],
    ["a line of stderr", { type: "stderr", ...at, output: "" }, `${begin(5, "stderr")}a66f7574707574a0`],
    [
      "a heartbeat",
      { type: "heartbeat", ...at, metadata: { hb_timestamp: 0.5 } },
      `${begin(5, "heartbeat")}a86d6574616461746181ac68625f74696d657374616d70cb3fe0000000000000`,
    ],
    [
      "a heartbeat of older JavaScript, echoed",
      { type: "heartbeat", ...at, args: [7], metadata: { hb_response: true } },
      `${begin(6, "heartbeat")}a4617267739107a86d6574616461746181ab68625f726573706f6e7365c3`,
    ],
    ["shutdown", { type: "shutdown", ...at }, begin(4, "shutdown")],
    ["ready", { type: "ready", ...at }, begin(4, "ready")],
  ];

  it.each(rows)("[MSG-1] [MSG-3] %s, byte by byte, with app, id and type first", (_title, message, hex) => {
    expect(toHex(encode(message))).toBe(hex);
  });

  it("[MSG-1] the app id is the codec's", () => {
    const bytes = createCodec({ app: "comlink_ipc_v4" }).encode({ type: "ready", ...at });
    expect(toHex(bytes)).toContain(Buffer.from("comlink_ipc_v4").toString("hex"));
  });

  it("[VAL-6] a lone surrogate in a name or text becomes U+FFFD, which strict readers accept", () => {
    const call = encode({
      type: "call",
      ...at,
      function: "f\ud800",
      args: ["\udc00"],
      namespace: "\ud800",
      client_name: "\ud800",
    });
    const texts = [
      call,
      encode({ type: "error", ...at, error: "\ud800" }),
      encode({ type: "stdout", ...at, output: "\ud800" }),
    ];
    for (const bytes of texts) {
      expect(toHex(bytes)).not.toContain("eda080");
      expect(toHex(bytes)).toContain("efbfbd");
    }
  });
});

describe("values on the wire", () => {
  const date = (text: string): Date => new Date(text);
  function sends(title: string, value: unknown, hex: string): void {
    it(title, () => {
      expect(resultHex(value)).toBe(hex);
      // A value inside one that must be copied is encoded the same.
      expect(resultHex([value, 2n ** 40n])).toBe(`92${hex}cf0000010000000000`);
    });
  }

  sends("[VAL-1] 0", 0, "00");
  sends("[VAL-1] -0", -0, "00");
  sends("[VAL-1] 127", 127, "7f");
  sends("[VAL-1] 128", 128, "cc80");
  sends("[VAL-1] 255", 255, "ccff");
  sends("[VAL-1] 256", 256, "cd0100");
  sends("[VAL-1] 65535", 65_535, "cdffff");
  sends("[VAL-1] 65536", 65_536, "ce00010000");
  sends("[VAL-1] 2^32 - 1", 2 ** 32 - 1, "ceffffffff");
  sends("[VAL-1] 2^32 as an integer, not a float", 2 ** 32, "cf0000000100000000");
  sends("[VAL-1] 2^53 - 1", Number.MAX_SAFE_INTEGER, "cf001fffffffffffff");
  sends("[VAL-1] -1", -1, "ff");
  sends("[VAL-1] -32", -32, "e0");
  sends("[VAL-1] -33", -33, "d0df");
  sends("[VAL-1] -128", -128, "d080");
  sends("[VAL-1] -129", -129, "d1ff7f");
  sends("[VAL-1] -32769", -32_769, "d2ffff7fff");
  sends("[VAL-1] -2^31", -(2 ** 31), "d280000000");
  sends("[VAL-1] -2^31 - 1 as an integer, not a float", -(2 ** 31) - 1, "d3ffffffff7fffffff");
  sends("[VAL-1] -(2^53 - 1)", Number.MIN_SAFE_INTEGER, "d3ffe0000000000001");
  sends("[VAL-2] 0.5", 0.5, "cb3fe0000000000000");
  sends("[VAL-2] 2^53, which is not safe", 2 ** 53, "cb4340000000000000");
  sends("[VAL-2] -1e300", -1e300, "cbfe37e43c8800759c");
  sends("[VAL-3] NaN", Number.NaN, "c0");
  sends("[VAL-3] Infinity", Number.POSITIVE_INFINITY, "c0");
  sends("[VAL-3] -Infinity", Number.NEGATIVE_INFINITY, "c0");
  sends("[VAL-4] 5n", 5n, "05");
  sends("[VAL-4] -5n", -5n, "fb");
  sends("[VAL-4] 2n ** 53n", 2n ** 53n, "cf0020000000000000");
  sends("[VAL-4] 2n ** 64n - 1n", 2n ** 64n - 1n, "cfffffffffffffffff");
  sends("[VAL-4] -(2n ** 63n)", -(2n ** 63n), "d38000000000000000");
  sends("[VAL-6] empty text", "", "a0");
  sends("[VAL-6] text", "é€😀", "a9c3a9e282acf09f9880");
  sends("[VAL-6] 31 bytes of text", "a".repeat(31), `bf${"61".repeat(31)}`);
  sends("[VAL-6] 32 bytes of text", "a".repeat(32), `d920${"61".repeat(32)}`);
  sends("[VAL-6] a lone surrogate", "a\ud83d", "a461efbfbd");
  sends("[VAL-7] Uint8Array", new Uint8Array([1, 255]), "c40201ff");
  sends("[VAL-7] no bytes", new Uint8Array(), "c400");
  sends("[VAL-7] Buffer", Buffer.from([1, 2]), "c4020102");
  sends("[VAL-7] ArrayBuffer", new Uint8Array([1, 2]).buffer, "c4020102");
  sends("[VAL-7] Uint16Array", new Uint16Array([0x0101, 0x0202]), "c40401010202");
  sends("[VAL-7] part of an array", new Uint8Array([9, 1, 2, 9]).subarray(1, 3), "c4020102");
  sends("[VAL-7] DataView", new DataView(new Uint8Array([9, 1, 2]).buffer, 1), "c4020102");
  sends("[VAL-7] 256 bytes", new Uint8Array(256), `c50100${"00".repeat(256)}`);
  sends("[VAL-8] a whole second", date("2026-01-01T00:00:00Z"), "d6ff6955b900");
  sends("[VAL-8] a millisecond", date("2026-01-01T00:00:00.001Z"), "d7ff003d09006955b900");
  sends("[VAL-8] before 1970", date("1969-12-31T23:59:59.999Z"), "c70cff3b8b87c0ffffffffffffffff");
  sends("[VAL-9] null", null, "c0");
  sends("[VAL-9] true", true, "c3");
  sends("[VAL-9] false", false, "c2");
  sends("[VAL-10] undefined in an object", { a: undefined, b: 1 }, "81a16201");
  sends("[VAL-10] undefined in an array", [undefined, 1], "92c001");
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested.
  sends("[VAL-10] a hole in an array", [1, , 2], "9301c002");
  sends("[VAL-11] no items", [], "90");
  sends("[VAL-11] 16 items", new Array(16).fill(0), `dc0010${"00".repeat(16)}`);
  sends("[VAL-11] Set", new Set([1, "a"]), "9201a161");
  sends("[VAL-12] no fields", {}, "80");
  sends("[VAL-12] fields in their order", { b: 1, a: 2 }, "82a16201a16102");
  sends("[VAL-12] no prototype", Object.assign(Object.create(null), { a: 1 }), "81a16101");
  sends("[VAL-12] Map", new Map<unknown, unknown>([["a", 1]]), "81a16101");
  sends(
    "[VAL-12] Map with other keys",
    new Map<unknown, unknown>([
      [1, 2],
      [true, 3],
      [null, 4],
    ]),
    "83a13102a47472756503a46e756c6c04",
  );
  sends("[VAL-13] __proto__", JSON.parse('{"__proto__": {"a": 1}}'), "81a95f5f70726f746f5f5f81a16101");
  sends("[VAL-13] __proto__ in a Map", new Map([["__proto__", 1n << 40n]]), "81a95f5f70726f746f5f5fcf0000010000000000");

  it("[VAL-12] a class instance is sent as its own fields, without accessors, methods and private fields", () => {
    class Base {
      a = 1;
    }
    class Point extends Base {
      b = 2;
      #c = 3;
      get sum(): number {
        return this.a + this.b + this.#c;
      }
      move(): void {}
    }
    expect(resultHex(new Point())).toBe("82a16101a16202");
  });

  it("[VAL-14] an Error is sent as name, message and stack", () => {
    const error = Object.assign(new RangeError("m"), { stack: "s", code: "left out" });
    expect(resultHex(error)).toBe("83a46e616d65aa52616e67654572726f72a76d657373616765a16da5737461636ba173");
  });
});

describe("encoded bytes belong to the caller", () => {
  it.each([0, 1, 127, 128, 129, 2 ** 20, 32 * 2 ** 20])(
    "[VAL-7] %i bytes of binary are sent unchanged and do not change later",
    (length) => {
      const { encode, decode } = createCodec();
      const data = new Uint8Array(length).map((_, index) => (index * 7) % 251);
      const expected = data.slice();
      const bytes = encode({ type: "response", ...at, result: data });
      data.fill(1);
      for (const other of ["x".repeat(length), new Uint8Array(length).fill(2), 1]) {
        encode({ type: "response", ...at, result: other });
      }
      const message = decode(bytes);
      const result = message.type === "response" ? (message.result as Uint8Array) : undefined;
      expect(Buffer.compare(result ?? new Uint8Array(1), expected)).toBe(0);
    },
  );

  it("do not change when other messages of any size are encoded", () => {
    const { encode, decode } = createCodec();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat(40_000)), { maxLength: 20 }), (messages) => {
        const sent = messages.map(([id, size]) =>
          encode({ type: "response", ...at, id: `i${id}`, result: body(size) }),
        );
        for (const [index, bytes] of sent.entries()) {
          const [id, size] = messages[index] ?? ["", 0];
          const message = decode(bytes);
          expect(message.id).toBe(`i${id.toWellFormed()}`);
          const result = message.type === "response" ? message.result : undefined;
          expect(Buffer.compare(result as Uint8Array, body(size))).toBe(0);
        }
      }),
      { numRuns: 50 },
    );

    function body(size: number): Uint8Array {
      return new Uint8Array(size).fill(size);
    }
  });

  it.each([{ many: new Array(20_000).fill(300) }, { many: [...new Array(20_000).fill(300), () => 1] }])(
    "are whole after a message of many small values, sent or refused",
    ({ many }) => {
      const { encode, decode } = createCodec();
      const send = (result: unknown): unknown => decode(encode({ type: "response", ...at, result }));
      for (let round = 0; round < 3; round++) {
        expect(send(1)).toMatchObject({ result: 1 });
        try {
          expect(send(many)).toMatchObject({ result: many });
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
        }
      }
      expect(send(2)).toMatchObject({ result: 2 });
    },
  );

  it("encoding a message in a getter of another one disturbs neither", () => {
    const codec = createCodec();
    let inner: Uint8Array | undefined;
    const value = {
      a: "before",
      get b() {
        inner = codec.encode({ type: "response", ...at, result: "inner" });
        return "b";
      },
      c: "after",
    };
    const outer = codec.decode(codec.encode({ type: "response", ...at, result: value }));
    expect(outer).toMatchObject({ result: { a: "before", b: "b", c: "after" } });
    expect(codec.decode(inner ?? new Uint8Array())).toMatchObject({ result: "inner" });
  });
});

describe("limits", () => {
  const call = (args: unknown[], limits: object): unknown =>
    createCodec({ limits }).encode({ type: "call", ...at, function: "store", args, namespace: "default" });

  it("[LIM-2] the error of a message that is too large has its size and what to do", () => {
    const error = thrownBy(() => call([["a".repeat(100)], 2 ** 40], { maxMessageBytes: 150 }), SerializationError);
    expect(error.code).toBe("MESSAGE_TOO_LARGE");
    expect(error.message).toBe(
      "The call of 'store' takes 205 bytes, more than the 150 of limits.maxMessageBytes. Nothing was sent. " +
        "Send it in parts, pass a file's path, or raise the limit on both sides.",
    );
  });

  it("[LIM-2] also for messages of other types", () => {
    const { encode } = createCodec({ limits: { maxMessageBytes: 100 } });
    const error = thrownBy(() => encode({ type: "response", ...at, result: "a".repeat(90) }), SerializationError);
    expect(error.message).toMatch(
      /^The response message takes 1\d\d bytes, more than the 100 of limits\.maxMessageBytes\./,
    );
  });

  it("[LIM-2] a message that is far too large is refused before it is encoded: 100 references to 50 MiB", () => {
    const large = new Uint8Array(50 * 2 ** 20);
    const before = process.memoryUsage().arrayBuffers;
    const error = thrownBy(() => call(new Array(100).fill(large), {}), SerializationError);
    expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE", path: "args[1]" });
    expect(error.message).toBe(
      "args[1]: more than 67108864 bytes in one message (limits.maxMessageBytes); send it in parts, " +
        "pass a file's path, or raise the limit on both sides. Nothing was sent.",
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  it.each([
    ["maxStringBytes", { maxStringBytes: 60 }, ["é".repeat(31)], "args[0]: more than 60 bytes in one string"],
    [
      "maxStringBytes",
      { maxStringBytes: 60 },
      [{ ["k".repeat(61)]: 1 }],
      `args[0].${"k".repeat(61)}: more than 60 bytes in one string`,
    ],
    [
      "maxBinaryBytes",
      { maxBinaryBytes: 3 },
      [[new Uint8Array(4)]],
      "args[0][0]: more than 3 bytes in one binary value",
    ],
    ["maxArrayLength", { maxArrayLength: 2 }, [[1, 2, 3]], "args[0]: more than 2 items in one array"],
    ["maxArrayLength", { maxArrayLength: 2 }, [1, 2, 3], "args: more than 2 items in one array"],
    ["maxMapLength", { maxMapLength: 1 }, [{ a: 1, b: 2 }], "args[0]: more than 1 keys in one map"],
    ["maxValues", { maxValues: 3 }, [[1, 2]], "args[0][0]: more than 3 values in one message"],
    ["maxValues", { maxValues: 3 }, [{ a: 1, b: 2 }], "args[0].a: more than 3 values in one message"],
    [
      "maxObjects",
      { maxObjects: 3 },
      [[new Uint8Array(1), new Date(0)]],
      "args[0][1]: more than 3 arrays, maps and binary values in one message",
    ],
    ["maxDepth", { maxDepth: 2 }, [[[[1]]]], "args[0][0][0]: more than 2 levels of arrays and maps"],
  ])("[LIM-2] %s: %o refuses the value and names its path", (name, limits, args, what) => {
    const error = thrownBy(() => call(args, limits), SerializationError);
    expect(error.code).toBe("LIMIT_EXCEEDED");
    expect(error.message).toBe(`${what} (limits.${name}). Nothing was sent.`);
    expect(error.path).toBe(what.slice(0, what.indexOf(":")));
  });

  it("[LIM-2] maxStringBytes applies to the text of errors, output and names", () => {
    const { encode } = createCodec({ limits: { maxStringBytes: 60 } });
    const text = "a".repeat(61);
    expect(thrownBy(() => encode({ type: "error", ...at, error: text }), SerializationError).path).toBe("error");
    expect(thrownBy(() => encode({ type: "stdout", ...at, output: text }), SerializationError).path).toBe("output");
    const call: Message = { type: "call", ...at, function: text, args: [], namespace: "n" };
    expect(thrownBy(() => encode(call), SerializationError).path).toBe("function");
  });

  it("[LIM-5] [VAL-16] an argument and a result may be 100 levels deep, not 101", () => {
    const { maxDepth } = DEFAULT_LIMITS;
    expect(maxDepth).toBe(100);
    expect(() => call([nested(100)], {})).not.toThrow();
    expect(thrownBy(() => call([nested(101)], {}), SerializationError).code).toBe("LIMIT_EXCEEDED");
    expect(resultHex(nested(100))).toBe(`${"91".repeat(100)}01`);
    expect(thrownBy(() => resultHex(nested(101)), SerializationError).code).toBe("LIMIT_EXCEEDED");
  });

  it("the encoder works after a refused message", () => {
    const codec = createCodec({ limits: { maxMessageBytes: 100 } });
    const good: Message = { type: "response", ...at, result: 1 };
    const before = toHex(codec.encode(good));
    expect(() => codec.encode({ type: "response", ...at, result: "a".repeat(99) })).toThrow();
    expect(() => codec.encode({ type: "response", ...at, result: () => 1 })).toThrow();
    expect(toHex(codec.encode(good))).toBe(before);
  });
});

describe("undefined arguments", () => {
  const codec = createCodec();
  const argsHex = (args: unknown[], features?: readonly Feature[]): string => {
    const call: Message = { type: "call", ...at, function: "f", args, namespace: "n" };
    const bytes = features === undefined ? codec.encode(call) : codec.encode(call, { features: new Set(features) });
    const [, rest = ""] = toHex(bytes).split("a461726773");
    return rest.slice(0, rest.indexOf("a96e616d657370616365"));
  };

  it.each<[args: unknown[], hex: string, hexWithFeature: string]>([
    [[undefined], "90", "90"],
    [[1, undefined, undefined], "9101", "9101"],
    [[1, undefined, null, undefined], "9301c0c0", "9301d40000c0"],
    [[undefined, 1], "92c001", "92d4000001"],
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
    [[, 1, ,], "92c001", "92d4000001"],
    [[[undefined], { a: undefined }], "9291c080", "9291c080"],
  ])("[VAL-10] %j", (args, hex, hexWithFeature) => {
    expect(argsHex(args)).toBe(hex);
    expect(argsHex(args, [])).toBe(hex);
    expect(argsHex(args, ["undefined"])).toBe(hexWithFeature);
  });

  it("[CALL-8] an argument that was not given is read as undefined, and only as an argument itself", () => {
    const call: Message = { type: "call", ...at, function: "f", args: [undefined, [undefined], 1], namespace: "n" };
    const read = codec.decode(codec.encode(call, { features: new Set(["undefined"] as const) }));
    expect(read).toMatchObject({ args: [undefined, [null], 1] });
  });

  it("[LIM-2] count as values", () => {
    const small = createCodec({ limits: { maxValues: 4, maxArrayLength: 2 } });
    const send = (args: unknown[]): Uint8Array =>
      small.encode(
        { type: "call", ...at, function: "f", args, namespace: "n" },
        { features: new Set(["undefined"] as const) },
      );
    expect(() => send([undefined, [1]])).toThrow(/^args\[1\]\[0\]: more than 4 values in one message/);
    expect(() => send([undefined, undefined, 1])).toThrow(/^args: more than 2 items in one array/);
  });
});

it("[MSG-16] of the announced features only those that are known are read", () => {
  const announced = (features: unknown): Feature[] => [...featuresOf({ features } as Metadata)];
  expect(announced(["cancel", "undefined", 7])).toEqual(["undefined"]);
  expect([announced("undefined"), announced({ undefined: true }), announced(undefined)]).toEqual([[], [], []]);
  expect([...featuresOf(undefined)]).toEqual([]);
});
