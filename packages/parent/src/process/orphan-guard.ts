// Leaves no worker behind when this process is killed, and no code of it runs any more: by SIGKILL, SIGQUIT, an abort.

import { type ChildProcess, spawn } from "node:child_process";

/**
 * Reads `add 123` and `drop 123`, line by line, until the pipe ends: with this process, however it ends. Kills the process
 * groups that are left then.
 *
 * Signals do not end it, as one may go to a whole tree of processes. A line that is cut off does not count.
 */
const SCRIPT = `trap '' HUP INT QUIT TERM
groups=
while read -r change group; do
  kept=
  for known in $groups; do
    [ "$known" = "$group" ] || kept="$kept $known"
  done
  groups=$kept
  [ "$change" = drop ] || groups="$groups $group"
done
for group in $groups; do
  kill -9 "-$group"
done`;

/**
 * A shell that outlives this process by some milliseconds. It runs while there are workers. Nothing else depends on it: where
 * it cannot be started, workers have to notice by themselves that their parent is gone.
 */
class OrphanGuard {
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;

  /** Kills this process group after this process, until {@link drop}. No effect on Windows, where there are no groups. */
  add(group: number): void {
    if (process.platform === "win32") {
      return;
    }
    this.#groups.add(group);
    if (this.#shell === undefined) {
      this.#start();
    } else {
      this.#tell(`add ${group}\n`);
    }
  }

  /** The group has ended. */
  drop(group: number): void {
    if (!this.#groups.delete(group)) {
      return;
    }
    this.#tell(`drop ${group}\n`);
    if (this.#groups.size === 0) {
      this.#shell?.stdin?.end();
      this.#shell = undefined;
    }
  }

  #start(): void {
    const shell = startShell();
    const forget = (): void => {
      if (this.#shell === shell) {
        this.#shell = undefined;
      }
    };
    // The next worker starts another one.
    shell?.on("error", forget).on("exit", forget);
    shell?.stdin?.on("error", forget);
    this.#shell = shell;
    this.#tell([...this.#groups].map((group) => `add ${group}\n`).join(""));
  }

  /** What is written has left this process when this returns. */
  #tell(lines: string): void {
    this.#shell?.stdin?.write(lines);
  }
}

function startShell(): ChildProcess | undefined {
  try {
    // In its own session, and without anything of this process's: what ends its group or terminal does not end this.
    const shell = spawn("/bin/sh", ["-c", SCRIPT, "multifrost-guard"], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      cwd: "/",
      env: {},
    });
    shell.unref();
    // A pipe is a socket, which can be unreferenced; the type does not say so.
    (shell.stdin as { unref?(): void } | null)?.unref?.();
    return shell;
  } catch {
    return undefined;
  }
}

/** The one of this process. */
export const orphanGuard: OrphanGuard = new OrphanGuard();
