// What hostile frames are sent to: a child, or a parent that calls. Its figures are sent on request.
//
//   node frame-target.mjs SIDE TRANSPORT SEED

import { createSeededRandom } from "@multifrost/testing";
import { createMemoryTransport, zeromqClient, zeromqServer, zmtpClient, zmtpServer } from "@multifrost/transport";
import { ChildWorker, ParentWorker } from "multifrost";
import { honestAnswer } from "../frames/attack-parent.mjs";
import { Hostile } from "../frames/hostile.mjs";
import { held } from "../held.mjs";

const [side, transport, seed] = process.argv.slice(2);
const figures = { answered: 0, wrong: 0, failed: 0, unhandled: 0 };
const AT_ONCE = 500;
const SILENT = { up() {}, down() {}, dropped() {}, failed() {}, message() {} };

for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (error) => {
    figures.unhandled += 1;
    console.error(event, error);
  });
}

class Echo extends ChildWorker {
  echo(value) {
    return value;
  }
}

const client = { zmtp: zmtpClient, zeromq: zeromqClient }[transport];
const server = { zmtp: zmtpServer, zeromq: zeromqServer }[transport];
const memory = createMemoryTransport();
const hostile = new Hostile(side, createSeededRandom(Number(seed)));
let sendOne;

if (side === "child") {
  const child = new Echo({ transport: server?.({ bind: {} }) ?? memory.server, logger: false });
  await child.start();
  process.send({ endpoint: child.endpoint });
  if (transport === "memory") {
    const stranger = await memory.client().open(SILENT);
    sendOne = () => stranger.send(hostile.payload());
    callForever(memory.client());
  }
} else {
  if (transport === "memory") {
    let peer;
    const worker = await memory.server.open({
      ...SILENT,
      peerGone() {},
      message(from, bytes) {
        peer = from;
        const answer = honestAnswer(bytes);
        if (answer !== undefined) {
          worker.send(from, answer);
        }
      },
    });
    sendOne = () => worker.send(peer, hostile.payload());
  }
  callForever(announced(client?.({ bind: {} }) ?? memory.client()));
}

/** Sends where it listens. */
function announced(transport) {
  return {
    capabilities: transport.capabilities,
    async open(events) {
      const channel = await transport.open(events);
      process.send({ endpoint: channel.endpoint });
      return channel;
    },
  };
}

// The campaign has ended.
process.on("disconnect", () => process.exit());

process.on("message", async ({ send }) => {
  for (let sent = 0; sent < send; sent += 1) {
    sendOne();
    if (sent % AT_ONCE === AT_ONCE - 1) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  process.send({ ...figures, held: held() });
});

/** Calls without a pause longer than a turn. A call that is lost with its connection is no failure. */
async function callForever(transport) {
  const parent = new ParentWorker({ transport, logger: false, isFailure: () => false });
  await parent.start();
  for (let number = 0; ; number += 1) {
    try {
      const answer = await parent.call.echo(number);
      figures[answer === number ? "answered" : "wrong"] += 1;
    } catch (error) {
      figures.failed += error.code === "CONNECTION_LOST" ? 0 : 1;
      if (error.code !== "CONNECTION_LOST") {
        console.error(error);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
