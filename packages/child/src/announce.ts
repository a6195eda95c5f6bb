// Opens the channel of the start mode, and tells the registry where a service is: bind first, then say so.
// Next: inbound.ts.

import { type Codec, MultifrostError } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import { parseTcpEndpoint, type ServerChannel, type ServerEvents, zeromqServer } from "@multifrost/transport";
import type { ChildOptions } from "./options.js";
import type { StartMode } from "./start-mode.js";

/** A service that can be found by its name. */
export interface Announcement {
  readonly serviceId: string;
  readonly port: number;
  /** Takes it back. Rejects as `ServiceRegistry.unregister` does. */
  withdraw(): Promise<void>;
}

/** Opens the channel. Rejects with `ConnectionError`: `UNREACHABLE`, `TRANSPORT_UNAVAILABLE`. */
export async function openChannel(
  mode: StartMode,
  { host }: Pick<ChildOptions, "host">,
  { limits: { maxMessageBytes } }: Codec,
  events: ServerEvents,
): Promise<ServerChannel> {
  switch (mode.kind) {
    case "composed":
      return mode.transport.open(events);
    case "spawned":
      return zeromqServer({ connect: { port: mode.port }, maxMessageBytes }).open(events);
    case "service": {
      const bind = { port: 0, ...(host === undefined ? {} : { host }) };
      return zeromqServer({ bind, maxMessageBytes }).open(events);
    }
    default:
      return mode satisfies never;
  }
}

/**
 * Registers a service; there is nothing to announce in the other modes.
 *
 * Rejects with `RegistryError`: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`.
 */
export async function announce(
  mode: StartMode,
  endpoint: string,
  registry: ServiceRegistry,
): Promise<Announcement | undefined> {
  if (mode.kind !== "service") {
    return undefined;
  }
  const { serviceId } = mode;
  const port = parseTcpEndpoint(endpoint)?.port;
  if (port === undefined) {
    throw new MultifrostError("TRANSPORT_UNAVAILABLE", `A service needs a port, but listens on ${endpoint}.`);
  }
  await registry.register({ serviceId, port });
  return {
    serviceId,
    port,
    async withdraw() {
      await registry.unregister(serviceId);
    },
  };
}
