import { expect, it } from "vitest";
import { newMessageId } from "../src/index.js";

it("[MSG-2] ids are UUIDs of version 4, and never the same", () => {
  const ids = Array.from({ length: 1000 }, newMessageId);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(new Set(ids).size).toBe(1000);
});
