import { readFileSync, readlinkSync } from "node:fs";

/** What the system says about a process that runs. */
export interface RunningProcess {
  /**
   * When it started, as the system writes it: on Linux field 22 of `/proc/<pid>/stat`, in clock ticks since the boot.
   * Absent where the system does not say.
   */
  readonly started?: string;
}

/**
 * Whether a process with this id runs on this machine, under any user.
 *
 * Never throws. `false` for a zombie (on Linux), and for a pid that is not a positive integer: 0 and negative numbers
 * name process groups. A pid that the system has since given to another program counts as alive.
 */
export function isProcessAlive(pid: number): boolean {
  return runningProcess(pid) !== undefined;
}

/** The process with this id; `undefined` if none runs, or a zombie is left of it. Never throws. */
export function runningProcess(pid: number): RunningProcess | undefined {
  if (!takesSignals(pid)) {
    return undefined;
  }
  const stat = hasOwnProc() ? textOf(`/proc/${pid}/stat`) : undefined;
  return stat === undefined ? {} : parseStat(stat);
}

/** The id of this boot of the machine; `undefined` where the system has none. */
export function bootId(): string | undefined {
  return process.platform === "linux" ? textOf("/proc/sys/kernel/random/boot_id")?.trim() || undefined : undefined;
}

/**
 * Reads `/proc/<pid>/stat`; `undefined` if only a zombie is left. Its second field, the name, may contain spaces and
 * parentheses.
 */
export function parseStat(stat: string): RunningProcess | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, threads, started] = [fields[0], fields[17], fields[19]];
  // A process whose first thread has ended looks like a zombie, but runs as long as it has other threads.
  if ((state === "Z" || state === "X") && !(Number(threads) > 1)) {
    return undefined;
  }
  return started !== undefined && /^\d+$/.test(started) ? { started } : {};
}

function takesSignals(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) {
    return false;
  }
  try {
    // Signal 0 sends nothing: it only checks.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs under another user. Anything else (ESRCH, a pid out of range): no such process.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Whether `/proc` lists the processes by the ids that this process sees: it may belong to another PID namespace. */
function hasOwnProc(): boolean {
  try {
    return process.platform === "linux" && readlinkSync("/proc/self") === `${process.pid}`;
  } catch {
    return false;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
