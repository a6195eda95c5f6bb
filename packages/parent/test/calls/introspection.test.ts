// What a worker reveals about its methods, and the check of its interface against `interfaceHash`.

import type { InterfaceDescription } from "@multifrost/protocol";
import { MultifrostError, RemoteCallError, WorkerExitedError } from "@multifrost/protocol/errors";
import { interfaceHash } from "@multifrost/protocol/interface";
import type { LogLevel, LogRecord } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { expect, it, vi } from "vitest";
import type { Answer, Calls } from "../../src/calls/calls.js";
import { describeWorker, InterfaceCheck, listFunctions } from "../../src/calls/introspection.js";
import type { CallOptions } from "../../src/options.js";
import { composed, composedParent, type Scripted, scriptedWorker } from "../support/composed.js";
import { parentParts } from "../support/context.js";
import { errorOf, until } from "../support/until.js";

const MATH: InterfaceDescription = {
  language: "python",
  functions: { add: { parameters: [{ name: "a", type: "int" }], returns: "int" } },
};
const OTHER: InterfaceDescription = { functions: { add: {}, sub: {} } };

const OPTIONS = { timeout: 5 };

/** Calls that are answered for one name and refused for others. */
function knowing(known: string, answer: Answer = { value: ["add"], metadata: undefined }) {
  const ask = vi.fn(async (name: string): Promise<Answer> => {
    if (name !== known) {
      throw new RemoteCallError(`no ${name}`, { remoteMessage: name });
    }
    return answer;
  });
  return { ask, calls: { ask } as unknown as Calls };
}

it.each([
  ["listFunctions", 1],
  ["list_functions", 2],
  ["ListFunctions", 3],
])("[CALL-7] %s is answered as attempt %i, and nothing is asked after an answer", async (known, attempts) => {
  const { ask, calls } = knowing(known);
  expect(await listFunctions(calls, OPTIONS)).toEqual(["add"]);
  expect(ask).toHaveBeenCalledTimes(attempts);
  expect(ask).toHaveBeenLastCalledWith(known, OPTIONS);
});

it("[CALL-7] a worker that knows none of the names: the first refusal", async () => {
  expect((await errorOf(listFunctions(knowing("nothing").calls, OPTIONS))).message).toBe("no listFunctions");
  expect((await errorOf(describeWorker(knowing("nothing").calls, OPTIONS))).message).toBe("no listFunctions");
});

it.each([
  new MultifrostError("TIMEOUT", "late"),
  new WorkerExitedError("gone", {
    exitCode: 1,
    signal: null,
    stderrTail: "",
    command: "",
    stdoutTail: "",
    uptimeMs: 1_200,
    callsInFlight: 0,
    hint: undefined,
  }),
])("an error that is not a refusal ends it at once: %s", async (error) => {
  const ask = vi.fn(() => Promise.reject(error));
  expect(await errorOf(listFunctions({ ask } as unknown as Calls, OPTIONS))).toBe(error);
  expect(ask).toHaveBeenCalledOnce();
});

it("[INT-1] a description has the names that the answer lists, with what its metadata says of them", async () => {
  const revealed = { language: "go", functions: { Add: { returns: "int" }, Gone: {} } };
  const { calls } = knowing("listFunctions", {
    value: ["Add", "Sub"],
    metadata: { interface: revealed, other: 1 },
  });
  expect(await describeWorker(calls, OPTIONS)).toEqual({
    language: "go",
    functions: { Add: { returns: "int" }, Sub: {} },
  });
});

it("[INT-1] [CALL-7] an older worker, which reveals no more: the names alone", async () => {
  const { calls } = knowing("list_functions");
  expect(await describeWorker(calls, OPTIONS)).toEqual({ functions: { add: {} } });
});

it.each([[undefined], [null], ["add"], [{ add: 1 }]])(
  "[INT-3] an answer that is not a list, %j, lists nothing, whatever its metadata says",
  async (value) => {
    const { calls } = knowing("listFunctions", { value, metadata: { interface: { functions: { add: {} } } } });
    expect(await describeWorker(calls, OPTIONS)).toEqual({ functions: {} });
  },
);

it("[INT-3] items of the list that are not names are left out", async () => {
  const { calls } = knowing("listFunctions", { value: ["add", 1, null, ["sub"]], metadata: undefined });
  expect(await describeWorker(calls, OPTIONS)).toEqual({ functions: { add: {} } });
});

function log() {
  const records: [LogLevel, LogRecord][] = [];
  const at = (level: LogLevel) => (record: LogRecord) => void records.push([level, record]);
  const logged = () => records.filter(([, { event }]) => event.startsWith("interface_"));
  return { logged, logger: { info: at("info"), warn: at("warn"), error: at("error") } };
}

