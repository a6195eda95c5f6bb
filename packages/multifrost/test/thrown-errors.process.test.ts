// What methods throw, as their caller gets it.

import { fileURLToPath } from "node:url";
import { ParentWorker, RemoteCallError } from "multifrost";
import { expect, it } from "vitest";
import { atEnd } from "./workers.js";

interface ThrowingWorker {
  find(id: number): never;
  findAll(): Promise<never>;
  odd(kind: string): never;
  oddLater(kind: string): Promise<never>;
  add(a: number, b: number): number;
}

async function started(): Promise<ParentWorker<ThrowingWorker>> {
  const script = fileURLToPath(new URL("./fixtures/throws.mjs", import.meta.url));
  const worker = ParentWorker.spawn<ThrowingWorker>(script, { isFailure: () => false });
  atEnd(() => worker.stop());
  await worker.start();
  return worker;
}

async function thrown(call: Promise<unknown>): Promise<RemoteCallError> {
  const error = await call.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RemoteCallError);
  return error as RemoteCallError;
}

it("[ERR-1] [ERR-2] [ERR-4] an error has its class, code, fields, stack and cause", async () => {
  const worker = await started();
  const error = await thrown(worker.call.find(7));
  expect(error).toMatchObject({
    message: "'find' failed in throws.mjs: NotFound: No row 7",
    remoteName: "NotFound",
    remoteMessage: "No row 7",
    remoteCode: 404,
    functionName: "find",
  });
  expect(error.remoteData).toEqual({ when: new Date(0) });
  expect(error.remoteStack).toContain("throws.mjs");
  expect(error.cause).toBeInstanceOf(RemoteCallError);
  expect(error.cause).toMatchObject({ remoteName: "TypeError", remoteMessage: "no table" });
  expect((error.cause as Error).stack).toContain("throws.mjs");
});

it("[ERR-3] an AggregateError has its errors, of which each may be anything", async () => {
  const worker = await started();
  const error = await thrown(worker.call.findAll());
  expect(error.remoteName).toBe("AggregateError");
  expect(error.errors).toMatchObject([
    { remoteName: "NotFound", remoteMessage: "a", remoteCode: 404 },
    { remoteName: "Error", remoteMessage: '{"status":503}', remoteData: { status: 503 } },
  ]);
});

it("[ERR-5] [ERR-6] whatever is thrown, its caller gets a readable error, and the worker goes on", async () => {
  const worker = await started();
  const unreadable = "The method threw a value that cannot be read.";
  const rows: [kind: string, message: string, data?: Record<string, unknown>][] = [
    ["undefined", "undefined"],
    ["null", "null"],
    ["text", "just text"],
    ["symbol", "Symbol(s)"],
    ["function", "[Function: fail]"],
    ["object", '{"status":404}', { status: 404 }],
    ["proxy", unreadable],
    ["revoked", unreadable],
    ["frozen", "frozen", { when: new Date(0) }],
    ["cycle", "cycle"],
    ["texts", '{"b":2}', { code: {} }],
    ["members", "members", { constructor: 1, toString: 2, hasOwnProperty: 3 }],
  ];
  for (const [kind, message, data] of rows) {
    for (const method of ["odd", "oddLater"] as const) {
      const error = await thrown(worker.call[method](kind));
      expect([kind, error.remoteMessage, error.remoteData]).toEqual([kind, message, data]);
    }
  }
  const long = await thrown(worker.call.odd("long"));
  expect([long.remoteMessage.length, long.remoteStack?.length]).toEqual([262_151, 262_151]);
  expect(long.remoteData).toBeUndefined();
  expect(await worker.call.add(1, 2)).toBe(3);
});
