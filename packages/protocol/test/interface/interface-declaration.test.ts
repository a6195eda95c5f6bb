import { describe, expect, test } from "vitest";
import { interfaceDeclaration, interfaceHash } from "../../src/index.js";
import { PREDICTOR } from "./descriptions.js";

test("[INT-2] a worker's methods as an interface, the records they use, and the hash as a constant", async () => {
  expect(await interfaceDeclaration(PREDICTOR, { name: "Predictor" })).toBe(
    `// Made by multifrost from what the worker tells of itself. Do not change it by hand: make it anew.
// An integer is a number here; beyond 2^53 - 1 either way it arrives as a bigint.

/** Changes with the interface. As the option \`interfaceHash\` of a parent it tells when that has happened. */
export const PREDICTOR_HASH = "${await interfaceHash(PREDICTOR)}";

/** The worker's methods, for \`ParentWorker.spawn<Predictor>(…)\` and \`ParentWorker.connect<Predictor>(…)\`. */
export interface Predictor {
  /**
   * The most likely class of each row.
   */
  predict(rows: number[][], model?: string | null): Prediction[];
  reset(): void;
}

export interface Prediction {
  label: string;
  score: number;
  at?: Date;
}
`,
  );
});

describe("names", () => {
  test.each([
    ["Predictor", "PREDICTOR_HASH"],
    ["TextModel", "TEXT_MODEL_HASH"],
    ["HTTPModel2", "HTTP_MODEL2_HASH"],
    ["Größe", "GRÖSSE_HASH"],
  ])("%s has the hash %s", async (name, hash) => {
    expect(await interfaceDeclaration({ functions: {} }, { name })).toContain(`export const ${hash} = "`);
  });

  test("a record that is called as the interface, or as a type there is, is called otherwise", async () => {
    const types = { Model: { fields: {} }, Date: { fields: { at: { type: "time" as const } } } };
    const functions = { get: { parameters: [], returns: { tuple: [{ ref: "Model" }, { ref: "Date" }] } } };
    const text = await interfaceDeclaration({ functions, types }, { name: "Model" });
    expect(text).toContain("  get(): [Model2, Date2];");
    expect(text).toContain("export interface Model2 {}");
    expect(text).toContain("export interface Date2 {\n  at: Date;\n}");
  });

  test.each(["", "a-b", "class", "string", "Date", "Two Words", "X {} export interface Y"])(
    "the interface cannot be called %j",
    async (name) => {
      await expect(interfaceDeclaration({ functions: {} }, { name })).rejects.toMatchObject({
        code: "INVALID_OPTION",
        message: `name must be what an interface can be called, such as Predictor, not ${JSON.stringify(name)}.`,
      });
    },
  );
});
