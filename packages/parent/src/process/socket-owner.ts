// Which process a TCP connection belongs to, read from /proc on Linux.

import { readdir, readFile, readlink } from "node:fs/promises";
import { isIPv4 } from "node:net";
import type { TcpAddress } from "@multifrost/transport";

/** Both ends of a connection. */
export interface Addresses {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
}

const KERNEL_FORM_LENGTH = "0100007F:0FA0".length;

interface Question {
  /** The far end and this end, as the kernel prints them. */
  readonly from: string;
  readonly to: string;
  answer(isHeld: boolean): void;
}

/**
 * Tells which loopback connections are held by one session of processes: by its leader, or by another process of it, which is
 * where everything that the leader starts stays by default.
 *
 * The table of connections can have tens of thousands of lines, so it is read once for all questions that wait.
 */
export class SocketOwners {
  readonly #leaderPid: Promise<number>;
  #waiting: Question[] = [];
  #isReading = false;

  /** @param leaderPid - The process that leads the session. */
  constructor(leaderPid: Promise<number>) {
    this.#leaderPid = leaderPid;
  }

  /** Whether the session holds the far end of the connection. Known on Linux only; elsewhere always `true`. */
  isHeld({ local, remote }: Addresses): Promise<boolean> {
    const [from, to] = [kernelForm(remote), kernelForm(local)];
    if (process.platform !== "linux") {
      return Promise.resolve(true);
    }
    if (from === undefined || to === undefined) {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ from, to, answer: resolve });
      void this.#answerAll();
    });
  }

  async #answerAll(): Promise<void> {
    if (this.#isReading) {
      return;
    }
    this.#isReading = true;
    const leaderPid = await this.#leaderPid;
    while (this.#waiting.length > 0) {
      const questions = this.#waiting;
      this.#waiting = [];
      await answer(questions, leaderPid);
    }
    this.#isReading = false;
  }
}

async function answer(questions: readonly Question[], leaderPid: number): Promise<void> {
  const inodes = await inodesOf(questions);
  // Nearly always it is the leader itself, and the rest are strangers, who may wait.
  const ofLeader = await socketsOf(`${leaderPid}`);
  const isOfLeader = (question: Question): boolean => ofLeader.has(inodes.get(question) ?? "");
  for (const question of questions.filter(isOfLeader)) {
    question.answer(true);
  }
  const rest = questions.filter((question) => !isOfLeader(question));
  const ofSession = rest.some((question) => inodes.has(question)) ? await socketsOfSession(leaderPid) : new Set();
  for (const question of rest) {
    question.answer(ofSession.has(inodes.get(question) ?? ""));
  }
}

/** The inode of the socket at each far end that the system still knows. */
async function inodesOf(questions: readonly Question[]): Promise<Map<Question, string>> {
  const inodes = new Map<Question, string>();
  // tcp6 has IPv4 addresses behind a prefix.
  for (const [path, prefix] of [
    ["/proc/net/tcp", ""],
    ["/proc/net/tcp6", "0000000000000000FFFF0000"],
  ] as const) {
    const table = await readFile(path, "latin1").catch(() => "");
    for (const to of new Set(questions.map((question) => question.to))) {
      const byFarEnd = new Map(questions.filter((question) => question.to === to).map((q) => [q.from, q]));
      // In the line of the far end its own address comes first, and this end's behind it.
      const text = ` ${prefix}${to} `;
      for (let at = table.indexOf(text); at >= 0; at = table.indexOf(text, at + 1)) {
        const question = byFarEnd.get(table.slice(at - KERNEL_FORM_LENGTH, at));
        if (question !== undefined) {
          // From the state on: state, queues, timer, retransmits, user, timeout, inode.
          inodes.set(question, table.slice(at + text.length, table.indexOf("\n", at)).split(/\s+/)[6] ?? "");
        }
      }
    }
  }
  return inodes;
}

async function socketsOfSession(leaderPid: number): Promise<Set<string>> {
  const sockets = new Set<string>();
  for (const name of await readdir("/proc").catch(() => [])) {
    if (/^\d+$/.test(name) && (await sessionOf(name)) === leaderPid) {
      for (const inode of await socketsOf(name)) {
        sockets.add(inode);
      }
    }
  }
  return sockets;
}

/** The inodes of the sockets that a process holds; none once it has ended. */
async function socketsOf(pid: string): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`;
  const sockets = new Set<string>();
  for (const name of await readdir(folder).catch(() => [])) {
    const target = await readlink(`${folder}/${name}`).catch(() => "");
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    if (inode !== undefined) {
      sockets.add(inode);
    }
  }
  return sockets;
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
