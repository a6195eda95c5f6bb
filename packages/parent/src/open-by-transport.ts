// Opens a link over a transport of the user's own. Nothing is known of a process.

import { ConnectionError } from "@multifrost/protocol";
import { withLimit } from "@multifrost/protocol/internal";
import type { ClientTransport } from "@multifrost/transport";
import { connectionSigns } from "./connection-signs.js";
import type { OpenLink } from "./link.js";

/** Makes the opener. It rejects with `ConnectionError` `UNREACHABLE` where nobody connects in time. */
export function openByTransport(transport: ClientTransport, timeoutMs: number): OpenLink {
  return async (link, signal) => {
    let endpoint = "";
    const { events, connected } = connectionSigns(link, {
      up: () => link.resumed(),
      down: () => link.interrupted({ kind: "connection", endpoint }),
      failed: (cause) => link.ended({ kind: "connection", endpoint, cause }),
    });
    const channel = await transport.open(events);
    endpoint = channel.endpoint;
    try {
      const tooLate = (): never => {
        throw nobodyThere(endpoint, timeoutMs);
      };
      await withLimit(connected, timeoutMs, tooLate, signal);
    } catch (error) {
      await channel.close();
      throw error;
    }
    return { channel, worker: undefined };
  };
}

function nobodyThere(endpoint: string, timeoutMs: number): ConnectionError {
  const message =
    `Nobody answered at ${endpoint} within ${timeoutMs} ms. Check that the worker is running there and has been ` +
    "started with run() or start().";
  return new ConnectionError("UNREACHABLE", message, { endpoint });
}
