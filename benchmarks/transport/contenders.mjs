// Each contender is a client in this process and an echo in another: the client binds, the echo connects.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { zmtpClient } from "@multifrost/transport/zmtp";
import { Dealer } from "zeromq";

const PEER = fileURLToPath(new URL("./echo-peer.mjs", import.meta.url));

/** Starts one of `zmtp-tcp`, `zmtp-unix`, `zeromq`. */
export async function startContender(kind) {
  const client = kind === "zeromq" ? await zeromq() : await zmtp(kind === "zmtp-tcp" ? {} : { private: true });
  const peer = spawn(process.execPath, [PEER, kind, client.endpoint], { stdio: ["pipe", "inherit", "inherit"] });
  await client.roundTrip(new Uint8Array(1));
  return {
    kind,
    ...client,
    async close() {
      peer.stdin.end();
      await once(peer, "exit");
      await client.close();
    },
  };
}

async function zmtp(bind) {
  let onMessage = () => {};
  const channel = await zmtpClient({ bind }).open({
    up() {},
    down() {},
    dropped() {},
    failed(error) {
      throw error;
    },
    message: (bytes) => onMessage(bytes),
  });
  return {
    endpoint: channel.endpoint,
    close: () => channel.close(),
    roundTrip(bytes) {
      return new Promise((resolve) => {
        onMessage = resolve;
        channel.send(bytes);
      });
    },
    /** Messages echoed per second, each echo followed by the next message. */
    rate(bytes, inFlight, ms) {
      return new Promise((resolve) => {
        const begin = performance.now();
        let answered = 0;
        let missing = inFlight;
        onMessage = () => {
          answered += 1;
          if ((answered & 63) === 0 || missing < inFlight) {
            if (performance.now() - begin > ms) {
              missing -= 1;
              if (missing === 0) {
                resolve((answered / (performance.now() - begin)) * 1000);
              }
              return;
            }
          }
          channel.send(bytes);
        };
        for (let index = 0; index < inFlight; index += 1) {
          channel.send(bytes);
        }
      });
    },
  };
}

async function zeromq() {
  const dealer = new Dealer({ linger: 0 });
  await dealer.bind("tcp://127.0.0.1:*");
  return {
    endpoint: dealer.lastEndpoint,
    async close() {
      dealer.close();
    },
    async roundTrip(bytes) {
      await dealer.send([null, bytes]);
      await dealer.receive();
    },
    async rate(bytes, inFlight, ms) {
      const begin = performance.now();
      let answered = 0;
      for (let index = 0; index < inFlight; index += 1) {
        await dealer.send([null, bytes]);
      }
      while (performance.now() - begin < ms) {
        await dealer.receive();
        await dealer.send([null, bytes]);
        answered += 1;
      }
      for (let index = 0; index < inFlight; index += 1) {
        await dealer.receive();
      }
      return ((answered + inFlight) / (performance.now() - begin)) * 1000;
    },
  };
}
