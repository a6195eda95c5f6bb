import { expect, it } from "vitest";
import { MultifrostError } from "../src/errors/index.js";
import { completeLimits, DEFAULT_LIMITS } from "../src/index.js";
import { thrownBy } from "./wire.js";

it("[LIM-1] the defaults", () => {
  expect(DEFAULT_LIMITS).toStrictEqual({
    maxMessageBytes: 67_108_864,
    maxStringBytes: 67_108_864,
    maxBinaryBytes: 67_108_864,
    maxArrayLength: 1_000_000,
    maxMapLength: 1_000_000,
    maxValues: 4_000_000,
    maxObjects: 1_000_000,
    maxDepth: 100,
  });
});

it("[LIM-1] a limit that is left out or undefined has its default; the defaults are not changed", () => {
  expect(completeLimits()).toStrictEqual(DEFAULT_LIMITS);
  expect(completeLimits({ maxDepth: 7, ...({ maxValues: undefined } as object) })).toStrictEqual({
    ...DEFAULT_LIMITS,
    maxDepth: 7,
  });
  expect(DEFAULT_LIMITS.maxDepth).toBe(100);
  completeLimits().maxDepth = 1;
  expect(completeLimits().maxDepth).toBe(100);
});

it.each(Object.keys(DEFAULT_LIMITS))("[LIM-1] %s must be a whole number of at least 1", (name) => {
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null]) {
    const error = thrownBy(() => completeLimits({ [name]: value }), MultifrostError);
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toBe(
      `limits.${name} must be a whole number of at least 1, not ${typeof value === "string" ? `"${value}"` : value}.`,
    );
  }
  expect(completeLimits({ [name]: 1 })).toMatchObject({ [name]: 1 });
});
