import { randomBytes } from "node:crypto";
import { APP_ID, createCall, createCodec } from "@multifrost/protocol";
import { describe, expect, test } from "vitest";
import { joined, mapBytes, nestedArrays, textBytes } from "../support/hostile-bytes.js";
import { networkClient } from "../support/network.js";
import { openParent, type StandInParent } from "../support/parent.js";
import { type RawDealer, rawDealer } from "../support/raw-dealer.js";
import { type Service, startService } from "../support/services.js";
import { until } from "../support/until.js";

const EMPTY = new Uint8Array();
const codec = createCodec();

interface Attack {
  service: Service;
  attacker: RawDealer;
  /** A parent that behaves. */
  parent: StandInParent;
  dropped(): Promise<number>;
}

async function setUp(): Promise<Attack> {
  const service = await startService("answers-calls.mjs", "target");
  const parent = await openParent(networkClient({ connect: { port: service.port } }));
  const dropped = async (): Promise<number> => {
    const answer = (await parent.call("about")) as { result?: { dropped: number } };
    return answer.result?.dropped ?? Number.NaN;
  };
  return { service, attacker: rawDealer(service.port), parent, dropped };
}

/** Waits until all that was sent has been dropped, and checks that the worker is as it was. */
async function survived({ service, parent, dropped }: Attack, count: number): Promise<void> {
  let seen = 0;
  for (let tries = 0; tries < 1_000 && seen < count; tries++) {
    seen = await dropped();
  }
  expect(seen).toBe(count);
  expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
  expect(service.process.exitCode).toBeNull();
}

const call = codec.encode(createCall({ function: "add", args: [1, 2] }));

describe("[NET-6] whatever arrives, the worker goes on, and counts it", () => {
  test("random bytes", async () => {
    const attack = await setUp();
    for (let size = 0; size < 500; size++) {
      await attack.attacker.send([EMPTY, randomBytes(size)]);
    }
    await survived(attack, 500);
    // A flood is not one in the log: one line a second at most.
    const warned = attack.service.stderr().match(/ WARN +message_dropped /g) ?? [];
    expect(warned.length).toBeGreaterThan(0);
    expect(warned.length).toBeLessThan(10);
  });

  test("[NET-5] wrong frames", async () => {
    const attack = await setUp();
    await attack.attacker.send([call]);
    await attack.attacker.send([EMPTY]);
    await attack.attacker.send(["not empty", call]);
    await survived(attack, 3);
  });

  test("[NET-5] frames behind the payload are ignored, and the call is answered", async () => {
    const attack = await setUp();
    await attack.attacker.send([EMPTY, call, "more", "and more"]);
    const [empty, payload] = await attack.attacker.receive();
    expect(empty).toHaveLength(0);
    expect(codec.decode(new Uint8Array(payload ?? EMPTY))).toMatchObject({ type: "response", result: 3 });
    await survived(attack, 0);
  });

  test.each<[string, Uint8Array]>([
    ["an empty payload", EMPTY],
    ["another app", mapBytes({ app: "other_ipc", id: "x", type: "call", function: "add" })],
    ["an unknown type", mapBytes({ app: APP_ID, id: "x", type: "explode" })],
    ["a type that every object has", mapBytes({ app: APP_ID, id: "x", type: "constructor" })],
    ["a call without an id", mapBytes({ app: APP_ID, type: "call", function: "add" })],
    ["a call with an empty id", mapBytes({ app: APP_ID, type: "call", id: "", function: "add" })],
    ["an array of four billion", Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ["a map of four billion", Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ["a text of four billion bytes", Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff)],
    ["ten million levels", nestedArrays(10_000_000)],
    ["a map whose key is a map", Uint8Array.of(0x81, 0x80, 0x01)],
    ["a truncated call", call.slice(0, 20)],
  ])("%s", async (_what, payload) => {
    const attack = await setUp();
    await attack.attacker.send([EMPTY, payload]);
    await survived(attack, 1);
  });

  test("a heartbeat that cannot be echoed", async () => {
    const attack = await setUp();
    const head = mapBytes({ app: APP_ID, id: "x", type: "heartbeat" }, 1);
    await attack.attacker.send([EMPTY, joined(head, textBytes("args"), nestedArrays(101))]);
    // As long as a message may be: what the answer adds makes it too long.
    const filler = textBytes("x".repeat(64 * 1024 * 1024 - head.length - 16));
    await attack.attacker.send([EMPTY, joined(head, textBytes("args"), Uint8Array.of(0x91), filler)]);
    await until(() => attack.service.stderr().includes("message_dropped"));
    expect(await attack.parent.call("add", [1, 2])).toMatchObject({ result: 3 });
    expect(attack.service.process.exitCode).toBeNull();
  });

  test("[CALL-3] calls to members that are not callable: each is an error, nothing ends", async () => {
    const attack = await setUp();
    for (const name of [
      "constructor",
      "stop",
      "run",
      "start",
      "toString",
      "valueOf",
      "__proto__",
      "_private",
      "then",
    ]) {
      expect(await attack.parent.call(name)).toMatchObject({ type: "error" });
    }
    await survived(attack, 0);
  });

  test("[VAL-13] a prototype in the arguments is data", async () => {
    const attack = await setUp();
    const head = mapBytes({ app: APP_ID, id: "proto", type: "call", function: "echo" }, 1);
    const hostile = joined(Uint8Array.of(0x91, 0x81), textBytes("__proto__"), mapBytes({ polluted: "yes" }));
    attack.parent.sendBytes(joined(head, textBytes("args"), hostile));
    const { result } = (await attack.parent.answer("proto")) as { result?: object[] };
    expect(Object.getOwnPropertyNames(result?.[0])).toEqual(["__proto__"]);
    await survived(attack, 0);
  });

  test("a peer that leaves before its calls are answered", async () => {
    const attack = await setUp();
    for (let count = 0; count < 100; count++) {
      await attack.attacker.send([EMPTY, codec.encode(createCall({ function: "wait", args: [20] }))]);
    }
    attack.attacker.close();
    await attack.parent.call("wait", [50]);
    await survived(attack, 0);
  });
});
