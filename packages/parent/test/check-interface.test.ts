// What a parent that was given a hash makes of the worker's interface, over a memory transport.

import { type InterfaceDescription, interfaceHash } from "@multifrost/protocol";
import type { LogLevel, LogRecord } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { expect, it, vi } from "vitest";
import type { CallOptions } from "../src/call/call-options.js";
import { createInterfaceCheck } from "../src/check-interface.js";
import { composed, composedParent, type Scripted, scriptedWorker } from "./support/composed.js";
import { errorOf, until } from "./support/until.js";

const MATH: InterfaceDescription = {
  language: "python",
  functions: { add: { parameters: [{ name: "a", type: "int" }], returns: "int" } },
};
const OTHER: InterfaceDescription = { functions: { add: {}, sub: {} } };

function log() {
  const records: [LogLevel, LogRecord][] = [];
  const at = (level: LogLevel) => (record: LogRecord) => void records.push([level, record]);
  const told = () => records.filter(([, { event }]) => event.startsWith("interface_"));
  return { told, logger: { info: at("info"), warn: at("warn"), error: at("error") } };
}

/** Answers introspection with this, and echoes every other call. */
function telling(worker: Scripted, description: InterfaceDescription): void {
  worker.onCall = ({ id, function: name }) => {
    if (name === "listFunctions") {
      const names = Object.keys(description.functions);
      worker.send({ type: "response", id, timestamp: 1, result: names, metadata: { interface: description } });
    } else {
      worker.send({ type: "response", id, timestamp: 1, result: name });
    }
  };
}

/** A parent with the hash, started, of a worker that tells this; and a call after which the check has been answered. */
async function checking(expected: InterfaceDescription | undefined, told: InterfaceDescription) {
  const worker = await scriptedWorker();
  telling(worker, told);
  const { told: events, logger } = log();
  const given = expected && { interfaceHash: await interfaceHash(expected) };
  const parent = composedParent(worker.memory, { name: "math", logger, ...given });
  await parent.start();
  return { worker, parent, events };
}

const asked = ({ calls }: Scripted): number => calls.filter((call) => call.function === "listFunctions").length;

it("[INT-4] another interface than the one expected is one warning, which says what to do", async () => {
  const { parent, events } = await checking(MATH, OTHER);
  await until(() => events().length > 0);
  const [expected, actual] = [await interfaceHash(MATH), await interfaceHash(OTHER)];
  expect(events()).toEqual([
    [
      "warn",
      {
        event: "interface_mismatch",
        timestamp: expect.any(Number),
        workerId: "math",
        message:
          `math is not the worker that its types were made from: its interface (2 functions) has the hash ` +
          `${actual.slice(0, 12)}…, and interfaceHash is ${expected.slice(0, 12)}…. Make the types anew with ` +
          "interfaceDeclaration(await worker.describe(), …), or start the worker that they belong to.",
        details: { expected, actual, functions: 2 },
      },
    ],
  ]);
  expect(parent.state).toBe("running");
  expect(await parent.callFunction("add")).toBe("add");
});

it("[INT-4] the interface that is expected says nothing", async () => {
  const { worker, parent, events } = await checking(MATH, { ...MATH, language: "go" });
  await until(() => asked(worker) === 1 && parent.metrics.requestsSuccess === 1);
  // Its own answer comes after that of the check, and after what the check makes of it.
  await parent.describe().then(interfaceHash);
  expect(events()).toEqual([]);
});

it("without a hash nothing is asked", async () => {
  const { worker, parent } = await checking(undefined, OTHER);
  await parent.callFunction("add");
  expect(worker.calls.map(({ function: name }) => name)).toEqual(["add"]);
});

