// What others do on the port of a private worker, with `transport: "zmtp"`: no call is diverted, no forged answer is
// accepted, and the state does not change.

import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { answerHeartbeat, createCodec, createResponse } from "@multifrost/protocol";
import { type ClientChannel, zmtpClient, zmtpServer } from "@multifrost/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ParentState } from "../../src/index.js";
import { spawnFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const codec = createCodec();

function rawBytes(port: number, bytes: string | Uint8Array): void {
  const socket: Socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
}

/** A worker that speaks ZMTP, answers heartbeats and calls, and guesses a token or brings none. */
async function falseWorker(port: number, properties: Record<string, string>, seen: string[]): Promise<void> {
  const server = zmtpServer({ connect: { port }, properties });
  const channel = await server.open({
    message(peer, bytes) {
      const message = codec.decode(bytes);
      seen.push(message.type);
      if (message.type === "heartbeat") {
        channel.send(peer, codec.encode(answerHeartbeat(message)));
      } else if (message.type === "call") {
        channel.send(peer, codec.encode(createResponse(message.id, "forged")));
      }
    },
    up() {},
    down() {},
    dropped() {},
    failed() {},
    peerGone() {},
  });
  onTestFinished(() => channel.close());
}

async function falseParent(port: number): Promise<void> {
  const client = zmtpClient({ connect: { port } });
  const channel: ClientChannel = await client.open({ message() {}, up() {}, down() {}, dropped() {}, failed() {} });
  channel.send(codec.encode(createResponse("00000000-0000-4000-8000-000000000000", "forged")));
  onTestFinished(() => channel.close());
}

const zmtp1 = Uint8Array.of(0x01, 0x00, 0x06, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f);
const halfGreeting = Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3);

const strangers: [string, (port: number, seen: string[]) => void | Promise<void>][] = [
  ["bytes of no protocol", (port) => rawBytes(port, "hello\n")],
  ["HTTP", (port) => rawBytes(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ["TLS", (port) => rawBytes(port, Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5))],
  ["ZMTP/1.0", (port) => rawBytes(port, zmtp1)],
  ["half a greeting", (port) => rawBytes(port, halfGreeting)],
  ["a DEALER that sends a forged answer", (port) => falseParent(port)],
  ["a ROUTER that answers heartbeats and calls", (port, seen) => falseWorker(port, {}, seen)],
  ["a ROUTER that guesses a token", (port, seen) => falseWorker(port, { "X-Token": "0".repeat(32) }, seen)],
  [
    "200 connections that say nothing",
    (port) => {
      for (let count = 0; count < 200; count++) {
        rawBytes(port, "");
      }
    },
  ],
];

describe.each(strangers)("%s", (_what, appear) => {
  it("[NET-8] before the worker connects: no call is diverted, and the state does not change", async () => {
    const go = join(temporaryDirectory(), "go");
    const worker = spawnFixture("waits-to-be-let-in.mjs", { transport: "zmtp", env: { GO: go } });
    const states: ParentState[] = [];
    worker.on("state", (state) => states.push(state));
    const seen: string[] = [];
    let port = 0;
    worker.on("stderr", (line) => {
      port = Number(/^port (\d+)$/.exec(line)?.[1] ?? port);
    });
    const starting = worker.start();
    await until(() => port > 0);
    await appear(port, seen);
    // Time for them to do what they do: this one is not a stranger, and is refused as the others are.
    await until(async () => {
      rawBytes(port, "x");
      return worker.metrics.refusedConnections > 0;
    });
    writeFileSync(go, "");
    await starting;
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => worker.call.add(index, 1)));
    expect(answers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(seen.filter((type) => type === "call")).toEqual([]);
    expect(states).toEqual(["starting", "running"]);
  });
});

it("[NET-8] after the worker has connected nothing listens on the port any more", async () => {
  const worker = spawnFixture("waits-to-be-let-in.mjs", { transport: "zmtp", env: { GO: "/" } });
  let port = 0;
  worker.on("stderr", (line) => {
    port = Number(/^port (\d+)$/.exec(line)?.[1] ?? port);
  });
  await worker.start();
  await until(() => port > 0);
  const refused = await new Promise((resolve) => {
    connect(port, "127.0.0.1")
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .on("connect", () => resolve("connected"));
  });
  expect(refused).toBe("ECONNREFUSED");
  expect(await worker.call.add(1, 2)).toBe(3);
});

it.each(["zeromq", "zmtp"])("a child over %s that knows only the port is let in", async (transport) => {
  const worker = spawnFixture("answers-calls.mjs", {
    transport: "zmtp",
    env: { MULTIFROST_TRANSPORT: transport },
  });
  await worker.start();
  expect(await worker.call.add(1, 2)).toBe(3);
  expect(worker.metrics.refusedConnections).toBe(0);
});
