// A rule of the contract, and the two directions that most rules apply to.

import type { MessageParts } from "@multifrost/protocol/internal";
import type { ChannelCapabilities, ChannelLimits, CloseOptions, SendOptions, SendSettled } from "@multifrost/transport";
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
  send(bytes: Uint8Array, settled?: SendSettled, options?: SendOptions): void;
  /** `undefined` where the channel has no `sendParts`. */
  readonly sendParts: ((message: MessageParts, settled?: SendSettled) => void) | undefined;
  queued(): number;
  /** Closes the sending end. */
  close(options?: CloseOptions): Promise<void>;
  /** How often the receiving end lost its connection, and how many messages it had got when it last did. */
  down(): { times: number; messagesBefore: number };
}

/** Limits a rule to transports that announce a capability at the end that listens. */
export function needs(capability: keyof ChannelCapabilities): (setup: ContractSetup) => boolean {
  return (setup) => {
    const pair = setup.createPair({});
    const { capabilities } = setup.listens === "client" ? pair.client() : pair.server();
    return capabilities?.[capability] ?? false;
  };
}

/** Makes one rule per direction of a connection. */
export function bothDirections(
  name: string,
  check: (direction: Direction) => Promise<void>,
  limits?: ChannelLimits,
  applies?: (setup: ContractSetup) => boolean,
): readonly Rule[] {
  const rule = (sender: string, direction: (connected: Connected) => Direction): Rule => ({
    name: `${name} (from the ${sender})`,
    ...(limits && { limits }),
    ...(applies && { applies }),
    check: async (bench) => check(direction(await bench.connect())),
  });
  return [rule("client", fromClient), rule("server", fromServer)];
}

function fromClient({ client, server }: Connected): Direction {
  return {
    received: server.recorder.messages,
    send: (...message) => client.channel.send(...message),
    sendParts: client.channel.sendParts && ((...message) => client.channel.sendParts?.(...message)),
    queued: () => client.channel.queued,
    close: (options) => client.channel.close(options),
    down: () => ({ times: server.recorder.downs, messagesBefore: server.recorder.messagesBeforeDown }),
  };
}

function fromServer({ client, server, peer }: Connected): Direction {
  return {
    received: client.recorder.messages,
    send: (...message) => server.channel.send(peer, ...message),
    sendParts: server.channel.sendParts && ((...message) => server.channel.sendParts?.(peer, ...message)),
    queued: () => server.channel.queued,
    close: (options) => server.channel.close(options),
    down: () => ({ times: client.recorder.downs, messagesBefore: client.recorder.messagesBeforeDown }),
  };
}
