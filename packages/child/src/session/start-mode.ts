// How a worker is reached: the choice of the mode, opening its channel, and announcing a service.

import type { MessageLimits } from "@multifrost/protocol";
import { MultifrostError } from "@multifrost/protocol/errors";
import { PORT_VARIABLE, parsePort } from "@multifrost/protocol/internal";
import type { ServiceRegistry } from "@multifrost/registry";
import {
  parseTcpEndpoint,
  type ServerChannel,
  type ServerEvents,
  type ServerTransport,
  zeromqServer,
} from "@multifrost/transport";
import type { ChildOptions } from "../options.js";

/** How a child is reached: by the parent that spawned it, by its name, or over the transport it was given. */
export type StartMode =
  | { readonly kind: "spawned"; readonly port: number }
  | { readonly kind: "service"; readonly serviceId: string }
  | { readonly kind: "composed"; readonly transport: ServerTransport };

/**
 * Chooses the mode: `options.transport` comes first, then the parent's port, then the service id.
 *
 * Throws `MultifrostError`: `INVALID_PORT`, or `NO_START_MODE` where none of the three is given.
 */
export function startMode(options: ChildOptions, env: Readonly<Record<string, string | undefined>>): StartMode {
  const { transport, serviceId } = options;
  if (transport !== undefined) {
    return { kind: "composed", transport };
  }
  const port = env[PORT_VARIABLE];
  if (port !== undefined) {
    return { kind: "spawned", port: parsePort(port) };
  }
  if (serviceId !== undefined) {
    return { kind: "service", serviceId };
  }
  throw new MultifrostError(
    "NO_START_MODE",
    `This worker has neither ${PORT_VARIABLE} in its environment nor a service id. ` +
      "Let a parent start it with ParentWorker.spawn(), or name it as a service: new MyWorker('my-service').run().",
  );
}

/**
 * Opens the channel: connects to the parent, or listens on a free port.
 *
 * @param host The address a service listens on. Default: `127.0.0.1`.
 *
 * Rejects with `ConnectionError`: `UNREACHABLE`, `TRANSPORT_UNAVAILABLE`.
 */
export async function openChannel(
  mode: StartMode,
  host: string | undefined,
  { maxMessageBytes }: Pick<MessageLimits, "maxMessageBytes">,
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

/** A service that can be found by its name. */
export interface Announcement {
  /** Takes the service out of the registry. Rejects as `ServiceRegistry.unregister` does. */
  withdraw(): Promise<void>;
}

/**
 * Registers a service under the port its channel listens on. The other modes announce nothing.
 *
 * Rejects with `RegistryError`: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`; with `MultifrostError`
 * `TRANSPORT_UNAVAILABLE` for an endpoint without a port.
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
    async withdraw() {
      await registry.unregister(serviceId);
    },
  };
}
