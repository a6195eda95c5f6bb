// Which process a TCP connection belongs to, read from /proc on Linux.

import { readdir, readFile, readlink } from "node:fs/promises";
import { isIPv4 } from "node:net";
import type { TcpAddress } from "@multifrost/transport";

/**
 * Whether the far end of a loopback connection is held by the process that leads this session, or by another of the
 * session, which is where everything it starts stays by default. Known on Linux only; elsewhere always `true`.
 */
export async function isHeldBySession(
  leaderPid: number,
  addresses: { readonly local: TcpAddress; readonly remote: TcpAddress },
): Promise<boolean> {
  if (process.platform !== "linux") {
    return true;
  }
  const inode = await inodeOf(addresses);
  if (inode === undefined) {
    return false;
  }
  for (const name of await readdir("/proc")) {
    if (/^\d+$/.test(name) && (await sessionOf(name)) === leaderPid && (await holds(name, inode))) {
      return true;
    }
  }
  return false;
}

/** The inode of the far end's socket: in its line the far end comes first. */
async function inodeOf({
  local,
  remote,
}: {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
}): Promise<string | undefined> {
  const [from, to] = [kernelForm(remote), kernelForm(local)];
  if (from === undefined || to === undefined) {
    return undefined;
  }
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "utf8").catch(() => "");
    for (const line of text.split("\n")) {
      const [, first = "", second = "", , , , , , , inode] = line.trim().split(/\s+/);
      // tcp6 has IPv4 addresses behind a prefix.
      if (first.endsWith(from) && second.endsWith(to)) {
        return inode;
      }
    }
  }
  return undefined;
}

/** `127.0.0.1:4000` as the kernel prints it on this machine: `0100007F:0FA0`. */
function kernelForm({ host = "127.0.0.1", port }: TcpAddress): string | undefined {
  const address = host.replace(/^::ffff:/, "");
  if (!isIPv4(address)) {
    return undefined;
  }
  const bytes = Uint8Array.from(address.split("."), Number);
  const word = new Uint32Array(bytes.buffer)[0] ?? 0;
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, "0");
  return `${hex(word, 8)}:${hex(port, 4)}`;
}

async function sessionOf(pid: string): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may contain anything: state, parent, group, session.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[3]);
  } catch {
    // It has ended.
    return undefined;
  }
}

async function holds(pid: string, inode: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const target = await readlink(`${folder}/${name}`).catch(() => "");
    if (target === `socket:[${inode}]`) {
      return true;
    }
  }
  return false;
}
