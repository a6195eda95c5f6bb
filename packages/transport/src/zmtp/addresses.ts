// Where an end listens or connects to: TCP, or a Unix socket (a named pipe on Windows).

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MultifrostError } from "@multifrost/protocol/errors";
import { checkOptions, invalidOption, type OptionRule, rule } from "@multifrost/protocol/internal";
import { formatTcpEndpoint, LOOPBACK, type TcpAddress } from "../endpoint.js";
import { BIND_RULES, CONNECT_RULES } from "../tcp-rules.js";

/** A Unix socket. */
export interface SocketPath {
  /**
   * Path of the socket file, at most 107 bytes on Linux and 103 elsewhere. On Windows the name of a pipe:
   * `\\.\pipe\name`.
   */
  path: string;
}

/** Where to connect to. */
export type ConnectAddress = TcpAddress | SocketPath;

/** Where to listen. */
export type ListenAddress =
  | {
      /** An address of this machine. Default: `127.0.0.1`. `0.0.0.0` admits the whole network: there is no authentication. */
      host?: string;
      /** 1 to 65535. Default: 0, which lets the system choose; read the port from the channel's `endpoint`. */
      port?: number;
    }
  | SocketPath
  | {
      /** On a Unix socket in a new directory that only this user can enter, removed when the listener closes. */
      private: true;
    };

/** The longest path in an address, in bytes. Node cuts a longer one and uses another name. */
const LONGEST_PATH = process.platform === "linux" ? 107 : 103;

/** The longest path everywhere: a private one may be passed on to any program. */
const LONGEST_PRIVATE_PATH = 103;

/** The path itself is checked by {@link checkPath}. */
const PATH_RULES: Readonly<Record<string, OptionRule>> = { path: rule("a path", () => true) };
const PRIVATE_RULES: Readonly<Record<string, OptionRule>> = { private: rule("true", (value) => value === true) };

const PIPE_PREFIX = "\\\\.\\pipe\\";

/** A path for one listener, and how to remove what was made for it. */
export interface PrivateEndpoint {
  readonly path: string;
  /** Removes the directory. Never rejects. */
  remove(): Promise<void>;
}

/**
 * Makes a directory that only this user can enter, and a path in it of at most 103 bytes; on Windows, an unused name of a pipe.
 *
 * Rejects with `MultifrostError` (`INVALID_OPTION`) when the directory for temporary files has too long a name, and
 * with the error of the file system.
 */
export async function privateEndpoint(): Promise<PrivateEndpoint> {
  if (process.platform === "win32") {
    return { path: `${PIPE_PREFIX}multifrost-${globalThis.crypto.randomUUID()}`, remove: async () => {} };
  }
  const base = [tmpdir(), "/tmp"].find(
    (folder) => Buffer.byteLength(pathIn(`${folder}/mf-123456`)) <= LONGEST_PRIVATE_PATH,
  );
  if (base === undefined) {
    throw new MultifrostError("INVALID_OPTION", `The path of a socket in ${tmpdir()} would be too long: set TMPDIR.`);
  }
  // Its mode is 0700.
  const directory = await mkdtemp(join(base, "mf-"));
  return {
    path: pathIn(directory),
    async remove() {
      try {
        // Before the process, or its thread, can end.
        rmSync(directory, { recursive: true, force: true });
      } catch {
        // The system removes it with the other temporary files.
      }
    },
  };
}

function pathIn(directory: string): string {
  return join(directory, "s");
}

/** Checks an address to connect to, and fills in the host. Throws `MultifrostError` (`INVALID_OPTION`). */
export function checkConnectAddress(address: ConnectAddress): Required<TcpAddress> | SocketPath {
  if ("path" in address) {
    checkOptions("connect", address, PATH_RULES, { prefix: "connect." });
    return { path: checkPath("connect.path", address.path) };
  }
  checkOptions("connect", address, CONNECT_RULES, { prefix: "connect." });
  const { host = LOOPBACK, port } = address;
  if (port === undefined) {
    throw invalidOption("connect.port", CONNECT_RULES.port.wanted, port);
  }
  return { host, port };
}

/** Checks an address to listen on, and fills in host and port. Throws `MultifrostError` (`INVALID_OPTION`). */
export function checkListenAddress(address: ListenAddress): Required<TcpAddress> | SocketPath | { private: true } {
  if ("path" in address) {
    checkOptions("bind", address, PATH_RULES, { prefix: "bind." });
    return { path: checkPath("bind.path", address.path) };
  }
  if ("private" in address) {
    checkOptions("bind", address, PRIVATE_RULES, { prefix: "bind." });
    return { private: true };
  }
  checkOptions("bind", address, BIND_RULES, { prefix: "bind." });
  const { host = LOOPBACK, port = 0 } = address;
  return { host: host === "localhost" ? LOOPBACK : host, port };
}

/** An address as text: `tcp://127.0.0.1:40123`, `ipc:///tmp/socket`. */
export function formatEndpoint(address: TcpAddress | SocketPath): string {
  return "path" in address ? `ipc://${address.path}` : formatTcpEndpoint(address);
}

function checkPath(name: string, path: string): string {
  if (process.platform === "win32") {
    if (typeof path !== "string" || !/^\\\\[.?]\\pipe\\./.test(path)) {
      throw invalidOption(name, `the name of a pipe, such as ${PIPE_PREFIX}name`, path);
    }
    return path;
  }
  const length = typeof path === "string" ? Buffer.byteLength(path) : 0;
  if (length === 0 || length > LONGEST_PATH || path.includes("\0")) {
    throw invalidOption(name, `a path of 1 to ${LONGEST_PATH} bytes (this one has ${length})`, path);
  }
  return path;
}
