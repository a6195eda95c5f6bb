// Listens in one place and hands over each socket that comes.

import { lstat, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { TcpAddress } from "../endpoint.js";
import { codeOf } from "../unreachable.js";
import { formatEndpoint, type PrivateEndpoint, privateEndpoint, type SocketPath } from "./addresses.js";

/** A place where an end listens. */
export class Listener {
  readonly endpoint: string;
  readonly #server: Server;
  readonly #directory: PrivateEndpoint | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Listens. Rejects with the system's error; then nothing is left.
   *
   * @param onSocket - Called with each socket that comes; it does not read yet.
   */
  static async open(
    address: Required<TcpAddress> | SocketPath | { private: true },
    onSocket: (socket: Socket) => void,
  ): Promise<Listener> {
    const directory = "private" in address ? await privateEndpoint() : undefined;
    const place = directory ?? address;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, onSocket);
    try {
      if ("path" in place) {
        await listenOnPath(server, place.path);
        return new Listener(server, formatEndpoint({ path: place.path }), directory);
      }
      if ("private" in place) {
        throw new TypeError("A private address has a path.");
      }
      await listen(server, place);
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : place.port;
      return new Listener(server, formatEndpoint({ host: place.host, port }), directory);
    } catch (error) {
      await directory?.remove();
      throw error;
    }
  }

  private constructor(server: Server, endpoint: string, directory: PrivateEndpoint | undefined) {
    this.#server = server;
    this.endpoint = endpoint;
    this.#directory = directory;
    // A failed accept, such as for want of file descriptors, ends neither the listener nor its connections.
    server.on("error", () => {});
  }

  /** Stops listening and removes the socket file; connections stay. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Releases the address at once; it would call back only after the last connection that it still counts.
    this.#server.close();
    await this.#directory?.remove();
  }
}

/** Listens on a path. A file that a killed listener left there is removed; a living listener keeps its place. */
async function listenOnPath(server: Server, path: string): Promise<void> {
  try {
    await listen(server, { path });
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE" || !(await isStale(path))) {
      throw error;
    }
    await rm(path, { force: true });
    await listen(server, { path });
  }
}

/** Whether this is a socket file on which no process listens, or has gone meanwhile. */
async function isStale(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined);
  if (process.platform === "win32" || file?.isSocket() === false) {
    return false;
  }
  return new Promise((resolve) => {
    const probe = connect({ path });
    const finish = (stale: boolean) => {
      probe.destroy();
      resolve(stale);
    };
    probe.on("connect", () => finish(false));
    probe.on("error", (error) => finish(["ECONNREFUSED", "ENOENT"].includes(codeOf(error) ?? "")));
  });
}

function listen(server: Server, place: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
