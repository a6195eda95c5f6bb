// zeromq.js and nothing else: a DEALER that sends the bytes of a call and waits for the bytes of its answer.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Dealer } from "zeromq";

/**
 * The same roles as Multifrost's: this end binds, the child connects. The command is that of a peer in any language: it
 * gets the endpoint as its argument, gives every message the answer that the first one was, and ends with its stdin.
 */
export async function connectBare([program, ...args], { call, answer }) {
  const dealer = new Dealer({ linger: 0 });
  await dealer.bind("tcp://127.0.0.1:*");
  const peer = spawn(program, [...args, dealer.lastEndpoint], { stdio: ["pipe", "inherit", "inherit"] });
  const send = () => dealer.send([null, call]);
  const receive = () => dealer.receive();
  // The first message tells the peer what to answer from then on.
  await dealer.send([null, answer]);
  await receive();
  return {
    send,
    receive,
    async roundTrip() {
      await send();
      await receive();
    },
    async close() {
      dealer.close();
      peer.stdin.end();
      await once(peer, "exit");
    },
  };
}
