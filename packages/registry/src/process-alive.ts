// Tells a live process from a dead one, for entries and for locks.
// Next: service-entry.ts (entries) and stale-lock.ts (locks), which both ask here.

/**
 * Whether a process with this id runs on this machine, whoever it belongs to.
 *
 * Never throws. A pid that is not a positive integer belongs to no process: 0 and negative numbers would name process
 * groups. A pid that the system has given to another program since counts as alive.
 */
export function isProcessAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) {
    return false;
  }
  try {
    // Signal 0 sends nothing: it only checks.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, but under another user. Anything else (ESRCH, a pid out of range): no such process.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
