import { createFileRegistry } from "@multifrost/registry";
import { createMemoryTransport } from "@multifrost/transport";
import { expect, it } from "vitest";
import type { ComposedOptions } from "../src/index.js";
import { composedWay, serviceWay, spawnedWay } from "../src/ways.js";

it("each way has its name and kind, and a service less time to answer", () => {
  expect(spawnedWay("./some/math.ts", undefined, {})).toMatchObject({ name: "math.ts", kind: "spawned" });
  expect(spawnedWay(new URL("file:///some/math.ts"), undefined, {}).name).toBe("math.ts");
  expect(serviceWay("math", createFileRegistry({ directory: "/nonexistent" }), {})).toMatchObject({
    name: "math",
    serviceId: "math",
    kind: "service",
    startTimeoutMs: 5000,
  });
  expect(composedWay({ transport: createMemoryTransport().client() })).toMatchObject({
    name: "worker",
    kind: "composed",
  });
});

it("without a transport there is no way of one's own", () => {
  expect(() => composedWay({} as ComposedOptions)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
});
