import { bootId, type RunningProcess, runningProcess } from "./running-process.js";
import type { StoredEntry } from "./service-entry.js";

/**
 * Whether the service of an entry runs, and if not, why: its process has `ended`, the pid is `another` process's by now,
 * or the port is `silent`.
 */
export type Liveness = "live" | "ended" | "another" | "silent";

/** What liveness is judged by. */
export interface System {
  readonly ownPid: number;
  /** The id of this boot, where the system has one. */
  readonly boot: string | undefined;
  /** The process with this id, if it runs. */
  running(pid: number): RunningProcess | undefined;
  /** Whether a service answers a heartbeat on this port of this machine. */
  answers(port: number): Promise<boolean>;
}

/** Judges entries by this machine. Asks each port once. @param signal Ends the waiting for answers, as if none came. */
export function thisSystem(signal?: AbortSignal): System {
  const asked = new Map<number, Promise<boolean>>();
  return {
    ownPid: process.pid,
    boot: bootId(),
    running: runningProcess,
    answers: (port) => {
      const answer = asked.get(port) ?? probe(port, signal);
      asked.set(port, answer);
      return answer;
    },
  };
}

/**
 * Judges one entry. A pid alone does not tell a process from a later one with the same id, and the first process of a
 * container always has the same. So an entry also says when its process started and in which boot. One that does not is
 * of an older implementation: it is live if its port answers, and never this process's own.
 */
export async function livenessOf(entry: StoredEntry, system: System): Promise<Liveness> {
  const running = system.running(entry.pid);
  if (running === undefined) {
    return "ended";
  }
  const isSame = isSameProcess(entry, running, system.boot);
  if (isSame !== undefined) {
    return isSame ? "live" : "another";
  }
  if (entry.pid === system.ownPid && running.started !== undefined) {
    return "another";
  }
  return (await system.answers(entry.port)) ? "live" : "silent";
}

/** `undefined` if the entry or the system does not say enough. */
function isSameProcess(
  { processStarted, boot }: StoredEntry,
  { started }: RunningProcess,
  thisBoot: string | undefined,
): boolean | undefined {
  if (processStarted === undefined) {
    return undefined;
  }
  if (boot !== thisBoot) {
    return boot === undefined || thisBoot === undefined ? undefined : false;
  }
  return started === undefined ? undefined : processStarted === started;
}

async function probe(port: number, signal: AbortSignal | undefined): Promise<boolean> {
  // Rarely needed, and it loads the codec.
  const { answersHeartbeat } = await import("./heartbeat-probe.js");
  return answersHeartbeat(port, signal);
}
