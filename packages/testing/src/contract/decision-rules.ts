// Rules about connections that can be told apart: a decision, what waits for it, and what may come before it.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Connection } from "@multifrost/transport";
import type { EventRecorder } from "./event-recorder.js";
import { needs, type Rule } from "./rule.js";
import type { TestBench } from "./test-bench.js";
import { bytesOf, turns, until } from "./wait.js";

const applies = needs("tellsPeersApart");

/** The rules about `arrived`, and the connections it is called with. */
export const decisionRules: readonly Rule[] = [
  {
    name: "until a connection is accepted there is no up and no message; then what waited is delivered",
    applies,
    async check(bench) {
      const { decides, connection } = await undecided(bench);
      decides.send();
      await turns(50);
      deepStrictEqual([decides.recorder.ups, decides.recorder.messages.length, decides.receivedByOther()], [0, 0, 0]);
      strictEqual(connection.accept(), true);
      strictEqual(decides.recorder.ups, 1, "accept calls up");
      strictEqual(connection.accept(), false, "a second time it does nothing");
      await until(() => decides.recorder.messages.length + decides.receivedByOther() === 1, "the message that waited");
    },
  },
  {
    name: "a connection that is refused causes neither up nor down, and refused is called",
    applies,
    async check(bench) {
      const { decides, connection } = await undecided(bench);
      decides.send();
      connection.refuse("for a test");
      await until(() => decides.recorder.refusals.length === 1, "refused");
      ok(decides.recorder.refusals[0]?.includes("for a test"));
      strictEqual(connection.accept(), false);
      await turns(50);
      const { ups, downs, messages } = decides.recorder;
      deepStrictEqual({ ups, downs, messages: messages.length }, { ups: 0, downs: 0, messages: 0 });
      strictEqual(decides.receivedByOther(), 0);
    },
  },
  {
    name: "before the decision a connection can be challenged, and its answer goes to receive alone",
    applies,
    async check(bench) {
      const { decides, connection } = await undecided(bench);
      const answers: Uint8Array[] = [];
      decides.answerWith(bytesOf("it is me"));
      connection.receive((bytes) => answers.push(bytes));
      connection.challenge(bytesOf("who is there?"));
      await until(() => answers.length > 0, "the answer to the challenge");
      deepStrictEqual(answers[0], bytesOf("it is me"));
      deepStrictEqual([decides.recorder.ups, decides.recorder.messages.length], [0, 0]);
      strictEqual(connection.accept(), true);
      connection.challenge(bytesOf("too late"));
      await turns(50);
      strictEqual(decides.receivedByOther(), 1);
    },
  },
  {
    name: "a client with a connection accepts no other, and its messages go to that one",
    applies: (setup) => setup.listens === "client" && applies(setup),
    async check(bench) {
      const { client, server } = await bench.connect();
      const other = await bench.openServer(client.channel.endpoint);
      await until(() => client.recorder.refusals.length > 0, "refused");
      for (let index = 0; index < 100; index += 1) {
        client.channel.send(bytesOf("for the first"));
      }
      await until(() => server.recorder.messages.length === 100, "the messages");
      deepStrictEqual([client.recorder.ups, client.recorder.downs, other.recorder.messages.length], [1, 0, 0]);
    },
  },
];

/** The end that decides, as the listening end does in these rules. */
interface DecidingEnd {
  readonly recorder: EventRecorder;
  /** Sends a message that must wait: from the client, whichever end it is, as a server needs a peer. */
  send(): void;
  receivedByOther(): number;
  /** The other end answers each message with this. */
  answerWith(bytes: Uint8Array): void;
}

/** Opens both ends; the listening one has a connection and has not decided about it. */
async function undecided(bench: TestBench): Promise<{ decides: DecidingEnd; connection: Connection }> {
  const arrivals: Connection[] = [];
  const arrived = (connection: Connection) => void arrivals.push(connection);
  let decides: DecidingEnd;
  if (bench.setup.listens === "client") {
    const client = await bench.openClient(undefined, arrived);
    const server = await bench.openServer(client.channel.endpoint);
    decides = {
      recorder: client.recorder,
      send: () => client.channel.send(bytesOf("waits")),
      receivedByOther: () => server.recorder.messages.length,
      answerWith(bytes) {
        server.recorder.onMessage = (_, peer) => server.channel.send(peer, bytes);
      },
    };
  } else {
    const server = await bench.openServer(undefined, arrived);
    const client = await bench.openClient(server.channel.endpoint);
    decides = {
      recorder: server.recorder,
      send: () => client.channel.send(bytesOf("waits")),
      receivedByOther: () => client.recorder.messages.length,
      answerWith(bytes) {
        client.recorder.onMessage = () => client.channel.send(bytes);
      },
    };
  }
  await until(() => arrivals.length > 0, "a connection");
  const [connection] = arrivals;
  ok(connection);
  return { decides, connection };
}
