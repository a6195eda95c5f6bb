// Joins the ends of an in-memory transport: who is there, who is connected to whom, under which name.

import { ConnectionError } from "@multifrost/protocol/errors";
import type { ClientEvents, ConnectionEvents, Peer, ServerEvents } from "../channel.js";
import type { MemoryEnd } from "./memory-channel.js";
import { createWire, type NetworkConditions, type Wire } from "./wire.js";

/** What the ends of a memory transport say their endpoint is. */
export const MEMORY_ENDPOINT = "memory://local";

/** One connection. */
export interface Link {
  readonly peer: Peer;
  readonly toServer: Wire;
  readonly toClient: Wire;
}

/** A client that is open. */
export interface ClientEnd {
  readonly end: MemoryEnd;
  readonly events: ClientEvents;
  /** Its connection, while there is one. */
  link: Link | undefined;
}

/** The server that is open. */
export interface ServerEnd {
  readonly end: MemoryEnd;
  readonly events: ServerEvents;
  readonly links: Map<Peer, Link>;
}

/** Connects every client to the server whenever both are there and nobody pulled the plug. */
export interface Switchboard {
  addClient(client: ClientEnd): void;
  removeClient(client: ClientEnd): void;
  /** Throws `ConnectionError` (`UNREACHABLE`) where there is a server already. */
  addServer(server: ServerEnd): void;
  removeServer(): void;
  plug(): void;
  unplug(): void;
}

/** Makes an empty switchboard. */
export function createSwitchboard(conditions: NetworkConditions): Switchboard {
  const clients = new Set<ClientEnd>();
  let server: ServerEnd | undefined;
  let plugged = true;
  let made = 0;

  const connect = (client: ClientEnd) => {
    // In a turn of its own: nobody hears of a connection before `open` resolved.
    setImmediate(() => {
      if (plugged && server !== undefined && client.link === undefined && clients.has(client)) {
        made += 1;
        join(`client-${made}`, client, server, conditions);
      }
    });
  };

  const disconnectAll = () => {
    for (const client of clients) {
      part(client, server);
    }
  };

  return {
    addClient(client) {
      clients.add(client);
      connect(client);
    },
    removeClient(client) {
      part(client, server);
      clients.delete(client);
    },
    addServer(added) {
      if (server !== undefined) {
        throw new ConnectionError("UNREACHABLE", "This memory transport has a server already: close it first.", {
          endpoint: MEMORY_ENDPOINT,
        });
      }
      server = added;
      clients.forEach(connect);
    },
    removeServer() {
      disconnectAll();
      server = undefined;
    },
    plug() {
      plugged = true;
      clients.forEach(connect);
    },
    unplug() {
      plugged = false;
      disconnectAll();
    },
  };
}

function join(peer: Peer, client: ClientEnd, server: ServerEnd, conditions: NetworkConditions): void {
  const link: Link = {
    peer,
    toServer: createWire(conditions, (bytes) => server.end.emit(() => server.events.message(peer, bytes))),
    toClient: createWire(conditions, (bytes) => client.end.emit(() => client.events.message(bytes))),
  };
  client.link = link;
  server.links.set(peer, link);
  tell("up", client, server);
  client.end.wake();
}

function part(client: ClientEnd, server: ServerEnd | undefined): void {
  const { link } = client;
  if (link === undefined || server === undefined) {
    return;
  }
  client.link = undefined;
  server.links.delete(link.peer);
  link.toServer.cut();
  link.toClient.cut();
  setImmediate(() => {
    tell("down", client, server);
    server.end.emit(() => server.events.peerGone(link.peer));
  });
}

function tell(event: "up" | "down", ...ends: readonly { end: MemoryEnd; events: ConnectionEvents }[]): void {
  for (const { end, events } of ends) {
    end.emit(() => events[event]());
  }
}
