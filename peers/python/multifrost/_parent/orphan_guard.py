"""Kills the workers when this process is killed, and no code of it runs any more: by SIGKILL, SIGQUIT, an abort."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading

_SCRIPT = """\
trap '' HUP INT QUIT TERM
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
done
"""
"""Reads ``add 123`` and ``drop 123``, line by line, until the pipe ends: with this process, however it ends. Kills the
process groups that are left then.

Signals do not end it, as one may go to a whole tree of processes. A line that is cut off does not count.
"""


class OrphanGuard:
    """A shell that outlives this process by some milliseconds. It runs while there are workers.

    Nothing else depends on it: where it cannot be started, workers have to notice by themselves that their parent is
    gone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._shell: subprocess.Popen[bytes] | None = None
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def add(self, group: int) -> None:
        """Kills this process group after this process, until `drop`."""
        with self._lock:
            self._groups.add(group)
            if self._shell is None:
                self._shell = _start_shell()
                self._tell("".join(f"add {known}\n" for known in self._groups))
            else:
                self._tell(f"add {group}\n")

    def drop(self, group: int) -> None:
        """The group has ended."""
        with self._lock:
            if group not in self._groups:
                return
            self._groups.remove(group)
            self._tell(f"drop {group}\n")
            if not self._groups:
                self._forget()

    def _tell(self, lines: str) -> None:
        if self._shell is not None and self._shell.stdin is not None:
            try:
                self._shell.stdin.write(lines.encode())
            except OSError:  # it was killed: the next worker starts another one
                self._forget()

    def _forget(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None and shell.stdin is not None:
            with contextlib.suppress(OSError):
                shell.stdin.close()
            threading.Thread(target=shell.wait, name="multifrost-guard", daemon=True).start()

    def _leave_to_parent(self) -> None:
        """A forked child does not own the workers, and must not keep the pipe open."""
        self._lock = threading.Lock()
        self._groups.clear()
        shell, self._shell = self._shell, None
        if shell is not None and shell.stdin is not None:
            shell.stdin.close()
            shell.returncode = 0  # not this process's to wait for


def _start_shell() -> subprocess.Popen[bytes] | None:
    try:
        # In its own session, and without anything of this process's: what ends its group or terminal does not end
        # this.
        return subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "multifrost-guard"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={},
        )
    except OSError:
        return None


orphan_guard = OrphanGuard()
"""The one of this process."""
