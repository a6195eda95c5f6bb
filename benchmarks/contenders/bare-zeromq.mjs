// zeromq.js and nothing else: a DEALER here, a ROUTER at the other end, the same number of bytes as Multifrost moves.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Dealer } from "zeromq";
import { encoded } from "./encoded.mjs";

const WORKER = fileURLToPath(new URL("./bare-zeromq.worker.mjs", import.meta.url));

/** `command`: the program at the other end and its arguments, before the endpoint to connect to. */
export async function open({ command = [process.execPath, WORKER] }) {
  const { call, answer } = encoded("add", [1, 2], 3);
  const dealer = new Dealer({ linger: 0 });
  await dealer.bind("tcp://127.0.0.1:*");
  const [program, ...args] = [...command, dealer.lastEndpoint];
  const child = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"] });
  const waiting = [];
  const unsent = [];
  let sending = false;
  const roundTrip = (bytes) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      unsent.push(bytes);
      if (!sending) {
        sendAll();
      }
    });
  // A socket takes one send() at a time.
  async function sendAll() {
    sending = true;
    for (let bytes = unsent.shift(); bytes !== undefined; bytes = unsent.shift()) {
      await dealer.send([null, bytes]);
    }
    sending = false;
  }
  const receiving = receiveAll();
  async function receiveAll() {
    for await (const [, bytes] of dealer) {
      waiting.shift()(bytes);
    }
  }
  // The first message tells the other end what it answers to small ones.
  await roundTrip(answer);
  return {
    add: async () => ((await roundTrip(call)).length === answer.length ? 3 : undefined),
    echo: roundTrip,
    async close() {
      dealer.close();
      await receiving;
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