/** Answers introspection with this, and echoes every other call. */
function revealing(worker: Scripted, description: InterfaceDescription): void {
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
async function checking(expected: InterfaceDescription | undefined, actual: InterfaceDescription) {
  const worker = await scriptedWorker();
  revealing(worker, actual);
  const { logged: events, logger } = log();
  const given = expected && { interfaceHash: await interfaceHash(expected) };
  const parent = composedParent(worker.memory, { name: "math", logger, ...given });
  await parent.start();
  return { worker, parent, events };
}

const asked = ({ calls }: Scripted): number => calls.filter((call) => call.function === "listFunctions").length;

it("[INT-4] a worker with another interface than expected causes one warning, which says what to do", async () => {
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
          `${actual.slice(0, 12)}…, and interfaceHash is ${expected.slice(0, 12)}…. Make the types again with ` +
          "interfaceDeclaration(await worker.describe(), …), or start the worker that they belong to.",
        details: { expected, actual, functions: 2 },
      },
    ],
  ]);
  expect(parent.state).toBe("running");
  expect(await parent.callFunction("add")).toBe("add");
});

it("[INT-4] the expected interface logs nothing", async () => {
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

it("[INT-4] the worker is asked again when it is back", async () => {
  const { worker, parent, events } = await checking(MATH, MATH);
  await until(() => parent.metrics.requestsSuccess === 1);
  revealing(worker, OTHER);
  worker.memory.disconnect();
  await until(() => parent.state === "reconnecting");
  worker.memory.reconnect();
  await until(() => events().length > 0);
  expect(events()).toMatchObject([["warn", { event: "interface_mismatch" }]]);
});

it("start() does not wait for the answer, and stop() gives up on it silently", async () => {
  const worker = await scriptedWorker();
  const { logged, logger } = log();
  const parent = composedParent(worker.memory, {
    logger,
    interfaceHash: await interfaceHash(MATH),
    stopTimeout: Number.POSITIVE_INFINITY,
  });
  await parent.start();
  await until(() => asked(worker) === 1);
  await parent.stop();
  expect(logged()).toEqual([]);
});

it("a worker that cannot be asked is logged as interface_unchecked, and is no failure", async () => {
  const worker = await scriptedWorker();
  const { logged, logger } = log();
  const options = { name: "old", logger, maxRestartAttempts: 1, interfaceHash: await interfaceHash(MATH) };
  const other = composedParent(worker.memory, options);
  worker.onCall = ({ id, function: name }) =>
    worker.send({ type: "error", id, timestamp: 1, error: `Function '${name}' not found` });
  await other.start();
  await until(() => logged().length > 0);
  expect(logged()).toMatchObject([
    [
      "info",
      {
        event: "interface_unchecked",
        message: "The interface of old could not be compared with interfaceHash: it did not answer.",
        err: { code: "FUNCTION_NOT_FOUND" },
      },
    ],
  ]);
  expect(other.circuitState).toBe("closed");
});

it("the wait for the answer ends after startTimeout, by a signal", async () => {
  const clock = createFakeClock();
  const expected = "0".repeat(64);
  const { context, records } = parentParts({ startTimeout: 100, interfaceHash: expected }, undefined, clock);
  const ask = (_name: string, { signal }: CallOptions) =>
    new Promise<never>((_, no) => signal?.addEventListener("abort", () => no(signal.reason)));
  new InterfaceCheck(context, { ask } as unknown as Calls, new AbortController().signal).begin();
  clock.advance(99);
  await Promise.resolve();
  expect(records).toEqual([]);
  clock.advance(1);
  await until(() => records.length > 0);
  expect(records).toMatchObject([
    ["info", { event: "interface_unchecked", err: { message: "No answer came within 100 ms." } }],
  ]);
});

it("a check that a later one has overtaken logs nothing", async () => {
  const { context, records } = parentParts({ interfaceHash: await interfaceHash(MATH) });
  const answers: ((answer: Answer) => void)[] = [];
  const ask = vi.fn((_name: string, _options: CallOptions) => new Promise<Answer>((resolve) => answers.push(resolve)));
  const check = new InterfaceCheck(context, { ask } as unknown as Calls, new AbortController().signal);
  check.begin();
  check.begin();
  expect(ask.mock.calls.map(([, { signal }]) => signal?.aborted)).toEqual([true, false]);
  answers[0]?.({ value: ["add", "sub"], metadata: { interface: OTHER } });
  answers[1]?.({ value: [], metadata: undefined });
  await until(() => records.length > 0);
  expect(records).toHaveLength(1);
  expect(records[0]?.[1]).toMatchObject({ details: { functions: 0 } });
});

it("an invalid hash is refused at once", async () => {
  const { memory } = await scriptedWorker();
  expect(() => composedParent(memory, { interfaceHash: "PREDICTOR_HASH" })).toThrow(
    'interfaceHash must be 64 hexadecimal digits, as interfaceHash() returns them, not "PREDICTOR_HASH".',
  );
  const { parent } = await composed();
  expect(await errorOf(parent.describe({ timeout: 5 }))).toMatchObject({ code: "TIMEOUT" });
});
