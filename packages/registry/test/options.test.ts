import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { WRONG_VALUES } from "../../protocol/test/wrong-values.js";
import { createFileRegistry } from "../src/index.js";

const NOT_EMPTY = ["a blank", "the text false", "the text 5", "the text 5s", "a text with a zero byte"];
const FROM_0 = ["0", "-0", "1", "0.5", "1e300", "Infinity"];

const isRefusal = (error: unknown): boolean => (error as { code?: unknown }).code === "INVALID_OPTION";

function labels(accepts: (value: unknown) => boolean): string[] {
  return WRONG_VALUES.filter(([, value]) => accepts(value)).map(([label]) => label);
}

describe("the options of createFileRegistry", () => {
  it.each([
    ["directory", NOT_EMPTY],
    ["lockTimeoutMs", FROM_0],
    ["onWarning", ["a function", "a class"]],
  ])("%s is checked for type and range", (name, accepted) => {
    const taken = labels((value) => {
      try {
        createFileRegistry({ [name]: value });
        return true;
      } catch (error) {
        expect(error).toMatchObject({ name: "RegistryError", code: "INVALID_OPTION" });
        return false;
      }
    });
    expect(taken.sort()).toEqual([...accepted].sort());
  });

  it("a misspelt name is refused with the nearest", () => {
    expect(() => createFileRegistry({ directry: "x" } as object)).toThrow(
      'createFileRegistry has no option "directry". Did you mean directory?',
    );
  });
});

describe("the options of discover", () => {
  it("are checked for type and range", async () => {
    const registry = createFileRegistry({ directory: `${tmpdir()}/none` });
    const wrong = WRONG_VALUES.filter(([label]) => !FROM_0.includes(label));
    for (const [label, timeoutMs] of wrong) {
      const error: unknown = await registry
        .discover("none", { timeoutMs } as object)
        .catch((reason: unknown) => reason);
      expect(isRefusal(error), label).toBe(true);
    }
    for (const [label, signal] of WRONG_VALUES) {
      const error: unknown = await registry
        .discover("none", { timeoutMs: 0, signal } as object)
        .catch((reason: unknown) => reason);
      expect(isRefusal(error), label).toBe(true);
    }
  });
});
