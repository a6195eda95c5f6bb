// The cases of the matrix for a TypeScript parent. README.md describes them.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { isProcessAlive } from "@multifrost/registry";
import { ConnectionError, type ParentWorker, RemoteCallError, TimeoutError, WorkerExitedError } from "multifrost";
import { fromTagged } from "./tagged.ts";
import type { MatrixWorker } from "./worker.ts";

/** The worker's methods, in every language. */
export type Matrix = MatrixWorker;

/** What a case gets besides the worker. */
export interface Around {
  readonly mode: "spawn" | "connect";
  report(line: object): void;
}

type Case = (worker: ParentWorker<Matrix>, around: Around) => Promise<void>;

interface ValueRow {
  readonly name: string;
  readonly value: unknown;
  readonly back?: unknown;
  readonly described: string;
}

const METHODS = "add busy checksum describe echo exit fail größe nothing pid say sleep warn".split(" ");

/** The limits of 64-bit integers and of doubles. */
const EDGES = [
  -(2n ** 63n),
  -(2n ** 63n) + 1n,
  -(2n ** 53n) - 1n,
  -(2n ** 53n),
  -(2n ** 53n) + 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

export const CASES: Readonly<Record<string, Case>> = {
  async results({ call }) {
    assert.equal(await call.add(2, 3), 5);
    assert.equal(await call.add(0.5, 0.25), 0.75);
    assert.equal((await call.nothing()) ?? null, null);
  },

  async errors({ call }) {
    const error = await failure(call.fail("no luck"), RemoteCallError);
    assert.equal(error.remoteMessage, "no luck");
    assert.equal(error.functionName, "fail");
    assert.deepEqual([error.remoteName, error.remoteCode, error.remoteData?.row], ["Failed", "LUCK", 7]);
    assert.ok(error.cause instanceof RemoteCallError, "the error has no cause");
    assert.equal(error.cause.remoteMessage, "cause of no luck");
    assert.equal(await call.add(2, 3), 5);
  },

  async values({ call }) {
    const rows = JSON.parse(readFileSync(new URL("../values.json", import.meta.url), "utf8")) as ValueRow[];
    assert.ok(rows.length > 20);
    for (const { name, value, back = value, described } of rows) {
      assert.deepEqual(await call.echo(fromTagged(value)), fromTagged(back), name);
      assert.equal(await call.describe(fromTagged(value)), described, name);
    }
  },

  async binary({ call }) {
    const data = Uint8Array.from({ length: 2 ** 20 }, (_, index) => (31 * index + 7) & 255);
    assert.ok(Buffer.from(data).equals((await call.echo(data)) as Uint8Array), "1 MiB came back changed");
    assert.equal(await call.checksum(data), createHash("sha256").update(data).digest("hex"));
  },

  async int64({ call }) {
    for (const edge of EDGES) {
      assert.equal(BigInt((await call.echo(edge)) as bigint), edge);
      assert.equal(await call.describe(edge), `int ${edge}`);
    }
  },

  async unicode({ call }) {
    assert.equal(await call.größe("日本語 👩‍🚀"), 7);
    const map = { ключ: "значение", 鍵: "値", "🔑": "🔒" };
    assert.deepEqual(await call.echo(map), map);
  },

  async concurrent({ call }) {
    const order: number[] = [];
    const sleep = async (ms: number): Promise<void> => {
      assert.equal(await call.sleep(ms), ms);
      order.push(ms);
    };
    await Promise.all([sleep(600), sleep(300), sleep(0)]);
    assert.deepEqual(order, [0, 300, 600]);
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    assert.deepEqual(await Promise.all(numbers.map((number) => call.echo(number))), numbers);
  },

  async timeout(worker) {
    await failure(worker.withOptions({ timeout: 150 }).sleep(3000), TimeoutError);
    assert.equal(await worker.call.add(2, 3), 5);
  },

  async "busy-heartbeats"(worker) {
    let answered = 0;
    let missed = 0;
    const count = (beat: object): void => void ("rttMs" in beat ? answered++ : missed++);
    worker.on("heartbeat", count);
    assert.equal(await worker.call.busy(1500), 1500);
    worker.off("heartbeat", count);
    assert.ok(answered >= 5, `only ${answered} heartbeats were answered`);
    assert.equal(missed, 0);
  },

  async output(worker) {
    const said = once(worker, "stdout");
    await worker.call.say("grüße 1");
    assert.deepEqual(await said, ["grüße 1"]);
    const warned = once(worker, "stderr");
    await worker.call.warn("warnung 1");
    assert.deepEqual(await warned, ["warnung 1"]);
  },

  async private(worker) {
    const error = await failure(worker.callFunction("_secret"), RemoteCallError);
    assert.match(error.remoteMessage, /_secret/);
  },

  async missing(worker) {
    const error = await failure(worker.callFunction("ad", [1, 2]), RemoteCallError);
    assert.match(error.remoteMessage, /not found/);
  },

  async "list-functions"(worker) {
    assert.deepEqual((await worker.listFunctions()).sort(), METHODS);
    const { language, functions } = await worker.describe();
    const { parameters, returns } = functions.sleep ?? {};
    assert.equal(parameters?.length, 1);
    const known = language === "javascript" ? undefined : "int";
    assert.deepEqual([language, parameters[0]?.type, returns], [language, known, known]);
  },

  async namespace(worker) {
    const error = await failure(worker.withOptions({ namespace: "elsewhere" }).add(2, 3), RemoteCallError);
    assert.match(error.remoteMessage, /default/);
    assert.equal(await worker.withOptions({ namespace: "default" }).add(2, 3), 5);
  },

  async shutdown(worker, { mode }) {
    const pid = await worker.call.pid();
    const last = worker.call.sleep(300);
    // When this is answered, the call above has begun.
    await worker.call.pid();
    const stopped = mode === "spawn" ? worker.stop() : void process.kill(pid, "SIGTERM");
    assert.equal(await last, 300);
    await stopped;
    await until("the worker's process is gone", () => !isProcessAlive(pid));
  },

  async "child-crash"(worker, { mode }) {
    const waiting = worker.call.sleep(30_000);
    const exit = worker.call.exit(3);
    const began = performance.now();
    if (mode === "spawn") {
      assert.equal((await failure(exit, WorkerExitedError)).exitCode, 3);
      assert.equal((await failure(waiting, WorkerExitedError)).exitCode, 3);
    } else {
      await failure(exit, ConnectionError);
      await failure(waiting, ConnectionError);
    }
    assert.ok(performance.now() - began < 5000, "the calls failed late");
  },

  async "service-restart"({ call }, { report }) {
    let isOver = false;
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        assert.equal(await call.add(2, 3), 5);
      }
    });
    const all = Promise.all(callers);
    const first = await call.pid();
    report({ case: "service-restart", ok: true, pid: first });
    const isBack = (async () => {
      while ((await call.pid()) === first);
    })();
    await Promise.race([all, isBack]);
    await isBack;
    isOver = true;
    await all;
  },

  async "parent-crash"({ call }, { report }) {
    report({ case: "parent-crash", ok: true, pid: await call.pid() });
    await call.sleep(60_000);
  },
};

/** The error that a call rejects with, which must be of this class. */
async function failure<E extends Error>(call: Promise<unknown>, kind: new (...args: never[]) => E): Promise<E> {
  const error = await call.then(
    () => assert.fail(`succeeded, where a ${kind.name} was due`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof kind, `failed with ${String(error)}, where a ${kind.name} was due`);
  return error;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `waited 10 s, and not yet: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
