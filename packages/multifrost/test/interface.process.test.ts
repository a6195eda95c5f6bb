// From a running worker to the types of its callers, and back to the warning that they have grown old.

import { fileURLToPath } from "node:url";
import { interfaceDeclaration, interfaceHash, type LogRecord, ParentWorker, type SpawnOptions } from "multifrost";
import { describe, expect, it, vi } from "vitest";
import { atEnd, ECHO_SCRIPT, hasPython } from "./workers.js";

const script = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

async function started(path: string, options: SpawnOptions = {}): Promise<ParentWorker> {
  const worker = ParentWorker.spawn(path, options);
  atEnd(() => worker.stop());
  await worker.start();
  return worker;
}

/** A started parent that was given a hash, and what its check of the interface has told so far. */
async function checking(path: string, hash: string): Promise<{ worker: ParentWorker; told: string[] }> {
  const told: string[] = [];
  const note = ({ event }: LogRecord): void => void (event.startsWith("interface_") && told.push(event));
  const logger = { info: note, warn: note, error: note };
  return { worker: await started(path, { interfaceHash: hash, logger }), told };
}

async function isRecognised(path: string, hash: string): Promise<void> {
  const { worker, told } = await checking(path, hash);
  // Asked after the check has asked, and hashed after it has hashed.
  expect(await worker.describe().then(interfaceHash)).toBe(hash);
  expect(told).toEqual([]);
  const other = await checking(ECHO_SCRIPT, hash);
  await vi.waitFor(() => expect(other.told).toEqual(["interface_mismatch"]), { timeout: 10_000, interval: 5 });
}

/** The interface within a declaration, without what stands around it. */
function interfaceIn(declaration: string): string {
  return declaration.slice(declaration.indexOf("export interface"));
}

describe("a worker in TypeScript", () => {
  it("[INT-2] has the names of its parameters, and which may be left out", async () => {
    const worker = await started(script("typed-worker.ts"));
    const declaration = await interfaceDeclaration(await worker.describe(), { name: "Typed" });
    expect(interfaceIn(declaration)).toBe(`export interface Typed {
  predict(rows: unknown, model?: unknown, ...more: unknown[]): unknown;
  reset(): unknown;
}
`);
  });

  it("[INT-4] is recognised by its hash, and another one is not", async () => {
    const hash = await interfaceHash(await (await started(script("typed-worker.ts"))).describe());
    await isRecognised(script("typed-worker.ts"), hash);
  });
});

describe.runIf(hasPython)("a worker in Python", () => {
  it("[INT-1] [INT-2] has the types of its hints", async () => {
    const worker = await started(script("typed_worker.py"));
    const declaration = await interfaceDeclaration(await worker.describe(), { name: "Model" });
    expect(interfaceIn(declaration)).toBe(`export interface Model {
  /**
   * The most likely class of each row.
   */
  predict(rows: number[][], kind?: "fast" | "good"): Prediction[];
  reset(): void;
  untold(anything: unknown): unknown;
}

export interface Prediction {
  at: Date | null;
  label: string;
  score: number;
}
`);
    expect(await worker.callFunction("predict", [[[1, 2]], "good"])).toEqual([{ label: "good", score: 3, at: null }]);
    expect(await worker.callFunction("reset")).toBe(null);
  });

  it("[INT-4] is recognised by its hash, and another one is not", async () => {
    const hash = await interfaceHash(await (await started(script("typed_worker.py"))).describe());
    await isRecognised(script("typed_worker.py"), hash);
  });
});
