// Opens a link to a running service: looked up by name each time, as it may come back on another port.

import type { ServiceRegistry } from "@multifrost/registry";
import { formatTcpEndpoint, zeromqClient } from "@multifrost/transport";
import type { LinkEvents, OpenLink } from "./link.js";
import { openByTransport } from "./open-by-transport.js";

/** Which service, and how it is reached. */
export interface ServiceAddress {
  readonly serviceId: string;
  readonly registry: ServiceRegistry;
  readonly host: string | undefined;
  readonly maxMessageBytes: number;
  readonly timeoutMs: number;
}

/**
 * Makes the opener. It rejects with `RegistryError` `SERVICE_NOT_FOUND` where there is no such service, and with
 * `ConnectionError` `UNREACHABLE` where there is an entry and nobody behind it.
 */
export function openByService(address: ServiceAddress): OpenLink {
  const { serviceId, registry, host, maxMessageBytes, timeoutMs } = address;
  return async (link, signal) => {
    const { port } = await registry.discover(serviceId, { timeoutMs, signal });
    const at = { port, ...(host === undefined ? {} : { host }) };
    const transport = zeromqClient({ connect: at, maxMessageBytes });
    return openByTransport(transport, timeoutMs)(endingAtBreak(link, formatTcpEndpoint(at)), signal);
  };
}

/** A service that goes away is looked up again, so that a broken connection is the end of this link. */
function endingAtBreak(link: LinkEvents, endpoint: string): LinkEvents {
  let over = false;
  const end: LinkEvents["ended"] = (loss) => {
    if (!over) {
      over = true;
      link.ended(loss);
    }
  };
  return {
    ...link,
    interrupted: () => end({ kind: "connection", endpoint }),
    resumed: () => {},
    ended: end,
  };
}