it("[INT-4] is asked again when the worker is back, which may be another one", async () => {
  const { worker, parent, events } = await checking(MATH, MATH);
  await until(() => parent.metrics.requestsSuccess === 1);
  telling(worker, OTHER);
  worker.memory.disconnect();
  await until(() => parent.state === "reconnecting");
  worker.memory.reconnect();
  await until(() => events().length > 0);
  expect(events()).toMatchObject([["warn", { event: "interface_mismatch" }]]);
});

it("start() does not wait for the answer, and stop() gives up on it in silence", async () => {
  const worker = await scriptedWorker();
  const { told, logger } = log();
  const parent = composedParent(worker.memory, {
    logger,
    interfaceHash: await interfaceHash(MATH),
    stopTimeout: Number.POSITIVE_INFINITY,
  });
  await parent.start();
  await until(() => asked(worker) === 1);
  await parent.stop();
  expect(told()).toEqual([]);
});

it("a worker that cannot be asked is told of for those who look, and counts as no failure", async () => {
  const worker = await scriptedWorker();
  const { told, logger } = log();
  const options = { name: "old", logger, maxRestartAttempts: 1, interfaceHash: await interfaceHash(MATH) };
  const other = composedParent(worker.memory, options);
  worker.onCall = ({ id, function: name }) =>
    worker.send({ type: "error", id, timestamp: 1, error: `Function '${name}' not found` });
  await other.start();
  await until(() => told().length > 0);
  expect(told()).toMatchObject([
    [
      "info",
      {
        event: "interface_unchecked",
        message: "old could not be asked for its interface, to compare it with interfaceHash.",
        err: { code: "FUNCTION_NOT_FOUND" },
      },
    ],
  ]);
  expect(other.circuitState).toBe("closed");
});

it("waits for the answer no longer than it was told, and ends the wait by a signal", async () => {
  const clock = createFakeClock();
  const events = { enabled: () => true, emit: vi.fn() };
  const describe = vi.fn(
    ({ signal }) => new Promise<never>((_, no) => signal.addEventListener("abort", () => no(signal.reason))),
  );
  const { signal } = new AbortController();
  createInterfaceCheck({ workerName: "w", expected: "0", timeoutMs: 100, signal, clock, events, describe })();
  clock.advance(99);
  await Promise.resolve();
  expect(events.emit).not.toHaveBeenCalled();
  clock.advance(1);
  await until(() => events.emit.mock.calls.length > 0);
  expect(events.emit.mock.calls).toMatchObject([
    ["interface_unchecked", { err: { message: "No answer came within 100 ms." } }],
  ]);
});

it("a check that another has overtaken says nothing", async () => {
  const events = { enabled: () => true, emit: vi.fn() };
  const answers: ((description: InterfaceDescription) => void)[] = [];
  const describe = vi.fn(
    (_options: CallOptions) => new Promise<InterfaceDescription>((resolve) => answers.push(resolve)),
  );
  const { signal } = new AbortController();
  const expected = await interfaceHash(MATH);
  const clock = createFakeClock();
  const begin = createInterfaceCheck({ workerName: "w", expected, timeoutMs: 100, signal, clock, events, describe });
  begin();
  begin();
  expect(describe.mock.calls.map(([{ signal: waiting }]) => waiting?.aborted)).toEqual([true, false]);
  answers[0]?.(OTHER);
  answers[1]?.({ functions: {} });
  await until(() => events.emit.mock.calls.length > 0);
  expect(events.emit).toHaveBeenCalledOnce();
  expect(events.emit.mock.calls[0]?.[1]).toMatchObject({ details: { functions: 0 } });
});

it("a hash that is none is refused at once", async () => {
  const { memory } = await scriptedWorker();
  expect(() => composedParent(memory, { interfaceHash: "PREDICTOR_HASH" })).toThrow(
    "interfaceHash must be 64 hexadecimal digits, as interfaceHash() gives them, not PREDICTOR_HASH.",
  );
  const { parent } = await composed();
  expect(await errorOf(parent.describe({ timeout: 5 }))).toMatchObject({ code: "TIMEOUT" });
});
