// Setups of the contract suite for the ZMTP transports: TCP and Unix sockets, either end listening.

import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContractSetup } from "@multifrost/testing";
import { type ConnectAddress, type ListenAddress, parseTcpEndpoint, zmtpClient, zmtpServer } from "../src/index.js";
import { closeAfterTest } from "./open-channels.js";

type Family = "tcp" | "unix";

/** Greeting and READY of a DEALER that announces nothing else. */
export const DEALER_HELLO: Buffer = Buffer.concat([
  Buffer.from("ff00000000000000007f0301", "hex"),
  Buffer.from("NULL".padEnd(52, "\0")),
  Buffer.from("\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER", "latin1"),
]);

/** Greeting and READY of a ROUTER that announces nothing else. */
export const ROUTER_HELLO: Buffer = Buffer.from(DEALER_HELLO.toString("latin1").replace("DEALER", "ROUTER"), "latin1");

/** The address in an endpoint. */
export function addressOf(endpoint: string): ConnectAddress {
  const address = parseTcpEndpoint(endpoint);
  return address ?? { path: endpoint.replace(/^ipc:\/\//, "") };
}

export const serverBinds = (family: Family): ContractSetup => ({
  createPair: (limits) => ({
    server: (endpoint) => zmtpServer({ ...limits, bind: listenAt(family, endpoint) }),
    client: (endpoint = "") => zmtpClient({ ...limits, connect: addressOf(endpoint) }),
  }),
  async openSilentPeer(endpoint) {
    const socket = connect({ ...addressOf(endpoint) });
    socket.on("error", () => {});
    socket.write(Buffer.concat([DEALER_HELLO, Buffer.from([1, 0, 0, 1, 42])]));
    return () => socket.destroy();
  },
});

export const clientBinds = (family: Family): ContractSetup => ({
  listens: "client",
  createPair: (limits) => ({
    client: (endpoint) => zmtpClient({ ...limits, bind: listenAt(family, endpoint) }),
    server: (endpoint = "") => zmtpServer({ ...limits, connect: addressOf(endpoint) }),
  }),
});

function listenAt(family: Family, endpoint: string | undefined): ListenAddress {
  if (endpoint !== undefined) {
    return addressOf(endpoint);
  }
  return family === "tcp" ? {} : { path: freshPath() };
}

/** A path for a socket, in a directory that is removed after the test. */
export function freshPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "mf-"));
  closeAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "socket");
}
