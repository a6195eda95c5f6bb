// How this child is reached: by the parent that spawned it, as a service, or over a transport of its own.
// Next: announce.ts, which opens the channel.

import { MultifrostError } from "@multifrost/protocol";
import { PORT_VARIABLE, parsePort } from "@multifrost/protocol/internal";
import type { ServerTransport } from "@multifrost/transport";
import type { ChildOptions } from "./options.js";

/** How a child is reached. */
export type StartMode =
  | { readonly kind: "spawned"; readonly port: number }
  | { readonly kind: "service"; readonly serviceId: string }
  | { readonly kind: "composed"; readonly transport: ServerTransport; readonly serviceId: string | undefined };

/**
 * Decides the mode. A transport of its own comes first, then the parent's port, then the service id.
 *
 * Throws `MultifrostError`: `INVALID_PORT`, or `NO_START_MODE` where nothing says how this child is reached.
 */
export function startMode(options: ChildOptions, env: Readonly<Record<string, string | undefined>>): StartMode {
  const { transport, serviceId } = options;
  if (transport !== undefined) {
    return { kind: "composed", transport, serviceId };
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
