// What a case of the suite plays on: opens channels, listens to them, and closes what is left when the case is over.

import { deepStrictEqual } from "node:assert/strict";
import type { ClientChannel, CloseOptions, Peer, SendSettled, ServerChannel } from "../channel.js";
import { type Heard, type Lifetime, listen, type Moment } from "./heard.js";
import type { ContractPair, ContractSetup } from "./setup.js";
import { bytesOf, until } from "./wait.js";

/** A client under test. */
export interface ClientEnd {
  readonly channel: ClientChannel;
  readonly heard: Heard;
}

/** A server under test. */
export interface ServerEnd {
  readonly channel: ServerChannel;
  readonly heard: Heard;
}

/** A client and a server that have each heard of the other. */
export interface Connected {
  readonly client: ClientEnd;
  readonly server: ServerEnd;
  /** The server's name for the client. */
  readonly peer: Peer;
}

/** Opens ends for one case. */
export interface Stage {
  readonly setup: ContractSetup;
  openClient(endpoint?: string): Promise<ClientEnd>;
  openServer(endpoint?: string): Promise<ServerEnd>;
  /** Opens both, the one that listens first, and waits until a first message went through; it is not in `heard`. */
  connect(): Promise<Connected>;
}

/** Plays one case: opens nothing itself, closes everything, and fails where a channel spoke out of turn. */
export async function onStage(
  setup: ContractSetup,
  pair: ContractPair,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const moment: Moment = { sending: 0, breaches: [] };
  const open: (() => Promise<void>)[] = [];
  const stage: Stage = {
    setup,
    openClient: (endpoint) => openClient(pair, endpoint, moment, open),
    openServer: (endpoint) => openServer(pair, endpoint, moment, open),
    connect: () => connect(stage),
  };
  try {
    await play(stage);
  } finally {
    await Promise.all(open.map((close) => close()));
  }
  deepStrictEqual(moment.breaches, [], "events came out of turn");
}

async function openClient(
  pair: ContractPair,
  endpoint: string | undefined,
  moment: Moment,
  open: (() => Promise<void>)[],
): Promise<ClientEnd> {
  const lifetime: Lifetime = { state: "opening" };
  const { heard, events } = listen(moment, lifetime);
  const channel = await pair.client(endpoint).open({ ...events, message: (bytes) => events.message("", bytes) });
  lifetime.state = "open";
  const close = closing(channel, lifetime);
  open.push(close);
  const send = (bytes: Uint8Array, settled?: SendSettled) => during(moment, () => channel.send(bytes, settled));
  return { heard, channel: watched(channel, { send, close }) };
}

async function openServer(
  pair: ContractPair,
  endpoint: string | undefined,
  moment: Moment,
  open: (() => Promise<void>)[],
): Promise<ServerEnd> {
  const lifetime: Lifetime = { state: "opening" };
  const { heard, events } = listen(moment, lifetime);
  const channel = await pair.server(endpoint).open(events);
  lifetime.state = "open";
  const close = closing(channel, lifetime);
  open.push(close);
  const send = (peer: Peer, bytes: Uint8Array, settled?: SendSettled) =>
    during(moment, () => channel.send(peer, bytes, settled));
  return { heard, channel: watched(channel, { send, close }) };
}

async function connect(stage: Stage): Promise<Connected> {
  const ends = await openInOrder(stage);
  const { client, server } = ends;
  client.channel.send(bytesOf("hello"));
  await until(() => server.heard.messages.length > 0, "the first message to reach the server");
  const peer = server.heard.peers[0] ?? "";
  server.channel.send(peer, bytesOf("hello"));
  await until(() => client.heard.messages.length > 0, "the first message to reach the client");
  await until(() => client.heard.ups > 0 && server.heard.ups > 0, "both ends to hear that they are connected");
  for (const { heard } of [client, server]) {
    heard.messages.length = 0;
    heard.peers.length = 0;
  }
  return { client, server, peer };
}

async function openInOrder(stage: Stage): Promise<{ client: ClientEnd; server: ServerEnd }> {
  if (stage.setup.listens === "client") {
    const client = await stage.openClient();
    return { client, server: await stage.openServer(client.channel.endpoint) };
  }
  const server = await stage.openServer();
  return { server, client: await stage.openClient(server.channel.endpoint) };
}

function closing(channel: ClientChannel | ServerChannel, lifetime: Lifetime): (o?: CloseOptions) => Promise<void> {
  return async (options) => {
    await channel.close(options);
    lifetime.state = "closed";
  };
}

function during(moment: Moment, send: () => void): void {
  moment.sending += 1;
  try {
    send();
  } finally {
    moment.sending -= 1;
  }
}

function watched<C extends ClientChannel | ServerChannel>(channel: C, over: Pick<C, "send" | "close">): C {
  return Object.defineProperties(Object.create(channel) as C, {
    send: { value: over.send },
    close: { value: over.close },
  });
}
