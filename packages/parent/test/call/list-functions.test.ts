import { MultifrostError, RemoteCallError, WorkerExitedError } from "@multifrost/protocol";
import { expect, it, vi } from "vitest";
import { listFunctions } from "../../src/call/list-functions.js";
import { errorOf } from "../support/until.js";

const refusal = (name: string) => new RemoteCallError(`no ${name}`, { remoteMessage: name });

/** A worker that knows one name. */
const knowing = (known: string) =>
  vi.fn(async (name: string) => {
    if (name !== known) {
      throw refusal(name);
    }
    return ["add"];
  });

it.each([
  ["listFunctions", 1],
  ["list_functions", 2],
  ["ListFunctions", 3],
])("[CALL-7] %s is answered as attempt %i, and nothing is asked after an answer", async (known, attempts) => {
  const call = knowing(known);
  expect(await listFunctions(call)).toEqual(["add"]);
  expect(call).toHaveBeenCalledTimes(attempts);
});

it("[CALL-7] a worker that knows none of the names: the first refusal", async () => {
  expect((await errorOf(listFunctions(knowing("nothing")))).message).toBe("no listFunctions");
});

it.each([
  new MultifrostError("TIMEOUT", "late"),
  new WorkerExitedError("gone", { exitCode: 1, signal: null, stderrTail: "", command: "" }),
])("what is no refusal ends it at once: %s", async (error) => {
  const call = vi.fn(async () => {
    throw error;
  });
  expect(await errorOf(listFunctions(call))).toBe(error);
  expect(call).toHaveBeenCalledOnce();
});
