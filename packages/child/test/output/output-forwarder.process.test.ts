import { describe, expect, test } from "vitest";
import { networkClient } from "../support/network.js";
import { openParent, type StandInParent } from "../support/parent.js";
import { type Fixture, spawnWorker, startFixture } from "../support/processes.js";
import { startService } from "../support/services.js";
import { until } from "../support/until.js";

type Worker = Fixture & { parent: StandInParent };

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Waits for this many lines, and for further ones until the next heartbeat. */
async function lines(parent: StandInParent, stream: "stdout" | "stderr", count: number): Promise<string[]> {
  await until(() => parent.lines(stream).length >= count);
  await parent.heartbeat();
  return parent.lines(stream);
}

/** All output: what arrived as messages, and through the process's pipes. */
function everything({ parent, stdout, stderr }: Worker): string {
  return [...parent.lines("stdout"), ...parent.lines("stderr"), stdout(), stderr()].join("\n");
}

describe("[LIFE-5] [MSG-10] what a spawned worker prints arrives at its parent, line by line", () => {
  test("console.log and console.error, formatted as Node's console does", async () => {
    const { parent, stdout, stderr } = await spawnWorker("prints.mjs");
    await parent.call("log", ["%s has %d, %j", "ann", 42, { a: 1 }, [1, "two"]]);
    await parent.call("log", [{ nested: { deep: { deeper: {} } } }, null, "text"]);
    await parent.call("error", ["careful:", { code: 7 }]);
    expect(await lines(parent, "stdout", 2)).toEqual([
      "ann has 42, {\"a\":1} [ 1, 'two' ]",
      "{ nested: { deep: { deeper: {} } } } null text",
    ]);
    expect(await lines(parent, "stderr", 1)).toEqual(["careful: { code: 7 }"]);
    expect(stdout()).toBe("printed before start\n");
    expect(stderr()).toBe("");
  });

  test("[MSG-2] each line with a unique id, as Python parents drop output without one", async () => {
    const { parent } = await spawnWorker("prints.mjs");
    await parent.call("many", [10]);
    await lines(parent, "stdout", 10);
    const ids = parent.received.filter(({ type }) => type === "stdout").map(({ id }) => id);
    expect(new Set(ids).size).toBe(10);
    expect(ids.every((id) => UUID_V4.test(id))).toBe(true);
  });

  test("in pieces, and several lines at once", async () => {
    const { parent } = await spawnWorker("prints.mjs");
    await parent.call("pieces", ["stdout", "a", "b", "c\nd", "\r\n", "\n"]);
    await parent.call("pieces", ["stderr", "one\ntwo\nthr", "ee\n"]);
    expect(await lines(parent, "stdout", 3)).toEqual(["abc", "d", ""]);
    expect(await lines(parent, "stderr", 3)).toEqual(["one", "two", "three"]);
  });

  test.each([1, 2, 3])("bytes, split inside characters, %d at a time", async (size) => {
    const { parent } = await spawnWorker("prints.mjs");
    const text = "gruß ❄ 🧊 日本";
    await parent.call("bytes", [new TextEncoder().encode(`${text}\n`), size]);
    expect(await lines(parent, "stdout", 1)).toEqual([text]);
  });

  test("the writer's callback is called, with and without an encoding", async () => {
    const { parent } = await spawnWorker("prints.mjs");
    expect(await parent.call("withCallback", ["line\n"])).toMatchObject({ result: [[], []] });
    expect(await lines(parent, "stdout", 2)).toEqual(["line", "line"]);
  });

  test("what is written past JavaScript arrives through the pipe", async () => {
    const { parent, stdout } = await spawnWorker("prints.mjs");
    await parent.call("pastJavaScript", ["from C"]);
    await until(() => stdout().endsWith("from C\n"));
    expect(parent.lines("stdout")).toEqual([]);
  });

  test("an unfinished line arrives when the worker ends", async () => {
    const { parent, stdout, ended } = await spawnWorker("prints.mjs");
    await parent.call("unfinished", ["no line end"]);
    parent.shutdown();
    expect(await ended).toBe(0);
    expect(stdout()).toBe("printed before start\nno line end\n");
  });
});

