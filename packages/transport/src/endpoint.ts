// Endpoints as text: `tcp://127.0.0.1:40123`. Whoever binds to port 0 reads the port back from here.

/** A TCP address. */
export interface TcpAddress {
  /** A host name or address. Default: `127.0.0.1`; the protocol has no authentication, so nothing else is assumed. */
  host?: string;
  /** 1 to 65535, or 0 to let the system choose. */
  port: number;
}

/** The host used where none is given. */
export const LOOPBACK = "127.0.0.1";

/** Writes an address as `tcp://host:port`; an IPv6 host gets its brackets. */
export function formatTcpEndpoint({ host = LOOPBACK, port }: TcpAddress): string {
  return `tcp://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}

/** Reads `tcp://host:port`; `undefined` for anything else. */
export function parseTcpEndpoint(endpoint: string): Required<TcpAddress> | undefined {
  const match = /^tcp:\/\/(\[[^\]]+\]|[^:]+):(\d+)$/.exec(endpoint);
  const [, host, port] = match ?? [];
  return host === undefined || port === undefined ? undefined : { host, port: Number(port) };
}
