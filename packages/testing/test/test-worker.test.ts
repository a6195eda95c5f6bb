import { testWorker } from "@multifrost/testing";
import { ChildWorker, ParentWorker, RemoteCallError, SerializationError, TimeoutError } from "multifrost";
import { afterEach, expect, expectTypeOf, it, vi } from "vitest";
import { MathWorker } from "./workers.js";

afterEach(() => {
  vi.useRealTimers();
});

it("calls methods of a worker of this process, with its types", async () => {
  await using worker = await testWorker(new MathWorker());
  const sum = await worker.call.add(1, 2);
  expect(sum).toBe(3);
  expectTypeOf(sum).toEqualTypeOf<number>();
  // @ts-expect-error The argument must be a number.
  await worker.call.add(1, "2");
  expect(worker.worker.calls).toBe(2);
  expect(worker).toBeInstanceOf(ParentWorker);
  expect([worker.state, worker.name, worker.pid]).toEqual(["running", "MathWorker", undefined]);
});

it("errors arrive as in production: what a method throws, unknown and private names, values that cannot be sent", async () => {
  await using worker = await testWorker(new MathWorker());
  const thrown = worker.call.divide(1, 0);
  await expect(thrown).rejects.toBeInstanceOf(RemoteCallError);
  await expect(thrown).rejects.toMatchObject({ remoteName: "RangeError", remoteMessage: "division by zero" });
  await expect(worker.callFunction("ad")).rejects.toMatchObject({
    code: "FUNCTION_NOT_FOUND",
    message: expect.stringContaining("did you mean 'add'?"),
  });
  await expect(worker.callFunction("_hidden")).rejects.toMatchObject({ code: "PRIVATE_METHOD" });
  await expect(worker.call.echo(Symbol("no"))).rejects.toBeInstanceOf(SerializationError);
  await expect(worker.call.unsendable()).rejects.toMatchObject({
    remoteName: "SerializationError",
    remoteCode: "UNSENDABLE_VALUE",
  });
});

it("values arrive as over a connection: copies, class instances as their data", async () => {
  await using worker = await testWorker(new MathWorker());
  const value = {
    at: new Date(0),
    list: [1, 2n ** 60n],
    nested: new (class Point {
      x = 1;
    })(),
  };
  const echoed = await worker.call.echo(value);
  expect(echoed).toEqual({ at: new Date(0), list: [1, 2n ** 60n], nested: { x: 1 } });
  expect(echoed).not.toBe(value);
});

it("limits hold, at the parent and at the worker", async () => {
  class Small extends MathWorker {
    constructor() {
      super({ limits: { maxDepth: 3 } });
    }
  }
  await using worker = await testWorker(new Small());
  await expect(worker.call.echo([[[[[[1]]]]]])).rejects.toMatchObject({ remoteCode: "LIMIT_EXCEEDED" });
  await using strict = await testWorker(new MathWorker(), { limits: { maxMessageBytes: 2_000 } });
  await expect(strict.call.echo("x".repeat(4_000))).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
});

it("the worker's namespace and name are used, a service is not announced", async () => {
  class Billing extends ChildWorker {
    override readonly namespace = "billing";
    total(): number {
      return 7;
    }
  }
  await using worker = await testWorker(new Billing("billing-service"));
  expect(await worker.call.total()).toBe(7);
});

it("calls time out, and those in flight at stop() have time to finish", async () => {
  const worker = await testWorker(new MathWorker(), { defaultTimeout: 1 });
  await expect(worker.call.later(1)).rejects.toBeInstanceOf(TimeoutError);
  const last = worker.call.withOptions({ timeout: 10_000 }).later(2);
  await worker.stop();
  expect(await last).toBe(2);
  expect(worker.state).toBe("stopped");
  await expect(worker.call.add(1, 2)).rejects.toMatchObject({ code: "NOT_RUNNING" });
});

it("calls are answered under fake timers, and time out when these are moved", async () => {
  vi.useFakeTimers();
  await using worker = await testWorker(new MathWorker());
  expect(await worker.call.add(1, 2)).toBe(3);
  const late = worker.call.withOptions({ timeout: 1_000 }).later(1);
  // Answers one after the other: the call before it has reached the worker.
  expect(await worker.call.add(2, 2)).toBe(4);
  vi.advanceTimersByTime(5);
  expect(await late).toBe(1);
  const never = worker.call.withOptions({ timeout: 3 }).later(1);
  const outcome = expect(never).rejects.toBeInstanceOf(TimeoutError);
  vi.advanceTimersByTime(4);
  await outcome;
});

it("nothing keeps the process alive after stop()", async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name !== "Immediate").length;
  const worker = await testWorker(new MathWorker());
  await worker.call.add(1, 2);
  await worker.stop();
  expect(process.getActiveResourcesInfo().filter((name) => name !== "Immediate").length).toBeLessThanOrEqual(before);
});

it("a worker starts once", async () => {
  const math = new MathWorker();
  await (await testWorker(math)).stop();
  await expect(testWorker(math)).rejects.toMatchObject({ code: "ALREADY_STARTED" });
});

it("options are checked", async () => {
  await expect(testWorker(new MathWorker(), { timeout: 5 } as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
