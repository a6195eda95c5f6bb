// How a worker is reached: the choice of the mode, opening its channel, and announcing a service.

import type { MessageLimits } from "@multifrost/protocol";
import { MultifrostError } from "@multifrost/protocol/errors";
import {
  ENDPOINT_VARIABLE,
  PORT_VARIABLE,
  parsePort,
  SPAWN_VARIABLES,
  TOKEN_PROPERTY,
  TOKEN_VARIABLE,
} from "@multifrost/protocol/internal";
import type { ServiceRegistry } from "@multifrost/registry";
import {
  chooseTransport,
  parseTcpEndpoint,
  type ServerTransport,
  zeromqServer,
  zmtpServer,
} from "@multifrost/transport";
import type { ChildOptions } from "../options.js";

/** A child that a parent spawned. */
export interface SpawnedMode {
  readonly kind: "spawned";
  readonly port: number;
  /** The path of the parent's private socket, where it has one. */
  readonly path: string | undefined;
  /** Proves to the parent that this is the process it started. */
  readonly token: string | undefined;
  readonly transport: "zmtp" | "zeromq";
}

/** How a child is reached: by the parent that spawned it, by its name, or over the transport it was given. */
export type StartMode =
  | SpawnedMode
  | { readonly kind: "service"; readonly serviceId: string; readonly transport: "zmtp" | "zeromq" }
  | { readonly kind: "composed"; readonly transport: ServerTransport };

/** Set on `process` once a worker has taken what the parent put into the environment. */
const TAKEN: unique symbol = Symbol.for("multifrost.spawnedWorker");

/** The variables of a process's environment. */
type Environment = Record<string, string | undefined>;

/**
 * Takes out of the environment what the parent put there, and returns it: no process that this one starts from now on can
 * take itself for the worker.
 */
export function takeFromParent(env: Environment): Environment {
  const given = Object.fromEntries(SPAWN_VARIABLES.map((name) => [name, env[name]]));
  for (const name of SPAWN_VARIABLES) {
    delete env[name];
  }
  if (given[PORT_VARIABLE] !== undefined) {
    (process as { [TAKEN]?: boolean })[TAKEN] = true;
  }
  return given;
}

/**
 * Chooses the mode: `options.transport` comes first, then the parent, then the service id.
 *
 * @param given What the parent gave, from {@link takeFromParent}.
 *
 * Throws `MultifrostError`: `INVALID_PORT`, `INVALID_OPTION` for an unknown transport, or `NO_START_MODE` where nothing says
 * how the worker is reached.
 */
export function startMode(options: ChildOptions, given: Environment, env: Environment): StartMode {
  const { transport, serviceId } = options;
  if (typeof transport === "object") {
    return { kind: "composed", transport };
  }
  const { [PORT_VARIABLE]: port, [ENDPOINT_VARIABLE]: endpoint, [TOKEN_VARIABLE]: token } = given;
  const chosen = chooseTransport(transport, env);
  if (port !== undefined) {
    const path = endpoint?.startsWith("ipc://") ? endpoint.slice("ipc://".length) : undefined;
    const isAuto = transport === undefined || transport === "auto";
    // The parent speaks ZMTP where it has a private socket.
    const spoken = isAuto && path !== undefined ? "zmtp" : chosen;
    return { kind: "spawned", port: parsePort(port), path, token, transport: spoken };
  }
  if (serviceId !== undefined) {
    return { kind: "service", serviceId, transport: chosen };
  }
  throw noStartMode();
}

/** Whether {@link startMode} finds one. */
export function hasStartMode({ transport, serviceId }: ChildOptions, given: Environment): boolean {
  return typeof transport === "object" || given[PORT_VARIABLE] !== undefined || serviceId !== undefined;
}

function noStartMode(): MultifrostError {
  const message = (process as { [TAKEN]?: boolean })[TAKEN]
    ? "Another worker object of this process is the one that the parent spawned, and a process has one. " +
      "Put the methods into one class, or give this one a service id: new MyWorker('my-service')."
    : `This worker has neither ${PORT_VARIABLE} in its environment nor a service id. ` +
      "Let a parent start it with ParentWorker.spawn(), or name it as a service: new MyWorker('my-service').run().";
  return new MultifrostError("NO_START_MODE", message);
}

/**
 * What the channel is opened with: a connection to the parent, or a free port to listen on.
 *
 * @param host The address a service listens on. Default: `127.0.0.1`.
 */
export function serverTransport(
  mode: StartMode,
  host: string | undefined,
  { maxMessageBytes }: Pick<MessageLimits, "maxMessageBytes">,
): ServerTransport {
  switch (mode.kind) {
    case "composed":
      return mode.transport;
    case "spawned":
      return spawnedTransport(mode, maxMessageBytes);
    case "service": {
      const bind = { port: 0, ...(host === undefined ? {} : { host }) };
      const server = mode.transport === "zmtp" ? zmtpServer : zeromqServer;
      return server({ bind, maxMessageBytes });
    }
    default:
      return mode satisfies never;
  }
}

function spawnedTransport({ port, path, token, transport }: SpawnedMode, maxMessageBytes: number): ServerTransport {
  if (transport === "zeromq") {
    return zeromqServer({ connect: { port }, maxMessageBytes });
  }
  const connect = path === undefined ? { port } : { path };
  const properties = token === undefined ? {} : { [TOKEN_PROPERTY]: token };
  return zmtpServer({ connect, maxMessageBytes, properties });
}

/** A service that can be found by its name. */
export interface Announcement {
  /** Takes the service out of the registry. Rejects as `ServiceRegistry.unregister` does. */
  withdraw(): Promise<void>;
}

/**
 * Registers a service under the port its channel listens on. The other modes announce nothing.
 *
 * @param registry Loads the registry. Called for a service alone: no other worker needs one.
 *
 * Rejects with `RegistryError`: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`; with `MultifrostError`
 * `TRANSPORT_UNAVAILABLE` for an endpoint without a port.
 */
export async function announce(
  mode: StartMode,
  endpoint: string,
  registry: () => Promise<ServiceRegistry>,
): Promise<Announcement | undefined> {
  if (mode.kind !== "service") {
    return undefined;
  }
  const { serviceId } = mode;
  const port = parseTcpEndpoint(endpoint)?.port;
  if (port === undefined) {
    throw new MultifrostError("TRANSPORT_UNAVAILABLE", `A service needs a port, but listens on ${endpoint}.`);
  }
  const registered = await registry();
  await registered.register({ serviceId, port });
  return {
    async withdraw() {
      await registered.unregister(serviceId);
    },
  };
}
