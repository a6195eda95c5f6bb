// A transport inside one process, for tests and for components that share a process.

import { setImmediate } from "node:timers";
import { ConnectionError } from "@multifrost/protocol/errors";
import { checkOptions } from "@multifrost/protocol/internal";
import type { ChannelCapabilities, ChannelLimits, ClientTransport, ServerTransport } from "../channel.js";
import { LIMIT_RULES, resolveLimits } from "../limits.js";
import { MEMORY_ENDPOINT, MemoryClient, type MemoryConnection, MemoryServer } from "./memory-channel.js";

const CAPABILITIES: ChannelCapabilities = { tellsPeersApart: false, urgent: true };

/** One server and any number of clients that reach each other, and a switch for the network between them. */
export interface MemoryTransport {
  /** The answering end. It has one open channel at a time: a second `open` rejects with `UNREACHABLE`. */
  readonly server: ServerTransport;
  /** A caller's end. It may be opened before the server: its messages wait. */
  client(): ClientTransport;
  /** Cuts every connection at once and loses the messages under way. No connection is made until {@link MemoryTransport.reconnect}. */
  disconnect(): void;
  /** Allows connections again, each under a new peer name. */
  reconnect(): void;
}

/**
 * Makes a transport. Transports are independent of each other.
 *
 * Throws `MultifrostError` (`INVALID_OPTION`).
 */
export function createMemoryTransport(options: ChannelLimits = {}): MemoryTransport {
  checkOptions("createMemoryTransport()", options, LIMIT_RULES);
  const limits = resolveLimits(options);
  const switchboard = new Switchboard();
  return {
    server: {
      capabilities: CAPABILITIES,
      async open(events) {
        const server: MemoryServer = new MemoryServer(limits, events, () => switchboard.removeServer());
        switchboard.addServer(server);
        return server;
      },
    },
    client: () => ({
      capabilities: CAPABILITIES,
      async open(events) {
        const client: MemoryClient = new MemoryClient(limits, events, () => switchboard.removeClient(client));
        switchboard.addClient(client);
        return client;
      },
    }),
    disconnect: () => switchboard.disconnect(),
    reconnect: () => switchboard.reconnect(),
  };
}

/** Connects every client to the server while both are open and the network is on. */
class Switchboard {
  readonly #clients = new Set<MemoryClient>();
  #server: MemoryServer | undefined;
  #isOn = true;
  #connectionsMade = 0;

  addClient(client: MemoryClient): void {
    this.#clients.add(client);
    this.#connectSoon(client);
  }

  removeClient(client: MemoryClient): void {
    this.#disconnect(client);
    this.#clients.delete(client);
  }

  addServer(server: MemoryServer): void {
    if (this.#server !== undefined) {
      throw new ConnectionError("UNREACHABLE", "This memory transport already has a server: close it first.", {
        endpoint: MEMORY_ENDPOINT,
      });
    }
    this.#server = server;
    this.#connectAll();
  }

  removeServer(): void {
    this.#disconnectAll();
    this.#server = undefined;
  }

  reconnect(): void {
    this.#isOn = true;
    this.#connectAll();
  }

  disconnect(): void {
    this.#isOn = false;
    this.#disconnectAll();
  }

  #connectAll(): void {
    for (const client of this.#clients) {
      this.#connectSoon(client);
    }
  }

  #disconnectAll(): void {
    for (const client of this.#clients) {
      this.#disconnect(client);
    }
  }

  /** In a later turn of the event loop: no event comes before `open` has resolved. */
  #connectSoon(client: MemoryClient): void {
    setImmediate(() => {
      const server = this.#server;
      if (this.#isOn && server !== undefined && client.connection === undefined && this.#clients.has(client)) {
        this.#connect(client, server);
      }
    });
  }

  #connect(client: MemoryClient, server: MemoryServer): void {
    this.#connectionsMade += 1;
    const peer = `client-${this.#connectionsMade}`;
    const connection: MemoryConnection = {
      peer,
      toServer: (bytes) => server.emit(() => server.events.message(peer, bytes)),
      toClient: (bytes) => client.emit(() => client.events.message(bytes)),
    };
    server.connect(connection);
    client.connect(connection);
    client.emit(() => client.events.up());
    server.emit(() => server.events.up());
  }

  #disconnect(client: MemoryClient): void {
    const { connection } = client;
    const server = this.#server;
    if (connection === undefined || server === undefined) {
      return;
    }
    client.disconnect();
    server.disconnect(connection);
    setImmediate(() => {
      client.emit(() => client.events.down());
      server.emit(() => server.events.down());
      server.emit(() => server.events.peerGone(connection.peer));
    });
  }
}
