import { expect, it } from "vitest";
import * as parent from "../src/index.js";

it("the package exports ParentWorker, and types", () => {
  expect(Object.keys(parent)).toEqual(["ParentWorker"]);
});
