// ZMTP channels with zeromq.js at the other end, in both bind directions.

import { createSeededRandom } from "@multifrost/protocol/internal";
import { describe, expect, it } from "vitest";
import { Dealer, Router } from "zeromq";
import { zmtpClient, zmtpServer } from "../src/index.js";
import { readyCommand } from "../src/zmtp/commands.js";
import { GREETING } from "../src/zmtp/greeting.js";
import { bytesOf, closeAfterTest, openClient, openServer, texts, until } from "./open-channels.js";
import { RawPeer } from "./raw-peer.js";
import { addressOf } from "./zmtp-setups.js";

/** Sizes around every boundary of the protocol and of the implementations. */
const SIZES = [0, 1, 127, 128, 129, 254, 255, 256, 1023, 1024, 1025, 65_535, 65_536, 65_537, 1_000_000, 20_000_000];

const MESSAGES = 5000;

describe("a ZMTP client and a zeromq.js ROUTER", () => {
  it.each(["binds", "connects"] as const)(
    "the client %s: thousands of messages and large ones, in order",
    async (how) => {
      // Without high-water marks: at one, a ROUTER loses messages.
      const router = new Router({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
      closeAfterTest(() => router.close());
      const client =
        how === "binds"
          ? await openClient(zmtpClient({ bind: {} }))
          : await openClient(zmtpClient(await boundBy(router)));
      if (how === "binds") {
        router.connect(client.channel.endpoint);
      }
      void echo(router);
      const sent = messages();
      for (const bytes of sent) {
        client.channel.send(bytes);
      }
      await until(() => client.recorded.messages.length === sent.length, 15_000);
      expect(differing(sent, client.recorded.messages)).toBe(-1);
      expect(client.recorded.dropped).toEqual([]);
    },
  );

  it("over a Unix socket", async () => {
    const client = await openClient(zmtpClient({ bind: { private: true } }));
    const router = new Router({ linger: 0 });
    closeAfterTest(() => router.close());
    router.connect(client.channel.endpoint);
    void echo(router);
    client.channel.send(bytesOf("by path"));
    await until(() => client.recorded.messages.length === 1);
    expect(texts(client.recorded)).toEqual(["by path"]);
  });

  it("answers the PINGs of libzmq, which disconnects a peer that does not, and libzmq answers its own", async () => {
    const router = new Router({ linger: 0, heartbeatInterval: 200, heartbeatTimeout: 800 });
    closeAfterTest(() => router.close());
    const client = await openClient(zmtpClient({ ...(await boundBy(router)), heartbeatIntervalMs: 400 }));
    await until(() => client.recorded.ups === 1);
    // A peer that answers no PING shows when the time is up: libzmq disconnects it.
    const silent = await RawPeer.connect(router.lastEndpoint ?? "");
    silent.send(GREETING, readyCommand("DEALER", "", {}));
    await silent.closed();
    expect(client.recorded.downs).toBe(0);
  });

  it("returns when the ROUTER does", async () => {
    const first = new Router({ linger: 0 });
    const options = await boundBy(first);
    const client = await openClient(zmtpClient(options));
    await until(() => client.recorded.ups === 1);
    const endpoint = first.lastEndpoint ?? "";
    first.close();
    await until(() => client.recorded.downs === 1);
    client.channel.send(bytesOf("waits"));
    const second = new Router({ linger: 0 });
    closeAfterTest(() => second.close());
    await until(() => client.channel.queued === 1);
    await bindAgain(second, endpoint);
    expect((await second.receive()).slice(1).map(String)).toEqual(["", "waits"]);
  });
});

describe("a ZMTP server and zeromq.js DEALERs", () => {
  it.each(["binds", "connects"] as const)(
    "the server %s: thousands of messages and large ones, in order",
    async (how) => {
      const dealer = new Dealer({ linger: 0 });
      closeAfterTest(() => dealer.close());
      const opening = how === "binds" ? zmtpServer({ bind: {} }) : zmtpServer(await boundBy(dealer));
      const server = await openServer(opening);
      if (how === "binds") {
        dealer.connect(server.channel.endpoint);
      }
      const sent = messages();
      const received: Uint8Array[] = [];
      const receiving = (async () => {
        while (received.length < sent.length) {
          received.push((await dealer.receive())[1] ?? new Uint8Array());
        }
      })();
      let answered = 0;
      for (const bytes of sent) {
        await dealer.send([null, bytes]);
        for (; answered < server.recorded.messages.length; answered += 1) {
          const { peer = "", bytes: answer = bytes } = server.recorded.messages[answered] ?? {};
          server.channel.send(peer, answer);
        }
      }
      await until(() => server.recorded.messages.length === sent.length, 15_000);
      for (const { peer, bytes } of server.recorded.messages.slice(answered)) {
        server.channel.send(peer, bytes);
      }
      await receiving;
      expect(
        differing(
          sent,
          received.map((bytes) => ({ bytes })),
        ),
      ).toBe(-1);
    },
  );

  it("takes the identity of a DEALER as the peer's name, and refuses a second one with it", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const routingId = "\u0001\u00e9\u0000\n";
    // The library writes it as UTF-8; the peer's name has one character for each byte.
    const name = Buffer.from(routingId).toString("latin1");
    const dealer = new Dealer({ linger: 0, routingId });
    closeAfterTest(() => dealer.close());
    dealer.connect(server.channel.endpoint);
    await dealer.send(["", "hello"]);
    await until(() => server.recorded.messages.length === 1);
    expect(server.recorded.messages[0]?.peer).toBe(name);
    const second = await openClient(zmtpClient({ connect: addressOf(server.channel.endpoint), identity: name }));
    second.channel.send(bytesOf("from the second"));
    await dealer.send(["", "from the first"]);
    await until(() => server.recorded.messages.length === 2);
    server.channel.send(name, bytesOf("answer"));
    expect((await dealer.receive()).map(String)).toEqual(["", "answer"]);
    expect(texts(server.recorded)).toEqual(["hello", "from the first"]);
    expect(server.recorded.ups).toBe(1);
  });

  it("drops messages with too few frames or a non-empty delimiter, and ignores frames behind the payload", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const dealer = new Dealer({ linger: 0 });
    closeAfterTest(() => dealer.close());
    dealer.connect(server.channel.endpoint);
    for (const frames of [["alone"], ["", ""], ["not empty", "payload"], ["", "payload", "behind", "more"]]) {
      await dealer.send(frames);
    }
    await until(() => server.recorded.messages.length === 2);
    expect(server.recorded.dropped).toEqual(["wrong-frames", "wrong-frames"]);
    expect(texts(server.recorded)).toEqual(["", "payload"]);
  });
});

