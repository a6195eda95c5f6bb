import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readInterface } from "../../src/interface/index.js";
import { hostileInterface, PREDICTOR } from "./descriptions.js";

describe("an interface from a worker", () => {
  test("[INT-1] [INT-2] is read unchanged", () => {
    expect(readInterface(PREDICTOR, ["predict", "reset"])).toEqual(PREDICTOR);
  });

  test("[INT-1] has exactly the functions that the answer lists, described or not", () => {
    const described = { functions: { add: { returns: "int" }, hidden: { returns: "int" } } };
    expect(readInterface(described, ["add", "sub"])).toEqual({ functions: { add: { returns: "int" }, sub: {} } });
    expect(readInterface(described)).toEqual(described);
  });

  test.each([undefined, null, "x", 1, [], { functions: [] }, { functions: "add", types: 1, language: 2 }])(
    "[INT-1] [INT-3] has the listed names if the description is missing or invalid: %j",
    (given) => {
      expect(readInterface(given, ["add"])).toEqual({ functions: { add: {} } });
      expect(readInterface(given)).toEqual({ functions: {} });
    },
  );

  test("[INT-3] loses what is not understood and keeps the rest", () => {
    const given = {
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
    expect(readInterface(given)).toEqual({
      language: "cobol",
      functions: { a: { parameters: [{ name: "x" }] }, b: { returns: "int" }, c: { returns: "int" }, d: {} },
      types: { P: { fields: { x: {}, y: { type: "int", optional: true } } }, Q: { fields: {} } },
    });
  });

  test("may have __proto__ as a name, which changes no prototype", () => {
    const given = JSON.parse('{"functions":{"__proto__":{"returns":"int"}},"types":{"__proto__":{"fields":{}}}}');
    const { functions, types } = readInterface(given, ["__proto__", "toString"]);
    expect(Object.keys(functions)).toEqual(["__proto__", "toString"]);
    expect(Object.getOwnPropertyDescriptor(functions, "__proto__")?.value).toEqual({ returns: "int" });
    expect(functions.toString).toEqual({});
    expect(Object.keys(types ?? {})).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(functions)).toBe(Object.prototype);
  });
});

describe("bounds", () => {
  test("[INT-3] 10 000 functions and records, names of 1000 characters, documentation of 2000 characters", () => {
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`f${index}`, {}]));
    const given = readInterface({ functions: many, types: many });
    expect(Object.keys(given.functions)).toHaveLength(10_000);
    expect(Object.keys(given.types ?? {})).toHaveLength(10_000);
    const long = { functions: { ["x".repeat(1_001)]: {}, f: { doc: "d".repeat(3_000) } } };
    expect(readInterface(long).functions).toEqual({ f: { doc: "d".repeat(2_000) } });
  });

  test("[INT-3] 100 000 types, parameters and fields in total", () => {
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`f${index}`, {}]));
    const types = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`T${index}`, { fields }]));
    const taking = (count: number) => ({ parameters: Array(count).fill({ name: "x" }) });
    const given = readInterface({
      functions: { a: taking(10_001), b: taking(9_999), c: taking(1), d: taking(1) },
      types,
    });
    expect(Object.keys(given.types?.T8?.fields ?? {})).toHaveLength(10_000);
    const counts = Object.values(given.functions).map(({ parameters }) => parameters?.length);
    expect(counts).toEqual([undefined, 9_999, 1, undefined]);
  });
});

test("[INT-3] any value is read as a description, which reads as itself and can be stored as JSON", () => {
  fc.assert(
    fc.property(hostileInterface, (given) => {
      const read = readInterface(given);
      expect(readInterface(read)).toEqual(read);
      expect(readInterface(JSON.parse(JSON.stringify(read)))).toEqual(read);
    }),
    { numRuns: 300 },
  );
});
