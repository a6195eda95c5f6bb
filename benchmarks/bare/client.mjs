// zeromq.js and nothing else: a DEALER that sends the bytes of a call and waits for the bytes of its answer.
// One process at the other end for each kind of call: echo-peer.mjs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Dealer } from "zeromq";
import { medianOfRoundTrips } from "../measure.mjs";

/** The peer in JavaScript. */
const NODE_PEER = [process.execPath, fileURLToPath(new URL("./echo-peer.mjs", import.meta.url))];

/** Starts both kinds; the time is that of one of them, until its first answer. */
export async function startBare(small, large) {
  const begin = performance.now();
  const forSmall = await connectBare(NODE_PEER, small);
  const startMillis = performance.now() - begin;
  const forLarge = await connectBare(NODE_PEER, large);
  return {
    startMillis,
    small: {
      medianMicros: (ms) => medianOfRoundTrips(forSmall.roundTrip, ms),
      rate: (inFlight, ms) => rate(forSmall, inFlight, ms),
    },
    large: { medianMicros: (ms) => medianOfRoundTrips(forLarge.roundTrip, ms) },
    close: () => Promise.all([forSmall.close(), forLarge.close()]),
  };
}

/**
 * The same roles as Multifrost's: this end binds, the child connects. The command is that of a peer in any language: it
 * gets the endpoint as its argument, answers as echo-peer.mjs does, and ends with its stdin.
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

/** Messages answered per second, each answer followed by the next message. */
async function rate({ send, receive }, inFlight, ms) {
  const begin = performance.now();
  const end = begin + ms;
  let answered = 0;
  for (let index = 0; index < inFlight; index += 1) {
    await send();
  }
  while (performance.now() < end) {
    await receive();
    await send();
    answered += 1;
  }
  for (let index = 0; index < inFlight; index += 1) {
    await receive();
  }
  return ((answered + inFlight) / (performance.now() - begin)) * 1000;
}
