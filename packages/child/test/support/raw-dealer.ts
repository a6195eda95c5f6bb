// A bare ZeroMQ socket: sends frames that no channel of ours would.

import { createRequire } from "node:module";
import { onTestFinished } from "vitest";

/** What is used of a DEALER here. */
export interface RawDealer {
  connect(endpoint: string): void;
  send(frames: readonly (Uint8Array | string)[]): Promise<void>;
  receive(): Promise<Buffer[]>;
  close(): void;
  linger: number;
}

/** Connects one to a port; closed with the test. */
export function rawDealer(port: number): RawDealer {
  // Not a dependency of this package: found from the one that has it.
  const transport = createRequire(new URL("../../../transport/package.json", import.meta.url));
  const { Dealer } = transport("zeromq") as { Dealer: new (options: { linger: number }) => RawDealer };
  const socket = new Dealer({ linger: 0 });
  onTestFinished(() => socket.close());
  socket.connect(`tcp://127.0.0.1:${port}`);
  return socket;
}
