// What the error of a call says about the call, on every way in which it can fail.

import { createError } from "@multifrost/protocol";
import type { MultifrostError } from "@multifrost/protocol/errors";
import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it } from "vitest";
import { composed, composedParent } from "../support/composed.js";
import { startFixture } from "../support/spawned.js";
import { errorOf, until } from "../support/until.js";

async function said(promise: Promise<unknown>) {
  const { code, outcome } = await errorOf<MultifrostError>(promise);
  return [code, outcome];
}

describe("a call that was not sent says so", () => {
  it("before start() and after stop()", async () => {
    const parent = composedParent(createMemoryTransport());
    expect(await said(parent.callFunction("x"))).toEqual(["NOT_RUNNING", "not-sent"]);
    await parent.stop();
    expect(await said(parent.callFunction("x"))).toEqual(["NOT_RUNNING", "not-sent"]);
  });

  it("with a wrong option, name or argument", async () => {
    const { parent } = await composed();
    const wrong = "5s" as never;
    expect(await said(parent.callFunction("x", [], { timeout: wrong }))).toEqual(["INVALID_OPTION", "not-sent"]);
    expect(await said(parent.call.withOptions({ timeout: wrong }).x!())).toEqual(["INVALID_OPTION", "not-sent"]);
    expect(await said(parent.callFunction(""))).toEqual(["INVALID_OPTION", "not-sent"]);
    expect(await said(parent.callFunction("x", wrong))).toEqual(["INVALID_OPTION", "not-sent"]);
    expect(await said(parent.callFunction("x", [() => {}]))).toEqual(["UNSENDABLE_VALUE", "not-sent"]);
  });

  it("above a limit, with an open circuit, or with a signal that has fired", async () => {
    const { parent, worker } = await composed({
      maxPending: 1,
      maxRestartAttempts: 1,
      limits: { maxMessageBytes: 1000 },
    });
    expect(await said(parent.callFunction("x", ["x".repeat(2000)]))).toEqual(["MESSAGE_TOO_LARGE", "not-sent"]);
    expect(await said(parent.callFunction("x", [], { signal: AbortSignal.abort() }))).toEqual(["ABORTED", "not-sent"]);
    const first = parent.callFunction("x");
    expect(await said(parent.callFunction("x"))).toEqual(["OVERLOADED", "not-sent"]);
    await until(() => worker.calls.length === 1);
    worker.answer(worker.calls[0]!, 1);
    await first;
    expect(await said(parent.callFunction("x", [], { timeout: 1 }))).toEqual(["TIMEOUT", "unknown"]);
    expect(await said(parent.callFunction("x"))).toEqual(["CIRCUIT_OPEN", "not-sent"]);
  });

  it("while it waits for the connection: timeout, abort, stop()", async () => {
    const { parent, worker } = await composed({ startTimeout: 30 });
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    const controller = new AbortController();
    const aborted = said(parent.callFunction("x", [], { signal: controller.signal }));
    controller.abort();
    expect(await aborted).toEqual(["ABORTED", "not-sent"]);
    expect(await said(parent.callFunction("x", [], { timeout: 1 }))).toEqual(["TIMEOUT", "not-sent"]);
    expect(await said(parent.callFunction("x"))).toEqual(["UNREACHABLE", "not-sent"]);
    const waiting = said(parent.callFunction("x"));
    await parent.stop();
    expect(await waiting).toEqual(["NOT_RUNNING", "not-sent"]);
  });

  it("to a worker that has exited", async () => {
    const worker = await startFixture();
    expect(await said(worker.call.exit(1))).toEqual(["WORKER_EXITED", "unknown"]);
    expect(await said(worker.call.add(1, 2))).toEqual(["WORKER_EXITED", "not-sent"]);
  });
});

describe("a call that the worker refused says that it did not run", () => {
  it.each([
    ["FUNCTION_NOT_FOUND", "Function 'x' not found"],
    ["NOT_CALLABLE", "'x' is not callable"],
    ["PRIVATE_METHOD", "Cannot call private method '_x'"],
    ["WRONG_NAMESPACE", "No namespace 'y' here"],
    ["OVERLOADED", "Too many calls are waiting here"],
    ["STOPPING", "This worker is stopping"],
  ])("%s", async (code, message) => {
    const { parent, worker } = await composed();
    worker.onCall = ({ id }) => worker.send(createError(id, { name: "RefusedCall", code, message }));
    expect(await said(parent.callFunction("x"))).toEqual([code, "not-run"]);
  });

  it("by a worker in another language too, which sends the text alone", async () => {
    const { parent, worker } = await composed();
    worker.onCall = ({ id }) =>
      worker.send({ ...createError(id, { name: "E", message: "Function 'x' not found" }), metadata: {} });
    expect(await said(parent.callFunction("x"))).toEqual(["FUNCTION_NOT_FOUND", "not-run"]);
  });
});

describe("a call of which nothing is known says so", () => {
  it("when the method threw, or answered something that cannot be read", async () => {
    const worker = await startFixture();
    expect(await said(worker.call.fail("no"))).toEqual(["REMOTE_ERROR", "unknown"]);
  });

  it("when it was sent: timeout, abort, a lost connection, stop()", async () => {
    const { parent, worker } = await composed();
    expect(await said(parent.callFunction("x", [], { timeout: 1 }))).toEqual(["TIMEOUT", "unknown"]);
    const controller = new AbortController();
    const aborted = said(parent.callFunction("x", [], { signal: controller.signal }));
    await until(() => worker.calls.length === 2);
    controller.abort();
    expect(await aborted).toEqual(["ABORTED", "unknown"]);
    const lost = said(parent.callFunction("x"));
    await until(() => worker.calls.length === 3);
    worker.memory.disconnect();
    expect(await lost).toEqual(["CONNECTION_LOST", "unknown"]);
    worker.memory.reconnect();
    await until(() => parent.state === "running");
    const cutOff = said(parent.callFunction("x"));
    await until(() => worker.calls.length === 4);
    await parent.stop();
    expect(await cutOff).toEqual(["NOT_RUNNING", "unknown"]);
  });

  it("when the process was killed", async () => {
    const worker = await startFixture();
    const lost = said(worker.call.hang());
    await worker.call.add(1, 1);
    process.kill(worker.pid as number, "SIGKILL");
    expect(await lost).toEqual(["WORKER_EXITED", "unknown"]);
  });
});

it("errors that end no call have no outcome", async () => {
  const { parent } = await composed();
  expect(await errorOf(parent.start())).not.toHaveProperty("outcome");
});
