// Endpoints as text: `tcp://127.0.0.1:40123`.

/** A TCP address. */
export interface TcpAddress {
  /** A host name or address. Default: `127.0.0.1`, since the protocol has no authentication. */
  host?: string;
  /** 1 to 65535, or 0 to let the system choose. */
  port: number;
}

/** The host used when none is given. */
export const LOOPBACK = "127.0.0.1";

/** Formats an address as `tcp://host:port`, with brackets around an IPv6 host. */
export function formatTcpEndpoint({ host = LOOPBACK, port }: TcpAddress): string {
  return `tcp://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}

/** Parses `tcp://host:port`. Returns `undefined` for anything else. */
export function parseTcpEndpoint(endpoint: string): Required<TcpAddress> | undefined {
  const match = /^tcp:\/\/(\[[^\]]+\]|[^:]+):(\d+)$/.exec(endpoint);
  const [, host, port] = match ?? [];
  return host === undefined || port === undefined ? undefined : { host, port: Number(port) };
}
