// What a transport tells the contract suite about itself. Next: stage.ts, which opens its channels.

import type { ChannelLimits, ClientTransport, ServerTransport } from "../channel.js";

/** How the suite gets at the transport it checks. */
export interface ContractSetup {
  /**
   * Which end is opened first, so that the other can be told its endpoint. Default: `server`. With `client` there is
   * one client only, and the rules for several are left out.
   */
  listens?: "server" | "client";
  /** Makes the two ends of a fresh transport, with these bounds at both of them. Called once for each case. */
  createPair(limits: ChannelLimits): ContractPair;
  /**
   * Connects to a server something that sends one message of one byte and never reads; resolves to what ends it.
   * Without it, the rule about a peer that does not read is left out.
   */
  openSilentPeer?(endpoint: string): Promise<() => void>;
}

/**
 * The two ends. The end that listens is asked for first, without an endpoint, then the other one with the endpoint
 * of the first. With an endpoint, the end that listens must listen there again.
 */
export interface ContractPair {
  server(endpoint?: string): ServerTransport;
  client(endpoint?: string): ClientTransport;
}

/** One rule of the contract and what shows that it holds. */
export interface ContractCase {
  /** The rule. */
  readonly name: string;
  /** Resolves where the rule holds; rejects with an `AssertionError` where not. */
  run(): Promise<void>;
}
