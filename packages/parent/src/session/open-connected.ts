// Opens the connection to a worker that runs already: a service found by name, or one behind the user's transport.

import {
  type ClientChannel,
  type ClientEvents,
  chooseTransport,
  zeromqClient,
  zmtpClient,
} from "@multifrost/transport";
import type { ComposedMode, ServiceMode } from "./types.js";

/**
 * Resolves when the endpoint is known, which may be before the connection is up. Rejects with `RegistryError`
 * `SERVICE_NOT_FOUND` where there is no such service, with `ConnectionError`, or with the signal's reason.
 *
 * @param timeoutMs How long to look for a service, in milliseconds.
 */
export async function openConnected(
  mode: ServiceMode | ComposedMode,
  maxMessageBytes: number,
  timeoutMs: number,
  events: ClientEvents,
  signal: AbortSignal,
): Promise<ClientChannel> {
  if (mode.kind === "composed") {
    return await mode.transport.open(events);
  }
  const { port } = await mode.registry.discover(mode.serviceId, { timeoutMs, signal });
  const connect = { port, ...(mode.host === undefined ? {} : { host: mode.host }) };
  const client = chooseTransport(mode.transport, process.env) === "zmtp" ? zmtpClient : zeromqClient;
  return await client({ connect, maxMessageBytes }).open(events);
}
