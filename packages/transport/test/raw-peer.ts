// A peer made of bytes, for what a well-behaved implementation never sends.

import { connect, createServer, type Server, type Socket } from "node:net";
import { closeAfterTest, until } from "./open-channels.js";
import { addressOf } from "./zmtp-setups.js";

/** One end of a connection without a protocol. */
export class RawPeer {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  /** How many bytes came. */
  receivedBytes = 0;
  /** Whether the other end has closed the connection. */
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.#chunks.push(bytes);
      this.receivedBytes += bytes.length;
    });
    socket.on("error", () => {});
    const closed = () => {
      this.isClosed = true;
    };
    socket.on("end", closed).on("close", closed);
    closeAfterTest(() => socket.destroy());
  }

  /** Everything that came. */
  get received(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  /** Forgets what came so far. */
  clear(): void {
    this.#chunks = [];
    this.receivedBytes = 0;
  }

  /** Connects to a channel that listens. */
  static async connect(endpoint: string): Promise<RawPeer> {
    const peer = new RawPeer(connect({ ...addressOf(endpoint), allowHalfOpen: true }));
    await until(() => !peer.socket.connecting);
    return peer;
  }

  send(...parts: (string | Uint8Array)[]): void {
    this.socket.write(
      Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part))),
    );
  }

  /** Waits until the other end has closed the connection. */
  async closed(): Promise<void> {
    await until(() => this.isClosed);
  }
}

/** Listens, and resolves with the first peer of a channel that connects. */
export async function listenForPeer(): Promise<{ port: number; peer: () => Promise<RawPeer>; server: Server }> {
  const peers: RawPeer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => void peers.push(new RawPeer(socket)));
  closeAfterTest(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    server,
    async peer() {
      await until(() => peers.length > 0);
      const [first] = peers.splice(0, 1);
      if (first === undefined) {
        throw new Error("no peer");
      }
      return first;
    },
  };
}
