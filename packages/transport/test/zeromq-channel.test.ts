// A channel on a fake socket that fails on demand.

import { afterEach, describe, expect, it } from "vitest";
import { type ClientChannel, DEFAULT_CHANNEL_LIMITS } from "../src/index.js";
import type { OpenSocket } from "../src/zeromq/open-socket.js";
import { DealerChannel } from "../src/zeromq/zeromq-channel.js";
import { until } from "./open-channels.js";

const opened: ClientChannel[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((channel) => channel.close()));
});

describe("a socket that fails", () => {
  it("while receiving closes the channel: failed comes once, and send throws", async () => {
    const { channel, socket, failures } = open();
    await until(() => socket.receiving !== undefined);
    socket.receiving?.reject(withCode("ETERM"));
    await until(() => failures.length > 0);
    expect(failures).toMatchObject([{ code: "CONNECTION_LOST", endpoint: "tcp://test", cause: { code: "ETERM" } }]);
    expect(() => channel.send(new Uint8Array(1))).toThrow(expect.objectContaining({ code: "CHANNEL_CLOSED" }));
    await channel.close();
    expect(failures).toHaveLength(1);
  });

  it("while sending closes the channel, and every queued message settles", async () => {
    const { channel, socket, failures } = open();
    socket.send = () => Promise.reject(withCode("ENOTSOCK"));
    const outcomes: unknown[] = [];
    channel.send(new Uint8Array(1), (error) => outcomes.push(error?.code));
    channel.send(new Uint8Array(1), (error) => outcomes.push(error?.code));
    await until(() => outcomes.length === 2);
    expect(outcomes).toEqual(["CONNECTION_LOST", "CHANNEL_CLOSED"]);
    expect(failures).toMatchObject([{ code: "CONNECTION_LOST", cause: { code: "ENOTSOCK" } }]);
  });
});

describe("a socket that is connected at once", () => {
  it("reports up in the next turn, when the caller has the channel", async () => {
    const { ups } = open();
    for (let step = 0; step < 100; step += 1) {
      await Promise.resolve();
    }
    expect(ups).toEqual([]);
    await until(() => ups.length === 1);
  });
});

describe("EAGAIN", () => {
  it("for a send: that message settles with CONNECTION_LOST, and the next one is sent", async () => {
    const { channel, socket, failures } = open();
    const sent: unknown[] = [];
    socket.send = async ([, bytes]) => {
      if (bytes?.[0] === 2) {
        throw withCode("EAGAIN");
      }
      sent.push(bytes?.[0]);
    };
    const settled: unknown[] = [];
    for (const number of [1, 2, 3]) {
      channel.send(new Uint8Array([number]), (error) => settled.push(error?.code));
    }
    await until(() => settled.length === 3);
    expect(sent).toEqual([1, 3]);
    expect(settled).toEqual([undefined, "CONNECTION_LOST", undefined]);
    expect(failures).toEqual([]);
  });

  it("for a pending receive on an open socket: the channel receives again", async () => {
    const { socket, messages, failures } = open();
    await until(() => socket.receiving !== undefined);
    socket.receiving?.reject(withCode("EAGAIN"));
    await until(() => socket.receives === 2);
    socket.receiving?.resolve([Buffer.alloc(0), Buffer.from("payload")]);
    await until(() => messages.length === 1);
    expect(failures).toEqual([]);
  });
});

describe("a socket that is connected but not writable", () => {
  it("gets no message until it is writable, and is asked once per connection", async () => {
    const { channel, socket } = open();
    const sent: unknown[] = [];
    let looks = 0;
    Object.defineProperty(socket, "writable", { get: () => ++looks > 3 });
    socket.send = async ([, bytes]) => void sent.push([bytes?.[0], looks]);
    channel.send(new Uint8Array([1]));
    await until(() => sent.length === 1);
    channel.send(new Uint8Array([2]));
    await until(() => sent.length === 2);
    expect(sent).toEqual([
      [1, 4],
      [2, 4],
    ]);
  });
});

interface Pending<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** The parts of a DEALER that a channel uses. */
class FakeDealer {
  closed = false;
  readable = false;
  writable = true;
  linger = 0;
  receives = 0;
  receiving: Pending<Buffer[]> | undefined;
  end: Pending<{ type: string }> | undefined;
  reported = false;
  send: (frames: readonly Uint8Array[]) => Promise<void> = async () => {};

  receive(): Promise<Buffer[]> {
    this.receives += 1;
    return new Promise((resolve, reject) => {
      this.receiving = { resolve, reject };
    });
  }

  close(): void {
    this.closed = true;
    this.receiving?.reject(withCode("EAGAIN"));
    this.end?.resolve({ type: "end" });
  }

  /** The observer: connected at once, ended after `close`. */
  event(): Promise<{ type: string }> {
    if (!this.reported) {
      this.reported = true;
      return Promise.resolve({ type: "handshake" });
    }
    return new Promise((resolve, reject) => {
      this.end = { resolve, reject };
    });
  }
}

function open() {
  const socket = new FakeDealer();
  const failures: unknown[] = [];
  const messages: Uint8Array[] = [];
  const ups: string[] = [];
  const observer = { closed: false, receive: () => socket.event() };
  const parts = { socket, observer, endpoint: "tcp://test", action: "connect" } as unknown as OpenSocket;
  const channel = new DealerChannel(parts, DEFAULT_CHANNEL_LIMITS, {
    up: () => ups.push("up"),
    down() {},
    dropped() {},
    failed: (error) => failures.push(error),
    message: (bytes) => messages.push(bytes),
  });
  opened.push(channel);
  return { channel, socket, failures, messages, ups };
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}
