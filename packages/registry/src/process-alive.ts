/**
 * Whether a process with this id runs on this machine, under any user.
 *
 * Never throws. `false` for a pid that is not a positive integer: 0 and negative numbers name process groups. A pid that
 * the system has since given to another program counts as alive.
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
    // EPERM: it runs under another user. Anything else (ESRCH, a pid out of range): no such process.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
