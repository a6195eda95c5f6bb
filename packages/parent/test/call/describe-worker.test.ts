import { RemoteCallError } from "@multifrost/protocol";
import { expect, it, vi } from "vitest";
import { describeWorker } from "../../src/call/describe-worker.js";
import { errorOf } from "../support/until.js";

const answering = (value: unknown, metadata?: Record<string, unknown>) => vi.fn(async () => ({ value, metadata }));

it("[INT-1] the names that the answer lists, and what its metadata tells of them", async () => {
  const told = { language: "go", functions: { Add: { returns: "int" }, Gone: {} } };
  const ask = answering(["Add", "Sub"], { interface: told, other: 1 });
  expect(await describeWorker(ask)).toEqual({ language: "go", functions: { Add: { returns: "int" }, Sub: {} } });
  expect(ask).toHaveBeenCalledExactlyOnceWith("listFunctions");
});

it("[INT-1] an older worker, which tells no more: the names alone", async () => {
  expect(await describeWorker(answering(["add"]))).toEqual({ functions: { add: {} } });
});

it.each([[undefined], [null], ["add"], [{ add: 1 }]])(
  "[INT-3] an answer that is no list, %j, lists nothing, whatever is told beside it",
  async (value) => {
    expect(await describeWorker(answering(value, { interface: { functions: { add: {} } } }))).toEqual({
      functions: {},
    });
  },
);

it("[INT-3] what is no name in the list is left out", async () => {
  expect(await describeWorker(answering(["add", 1, null, ["sub"]]))).toEqual({ functions: { add: {} } });
});

it("[CALL-7] asks by the other names too", async () => {
  const ask = vi.fn(async (name: string) => {
    if (name !== "list_functions") {
      throw new RemoteCallError(`no ${name}`, { remoteMessage: name });
    }
    return { value: ["add"], metadata: undefined };
  });
  expect(await describeWorker(ask)).toEqual({ functions: { add: {} } });
  const nowhere = vi.fn(() => Promise.reject(new RemoteCallError("no", { remoteMessage: "no" })));
  expect((await errorOf(describeWorker(nowhere))).message).toBe("no");
});
