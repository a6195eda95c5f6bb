import { expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../src/limits.js";
import { countBytes, countValue, tooMuch, unreadable, unsendable, type Walk } from "../src/value-walk.js";

function walkAt(...path: (string | number)[]): Walk {
  return {
    limits: { ...DEFAULT_LIMITS, maxValues: 2, maxMessageBytes: 10 },
    path,
    ancestors: [],
    maxDepth: 1,
    size: { values: 0, bytes: 0 },
  };
}

it("a path is written as one would write it in code", () => {
  const paths: [(string | number)[], string][] = [
    [["result"], "result"],
    [["args", 0, "cb"], "args[0].cb"],
    [["args", 0, "$a_1", 2, 3], "args[0].$a_1[2][3]"],
    [["args", 0, "two words"], 'args[0]["two words"]'],
    [["args", "1"], 'args["1"]'],
    [["args", ""], 'args[""]'],
    [["args", "é\n\"'"], 'args["é\\n\\"\'"]'],
    [["args", "__proto__"], "args.__proto__"],
  ];
  for (const [path, text] of paths) {
    const error = unsendable(walkAt(...path), "x cannot be sent");
    expect(error.path).toBe(text);
    expect(error.message).toBe(`${text}: x cannot be sent. Nothing was sent.`);
  }
});

it("values and bytes are allowed up to their limit, and not one more", () => {
  const walk = walkAt("args", 1);
  countValue(walk);
  countValue(walk);
  expect(() => countValue(walk)).toThrow("args[1]: more than 2 values in one message (limits.maxValues).");
  countBytes(walk, 10);
  expect(() => countBytes(walk, 1)).toThrow("args[1]: more than 10 bytes in one message (limits.maxMessageBytes);");
});

it("each error has its code", () => {
  expect(unsendable(walkAt("a"), "x").code).toBe("UNSENDABLE_VALUE");
  expect(unreadable(walkAt("a"), new Error("x")).code).toBe("UNSENDABLE_VALUE");
  expect(tooMuch(walkAt("a"), "things", "maxDepth").code).toBe("LIMIT_EXCEEDED");
  expect(() => countBytes(walkAt("a"), 11)).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
});
