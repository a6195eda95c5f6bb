import fc from "fast-check";
import { expect, test } from "vitest";
import { formatServices, parseServices } from "../src/services-text.js";

test.each(["", " ", "{", '{"a":', "[]", "null", "7", '"text"', "undefined", '{"a":1}}'])(
  "%j is no registry",
  (text) => {
    expect(parseServices(text)).toBeUndefined();
  },
);

test("an entry's text is kept to the last digit and space", () => {
  const text = `{ "a" : {"port": 5000.0, "ns": 12345678901234567890, "x": [1, {"y": "},\\"{"}]} ,
    "b":null,"c": "te,xt" , "d": [] , "5": -1.0e3 }`;
  expect([...(parseServices(text) ?? [])]).toEqual([
    ["a", '{"port": 5000.0, "ns": 12345678901234567890, "x": [1, {"y": "},\\"{"}]}'],
    ["b", "null"],
    ["c", '"te,xt"'],
    ["d", "[]"],
    ["5", "-1.0e3"],
  ]);
});

test("ids that are names of object members, or written with escapes, are data", () => {
  const services = parseServices('{"__proto__": {"port": 1}, "constructor": 2, "t\\u00e9\\"\\n": 3, "": 4}');
  expect([...(services ?? [])]).toEqual([
    ["__proto__", '{"port": 1}'],
    ["constructor", "2"],
    ['té"\n', "3"],
    ["", "4"],
  ]);
});

test("of an id that is there twice the last one counts, as in every JSON parser", () => {
  expect([...(parseServices('{"a":1,"b":2,"a":3}') ?? [])]).toEqual([
    ["a", "3"],
    ["b", "2"],
  ]);
});

test("entries are written one after the other in their order", () => {
  expect(formatServices(new Map())).toBe("{}\n");
  const services = new Map([
    ["__proto__", '{"port":1}'],
    ['q"', "2"],
  ]);
  expect(formatServices(services)).toBe('{\n  "__proto__": {"port":1},\n  "q\\"": 2\n}\n');
});

test("any map of any JSON values is split as JSON.parse reads it, and comes back after a round trip", () => {
  const anyMap = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { noNullPrototype: false });
  fc.assert(
    fc.property(anyMap, fc.constantFrom(0, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const services = parseServices(text) ?? new Map();
      const read = [...services].map(([key, entry]) => [key, JSON.parse(entry)]);
      const expected = Object.entries(JSON.parse(text) as object);
      expect(new Map(read as [string, unknown][])).toEqual(new Map(expected));
      expect(parseServices(formatServices(services))).toEqual(services);
    }),
  );
});