async function boundBy(socket: Dealer | Router) {
  await socket.bind("tcp://127.0.0.1:*");
  return { connect: addressOf(socket.lastEndpoint ?? "") };
}

/** The library releases a port a moment after `close`. */
async function bindAgain(socket: Router, endpoint: string): Promise<void> {
  for (;;) {
    try {
      await socket.bind(endpoint);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") {
        throw error;
      }
    }
  }
}

async function echo(router: Router): Promise<void> {
  for await (const [peer = "", , payload = ""] of router) {
    await router.send([peer, "", payload]);
  }
}

function messages(): Uint8Array[] {
  const random = createSeededRandom(7);
  const small = Array.from({ length: MESSAGES }, () => filled(Math.floor(random() * 300), random));
  return [...small, ...SIZES.map((size) => filled(size, random)), ...small];
}

function filled(length: number, random: () => number): Uint8Array {
  const start = Math.floor(random() * 256);
  return Uint8Array.from({ length: Math.min(length, 4096) }, (_, index) => start + index).length === length
    ? Uint8Array.from({ length }, (_, index) => start + index * 7)
    : new Uint8Array(length).fill(start).map((byte, index) => byte + (index >> 12));
}

/** The index of the first message that differs; -1 if none does. */
function differing(sent: readonly Uint8Array[], received: readonly { bytes: Uint8Array }[]): number {
  return sent.findIndex((bytes, index) => Buffer.compare(bytes, received[index]?.bytes ?? new Uint8Array(1)) !== 0);
}
