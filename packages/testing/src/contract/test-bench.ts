// Opens and records the channels of one case, and closes them at its end.

import { deepStrictEqual } from "node:assert/strict";
import type { ChannelLimits, ClientChannel, Connection, Peer, ServerChannel } from "@multifrost/transport";
import { EventOrder, EventRecorder } from "./event-recorder.js";
import type { ContractPair, ContractSetup } from "./setup.js";
import { bytesOf, until } from "./wait.js";

/** A client under test. */
export interface ClientEnd {
  readonly channel: ClientChannel;
  readonly recorder: EventRecorder;
}

/** A server under test. */
export interface ServerEnd {
  readonly channel: ServerChannel;
  readonly recorder: EventRecorder;
}

/** A client and a server that have exchanged a message. */
export interface Connected {
  readonly client: ClientEnd;
  readonly server: ServerEnd;
  /** The server's name for the client. */
  readonly peer: Peer;
}

/** Opens the ends of one case. */
export class TestBench {
  readonly setup: ContractSetup;
  readonly #pair: ContractPair;
  readonly #order = new EventOrder();
  readonly #channels: (ClientChannel | ServerChannel)[] = [];

  private constructor(setup: ContractSetup, limits: ChannelLimits) {
    this.setup = setup;
    this.#pair = setup.createPair(limits);
  }

  /** Runs one case, closes its channels, and fails if an event came when it must not. */
  static async run(
    setup: ContractSetup,
    limits: ChannelLimits,
    check: (bench: TestBench) => Promise<void>,
  ): Promise<void> {
    const bench = new TestBench(setup, limits);
    try {
      await check(bench);
    } finally {
      await Promise.all(bench.#channels.map((channel) => channel.close()));
    }
    deepStrictEqual(bench.#order.breaches, [], "events came when they must not");
  }

  /** @param arrived - Decides about connections; without it the channel does. */
  async openClient(endpoint?: string, arrived?: (connection: Connection) => void): Promise<ClientEnd> {
    const recorder = new EventRecorder(this.#order);
    const events = { ...recorder.events, ...(arrived && { arrived }) };
    const opened = await this.#pair.client(endpoint).open({ ...events, message: (bytes) => events.message("", bytes) });
    const channel: ClientChannel = {
      ...this.#observed(opened, recorder),
      get queued() {
        return opened.queued;
      },
      send: (...message) => this.#order.duringSend(() => opened.send(...message)),
    };
    this.#channels.push(channel);
    return { channel, recorder };
  }

  /** @param arrived - Decides about connections; without it the channel does. */
  async openServer(endpoint?: string, arrived?: (connection: Connection) => void): Promise<ServerEnd> {
    const recorder = new EventRecorder(this.#order);
    const opened = await this.#pair.server(endpoint).open({ ...recorder.events, ...(arrived && { arrived }) });
    const channel: ServerChannel = {
      ...this.#observed(opened, recorder),
      get queued() {
        return opened.queued;
      },
      send: (...message) => this.#order.duringSend(() => opened.send(...message)),
    };
    this.#channels.push(channel);
    return { channel, recorder };
  }

  /** Opens both ends, the one that listens first, and waits until messages went both ways, which are not recorded. */
  async connect(): Promise<Connected> {
    const { client, server } = await this.#openBoth();
    client.channel.send(bytesOf("hello"));
    await until(() => server.recorder.messages.length > 0, "the first message to reach the server");
    const peer = server.recorder.peers[0] ?? "";
    server.channel.send(peer, bytesOf("hello"));
    await until(() => client.recorder.messages.length > 0, "the first message to reach the client");
    await until(() => client.recorder.ups > 0 && server.recorder.ups > 0, "up at both ends");
    client.recorder.clear();
    server.recorder.clear();
    return { client, server, peer };
  }

  async #openBoth(): Promise<{ client: ClientEnd; server: ServerEnd }> {
    if (this.setup.listens === "client") {
      const client = await this.openClient();
      return { client, server: await this.openServer(client.channel.endpoint) };
    }
    const server = await this.openServer();
    return { server, client: await this.openClient(server.channel.endpoint) };
  }

  /** The parts of an observed channel that do not depend on its kind. */
  #observed(opened: ClientChannel | ServerChannel, recorder: EventRecorder): Pick<ClientChannel, "endpoint" | "close"> {
    recorder.phase = "open";
    return {
      endpoint: opened.endpoint,
      async close(options) {
        await opened.close(options);
        recorder.phase = "closed";
      },
    };
  }
}
