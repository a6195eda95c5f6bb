// The form of a case before it is bound to a setup, and the two directions that most rules hold for.

import type { ChannelLimits, CloseOptions, SendSettled } from "../channel.js";
import type { ContractSetup } from "./setup.js";
import type { Connected, Stage } from "./stage.js";

/** A rule and what shows that it holds. */
export interface Rule {
  readonly name: string;
  /** The bounds both ends get. Default: none given. */
  readonly limits?: ChannelLimits;
  /** Whether the rule says something about this transport. Default: it does. */
  applies?(setup: ContractSetup): boolean;
  play(stage: Stage): Promise<void>;
}

/** One direction of a connection. */
export interface Way {
  /** What the far end has received so far. */
  readonly received: Uint8Array[];
  send(bytes: Uint8Array, settled?: SendSettled): void;
  queued(): number;
  /** Closes the end that sends. */
  close(options?: CloseOptions): Promise<void>;
  /** How often the far end lost a connection, and how much it had received when it last did. */
  down(): { times: number; messagesBefore: number };
}

/** One rule for each direction of a connection. */
export function bothWays(name: string, play: (way: Way) => Promise<void>, limits?: ChannelLimits): readonly Rule[] {
  const rule = (from: string, way: (connected: Connected) => Way): Rule => ({
    name: `${name} (from the ${from})`,
    ...(limits && { limits }),
    play: async (stage) => play(way(await stage.connect())),
  });
  return [rule("client", fromClient), rule("server", fromServer)];
}

function fromClient({ client, server }: Connected): Way {
  return {
    received: server.heard.messages,
    send: (bytes, settled) => client.channel.send(bytes, settled),
    queued: () => client.channel.queued,
    close: (options) => client.channel.close(options),
    down: () => ({ times: server.heard.downs, messagesBefore: server.heard.messagesBeforeDown }),
  };
}

function fromServer({ client, server, peer }: Connected): Way {
  return {
    received: client.heard.messages,
    send: (bytes, settled) => server.channel.send(peer, bytes, settled),
    queued: () => server.channel.queued,
    close: (options) => server.channel.close(options),
    down: () => ({ times: client.heard.downs, messagesBefore: client.heard.messagesBeforeDown }),
  };
}
