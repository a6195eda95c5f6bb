// Opens a link over a transport of the user's own. Nothing is known of a process.

import { ConnectionError } from "@multifrost/protocol";
import type { ClientTransport } from "@multifrost/transport";
import { connectionSigns } from "./connection-signs.js";
import { type LinkEvents, type OpenLink, orAborted } from "./link.js";

/** Makes the opener. It rejects with `ConnectionError` `UNREACHABLE` where nobody connects in time. */
export function openByTransport(transport: ClientTransport, timeoutMs: number): OpenLink {
  return async (link: LinkEvents, signal) => {
    let endpoint = "";
    const { events, connected } = connectionSigns(link, {
      up: () => link.resumed(),
      down: () => link.interrupted({ kind: "connection", endpoint }),
      failed: (cause) => link.ended({ kind: "connection", endpoint, cause }),
    });
    const channel = await transport.open(events);
    endpoint = channel.endpoint;
    try {
      await orAborted(orTooLate(connected, endpoint, timeoutMs), signal);
    } catch (error) {
      await channel.close();
      throw error;
    }
    return { channel, worker: undefined };
  };
}

/** Rejects with `ConnectionError` `UNREACHABLE` when the time is up first. */
export async function orTooLate<R>(work: Promise<R>, endpoint: string, timeoutMs: number): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    const message =
      `Nobody answered at ${endpoint} within ${timeoutMs} ms. Check that the worker is running there and has been ` +
      "started with run() or start().";
    timer = setTimeout(() => reject(new ConnectionError("UNREACHABLE", message, { endpoint })), timeoutMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
