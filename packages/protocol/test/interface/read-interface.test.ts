import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readInterface } from "../../src/interface/index.js";
import { hostileInterface, PREDICTOR } from "./descriptions.js";

describe("what a worker tells", () => {
  test("[INT-1] [INT-2] is read as it stands", () => {
    expect(readInterface(PREDICTOR, ["predict", "reset"])).toEqual(PREDICTOR);
  });

  test("[INT-1] the names that the answer lists are the functions: no others, described or not", () => {
    const described = { functions: { add: { returns: "int" }, hidden: { returns: "int" } } };
    expect(readInterface(described, ["add", "sub"])).toEqual({ functions: { add: { returns: "int" }, sub: {} } });
    expect(readInterface(described)).toEqual(described);
  });

  test.each([undefined, null, "x", 1, [], { functions: [] }, { functions: "add", types: 1, language: 2 }])(
    "[INT-1] [INT-3] of a worker that tells nothing, or nonsense (%j), the names are known",
    (told) => {
      expect(readInterface(told, ["add"])).toEqual({ functions: { add: {} } });
      expect(readInterface(told)).toEqual({ functions: {} });
    },
  );

  test("[INT-3] what is not understood is left out, and the rest is kept", () => {
    const told = {
      language: "cobol",
      since: 1959,
      functions: {
        a: { parameters: [{ name: "x", type: "decimal", optional: 1, rest: "yes", unit: "m" }], returns: {}, doc: 3 },
        b: { parameters: [{ name: "x" }, { type: "int" }], returns: "int", doc: "" },
        c: { parameters: "none", returns: "int" },
        d: 4,
      },
      types: { P: { fields: { x: 1, y: { type: "int", optional: true } } }, Q: null },
    };
    expect(readInterface(told)).toEqual({
      language: "cobol",
      functions: { a: { parameters: [{ name: "x" }] }, b: { returns: "int" }, c: { returns: "int" }, d: {} },
      types: { P: { fields: { x: {}, y: { type: "int", optional: true } } }, Q: { fields: {} } },
    });
  });

  test("__proto__ is a name like any other, and changes no prototype", () => {
    const told = JSON.parse('{"functions":{"__proto__":{"returns":"int"}},"types":{"__proto__":{"fields":{}}}}');
    const { functions, types } = readInterface(told, ["__proto__", "toString"]);
    expect(Object.keys(functions)).toEqual(["__proto__", "toString"]);
    expect(Object.getOwnPropertyDescriptor(functions, "__proto__")?.value).toEqual({ returns: "int" });
    expect(functions.toString).toEqual({});
    expect(Object.keys(types ?? {})).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(functions)).toBe(Object.prototype);
  });
});

describe("bounds", () => {
  test("[INT-3] 10 000 functions and records; names of 1000 characters; 2000 characters of documentation", () => {
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`f${index}`, {}]));
    const told = readInterface({ functions: many, types: many });
    expect(Object.keys(told.functions)).toHaveLength(10_000);
    expect(Object.keys(told.types ?? {})).toHaveLength(10_000);
    const long = { functions: { ["x".repeat(1_001)]: {}, f: { doc: "d".repeat(3_000) } } };
    expect(readInterface(long).functions).toEqual({ f: { doc: "d".repeat(2_000) } });
  });

  test("[INT-3] 100 000 types, parameters and fields, all together", () => {
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`f${index}`, {}]));
    const types = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`T${index}`, { fields }]));
    const taking = (count: number) => ({ parameters: Array(count).fill({ name: "x" }) });
    const told = readInterface({
      functions: { a: taking(10_001), b: taking(9_999), c: taking(1), d: taking(1) },
      types,
    });
    expect(Object.keys(told.types?.T8?.fields ?? {})).toHaveLength(10_000);
    const counts = Object.values(told.functions).map(({ parameters }) => parameters?.length);
    expect(counts).toEqual([undefined, 9_999, 1, undefined]);
  });
});

test("[INT-3] whatever it is, a description comes of it, which is read as itself and can be kept as JSON", () => {
  fc.assert(
    fc.property(hostileInterface, (told) => {
      const read = readInterface(told);
      expect(readInterface(read)).toEqual(read);
      expect(readInterface(JSON.parse(JSON.stringify(read)))).toEqual(read);
    }),
    { numRuns: 300 },
  );
});