describe("[LIFE-5] much output", () => {
  test("1 000 lines within one call: all arrive in order, and the call is answered", async () => {
    const { parent } = await spawnWorker("prints.mjs");
    expect(await parent.call("many", [1_000])).toMatchObject({ result: 1_000 });
    expect(await lines(parent, "stdout", 1_000)).toEqual(Array.from({ length: 1_000 }, (_, line) => `line ${line}`));
  });

  test("64 blocks of 256 KiB: all arrive and nothing stalls", async () => {
    const { parent } = await spawnWorker("prints.mjs");
    expect(await parent.call("blocks", [64, 256 * 1024])).toMatchObject({ result: 64 });
    const blocks = await lines(parent, "stdout", 64);
    expect(blocks.length).toBe(64);
    expect(blocks.every((block) => block.length === 256 * 1024 - 1)).toBe(true);
  });
});

describe("output before a parent is seen", () => {
  test("goes to the worker's own streams", async () => {
    const parent = await openParent(networkClient({ bind: {} }));
    const worker = startFixture("prints.mjs", { env: { COMLINK_ZMQ_PORT: `${parent.port}` } });
    await until(() => worker.stdout() === "printed before start\n");
    await parent.heartbeat();
    await parent.call("log", ["seen"]);
    expect(await lines(parent, "stdout", 1)).toEqual(["seen"]);
  });

  test("a logger that prints about it prints one line a second at most", async () => {
    const parent = await openParent(networkClient({ bind: {} }));
    const worker = startFixture("logs-to-stdout.mjs", { env: { COMLINK_ZMQ_PORT: `${parent.port}` } });
    await until(() => worker.stdout().includes("turned\n"));
    const lines = worker.stdout().match(/^debug output_dropped/gm) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(4);
  });
});

test("a worker's own warnings go to its real stderr, and are not forwarded", async () => {
  const { parent, stderr } = await spawnWorker("prints.mjs");
  parent.sendBytes(Uint8Array.of(0xc1));
  await until(() => / WARN +message_dropped /.test(stderr()));
  await parent.call("error", ["forwarded"]);
  expect(await lines(parent, "stderr", 1)).toEqual(["forwarded"]);
});

describe("what is printed right before the process ends is not lost", () => {
  // A turn later it is with ZeroMQ, whose own thread may or may not have sent it when the process is gone.
  test("process.exit(3) in the same turn of the event loop", async () => {
    const worker = await spawnWorker("prints.mjs");
    worker.parent.fire("printAndExit", ["last words", 0]);
    expect(await worker.ended).toBe(3);
    await until(() => everything(worker).includes("last words"));
  });

  test("an uncaught exception, and its stack", async () => {
    const worker = await spawnWorker("prints.mjs");
    worker.parent.fire("crash", ["out of luck"]);
    expect(await worker.ended).toBe(1);
    expect(worker.stderr()).toMatch(/Error: out of luck\n\s+at /);
  });
});

describe("a service", () => {
  test("[MSG-10] prints to every parent seen and to its own streams", async () => {
    const service = await startService("prints.mjs", "printer");
    const { port } = service;
    const parents = await Promise.all([1, 2, 3].map(() => openParent(networkClient({ connect: { port } }))));
    await Promise.all(parents.map((parent) => parent.heartbeat()));
    await parents[0]?.call("log", ["for all"]);
    await parents[1]?.call("pieces", ["stderr", "in pie", "ces\n"]);
    for (const parent of parents) {
      expect(await lines(parent, "stdout", 1)).toEqual(["for all"]);
      expect(await lines(parent, "stderr", 1)).toEqual(["in pieces"]);
    }
    await until(() => service.stdout() === "printed before start\nfor all\n" && service.stderr() === "in pieces\n");
  });

  test("goes on printing to the others when one parent has gone", async () => {
    const { port } = await startService("prints.mjs", "printer");
    const [stays, goes] = await Promise.all([1, 2].map(() => openParent(networkClient({ connect: { port } }))));
    await Promise.all([stays?.heartbeat(), goes?.heartbeat()]);
    await goes?.close();
    await stays?.call("many", [100]);
    expect(stays && (await lines(stays, "stdout", 100)).length).toBe(100);
  });
});
