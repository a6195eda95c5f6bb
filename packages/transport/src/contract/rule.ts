// A rule of the contract, and the two directions that most rules apply to.

import type { ChannelLimits, CloseOptions, SendSettled } from "../channel.js";
import type { ContractSetup } from "./setup.js";
import type { Connected, TestBench } from "./test-bench.js";

/** A rule and its check. */
export interface Rule {
  readonly name: string;
  /** The bounds of both ends. Default: the transport's defaults. */
  readonly limits?: ChannelLimits;
  /** Whether the rule applies to this transport. Default: it does. */
  applies?(setup: ContractSetup): boolean;
  check(bench: TestBench): Promise<void>;
}

/** One direction of a connection: a sending end and a receiving end. */
export interface Direction {
  /** The messages that the receiving end has got so far. */
  readonly received: Uint8Array[];
  send(bytes: Uint8Array, settled?: SendSettled): void;
  queued(): number;
  /** Closes the sending end. */
  close(options?: CloseOptions): Promise<void>;
  /** How often the receiving end lost its connection, and how many messages it had got when it last did. */
  down(): { times: number; messagesBefore: number };
}

/** Makes one rule per direction of a connection. */
export function bothDirections(
  name: string,
  check: (direction: Direction) => Promise<void>,
  limits?: ChannelLimits,
): readonly Rule[] {
  const rule = (sender: string, direction: (connected: Connected) => Direction): Rule => ({
    name: `${name} (from the ${sender})`,
    ...(limits && { limits }),
    check: async (bench) => check(direction(await bench.connect())),
  });
  return [rule("client", fromClient), rule("server", fromServer)];
}

function fromClient({ client, server }: Connected): Direction {
  return {
    received: server.recorder.messages,
    send: (bytes, settled) => client.channel.send(bytes, settled),
    queued: () => client.channel.queued,
    close: (options) => client.channel.close(options),
    down: () => ({ times: server.recorder.downs, messagesBefore: server.recorder.messagesBeforeDown }),
  };
}

function fromServer({ client, server, peer }: Connected): Direction {
  return {
    received: client.recorder.messages,
    send: (bytes, settled) => server.channel.send(peer, bytes, settled),
    queued: () => server.channel.queued,
    close: (options) => server.channel.close(options),
    down: () => ({ times: client.recorder.downs, messagesBefore: client.recorder.messagesBeforeDown }),
  };
}
