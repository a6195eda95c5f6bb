// Opens the channel of the start mode, and tells the registry where a service is: bind first, then say so.
// Next: inbound.ts.

import { type Codec, MultifrostError } from "@multifrost/protocol";
import { createFileRegistry, type ServiceRegistry } from "@multifrost/registry";
import { parseTcpEndpoint, type ServerChannel, type ServerEvents, zeromqServer } from "@multifrost/transport";
import type { ChildOptions } from "./options.js";
import type { StartMode } from "./start-mode.js";

/** A channel that is open, and how to take back what was announced. */
export interface Announced {
  readonly channel: ServerChannel;
  /** The port a service listens on. */
  readonly port: number | undefined;
  withdraw(): Promise<void>;
}

/**
 * Opens the channel; a service is registered too.
 *
 * Rejects with `ConnectionError`, and with `RegistryError`: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`.
 */
export async function announce(
  mode: StartMode,
  options: ChildOptions,
  codec: Codec,
  events: ServerEvents,
): Promise<Announced> {
  const { maxMessageBytes } = codec.limits;
  const { host } = options;
  const nothing = async (): Promise<void> => {};
  switch (mode.kind) {
    case "composed":
      return { channel: await mode.transport.open(events), port: undefined, withdraw: nothing };
    case "spawned": {
      const transport = zeromqServer({ connect: { port: mode.port }, maxMessageBytes });
      return { channel: await transport.open(events), port: undefined, withdraw: nothing };
    }
    case "service": {
      const transport = zeromqServer({ bind: { port: 0, ...(host === undefined ? {} : { host }) }, maxMessageBytes });
      const channel = await transport.open(events);
      return registerOrClose(mode.serviceId, channel, options.registry ?? createFileRegistry());
    }
    default:
      return mode satisfies never;
  }
}

async function registerOrClose(
  serviceId: string,
  channel: ServerChannel,
  registry: ServiceRegistry,
): Promise<Announced> {
  const port = parseTcpEndpoint(channel.endpoint)?.port;
  if (port === undefined) {
    throw new MultifrostError("TRANSPORT_UNAVAILABLE", `A service needs a port, but listens on ${channel.endpoint}.`);
  }
  try {
    await registry.register({ serviceId, port });
  } catch (error) {
    await channel.close();
    throw error;
  }
  const withdraw = async (): Promise<void> => {
    await registry.unregister(serviceId);
  };
  return { channel, port, withdraw };
}
