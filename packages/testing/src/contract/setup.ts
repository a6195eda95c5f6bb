// How a transport presents itself to the contract suite.

import type { ChannelLimits, ClientTransport, ServerTransport } from "@multifrost/transport";

/** Gives the suite access to the transport it checks. */
export interface ContractSetup {
  /**
   * The end that is opened first, so that the other one gets its endpoint. Default: `server`. With `client` there is
   * only one client, and the suite leaves out the rules for several.
   */
  listens?: "server" | "client";
  /** Makes the two ends of a new transport, both with these bounds. Called for each case, and to read the capabilities. */
  createPair(limits: ChannelLimits): ContractPair;
  /**
   * Connects to a server, sends one message of one byte, and never reads; resolves to a function that disconnects.
   * Without it, the suite leaves out the rule about a peer that does not read.
   */
  openSilentPeer?(endpoint: string): Promise<() => void>;
}

/**
 * The two ends. The suite asks for the end that listens first, without an endpoint, then for the other one with the
 * endpoint of the first. With an endpoint, the end that listens must listen there again.
 */
export interface ContractPair {
  server(endpoint?: string): ServerTransport;
  client(endpoint?: string): ClientTransport;
}

/** One rule of the contract with its check. */
export interface ContractCase {
  /** The rule. */
  readonly name: string;
  /** Resolves if the rule holds; rejects with an `AssertionError` if not. */
  run(): Promise<void>;
}
