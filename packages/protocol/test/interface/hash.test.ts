import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type InterfaceDescription, interfaceHash, type ValueType } from "../../src/interface/index.js";
import { PREDICTOR } from "./descriptions.js";

const returning = (returns?: ValueType): InterfaceDescription => ({
  functions: { f: { parameters: [], ...(returns && { returns }) } },
});

test("[INT-4] is the SHA-256 of what callers depend on, the same in every version of this package", async () => {
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  expect(await interfaceHash({ functions: {} })).toBe(sha256("[[],[]]"));
  const rows = '["rows",["list",["list","float"]],false,false],["model",["union","\\"nil\\"","\\"str\\""],true,false]';
  const functions = `["predict",[${rows}],["list",["ref","Prediction"]]],["reset",[],"nil"]`;
  const types = '["Prediction",[["at","time",true],["label","str",false],["score","float",false]]]';
  expect(await interfaceHash(PREDICTOR)).toBe(sha256(`[[${functions}],[${types}]]`));
  expect(await interfaceHash({ functions: { f: {} } })).toBe(sha256('[[["f",null,"any"]],[]]'));
});

test("[INT-4] ignores documentation, language and order", async () => {
  const { predict, reset } = PREDICTOR.functions;
  const { doc: _doc, ...undocumented } = predict!;
  const turned: InterfaceDescription = {
    ...PREDICTOR,
    language: "go",
    functions: { reset: reset!, predict: undocumented },
  };
  expect(await interfaceHash(turned)).toBe(await interfaceHash(PREDICTOR));
  const either = await interfaceHash(returning({ union: ["int", "nil"] }));
  expect(await interfaceHash(returning({ union: ["nil", "int", "nil"] }))).toBe(either);
  expect(await interfaceHash(returning("any"))).toBe(await interfaceHash(returning()));
});

test("[INT-4] changes with everything a caller depends on", async () => {
  const point = (x: ValueType, optional?: true): InterfaceDescription => ({
    functions: {},
    types: { Point: { fields: { x: { type: x, ...(optional && { optional }) } } } },
  });
  const descriptions: InterfaceDescription[] = [
    PREDICTOR,
    { functions: {} },
    { functions: { f: {} } },
    { functions: { g: {} } },
    { functions: { f: { parameters: [] } } },
    ...[{ name: "a" }, { name: "b" }].map((only) => ({ functions: { f: { parameters: [only] } } })),
    { functions: { f: { parameters: [{ name: "a" }, { name: "b" }] } } },
    { functions: { f: { parameters: [{ name: "b" }, { name: "a" }] } } },
    { functions: { f: { parameters: [{ name: "a", optional: true }] } } },
    { functions: { f: { parameters: [{ name: "a", rest: true }] } } },
    { functions: { f: { parameters: [{ name: "a", type: "int" }] } } },
    ...(["nil", "bool", "int", "float", "str", "bytes", "time"] as const).map(returning),
    ...(["nil", "int"] as const).flatMap((type) => [{ list: type }, { map: type }]).map(returning),
    ...[{ tuple: [] }, { tuple: ["int"] as const }, { tuple: [{ tuple: [] }] }, { union: [] }].map(returning),
    ...["1", 1, true, "true"].map((literal) => returning({ literal })),
    returning({ ref: "Point" }),
    point("int"),
    point("float"),
    point("int", true),
  ];
  const hashes = await Promise.all(descriptions.map(interfaceHash));
  expect(new Set(hashes).size).toBe(descriptions.length);
  expect(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
});
