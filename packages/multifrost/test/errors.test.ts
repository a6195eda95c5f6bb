import * as protocolErrors from "@multifrost/protocol/errors";
import * as facade from "multifrost";
import * as facadeErrors from "multifrost/errors";
import { expect, it } from "vitest";

function errorClasses(module: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(module).filter(([name]) => name.endsWith("Error") && /^[A-Z]/.test(name)));
}

it("every entry point with error classes exports all of them, and the same ones", () => {
  const all = errorClasses(protocolErrors);
  expect(Object.keys(all)).toHaveLength(14);
  for (const module of [facade, facadeErrors]) {
    expect(errorClasses(module)).toEqual(all);
  }
});
