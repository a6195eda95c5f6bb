"""A worker with a process in its group and one in its own session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multifrost import ChildWorker

PIDS = [
    subprocess.Popen(
        ["sleep", "600"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=own_session,
    ).pid
    for own_session in (False, True)
]


class FamilyWorker(ChildWorker):
    def pids(self) -> list[int]:
        return [os.getpid(), *PIDS]

    def compute(self) -> int:
        """Stays in C, with the GIL, for hours: no code of this process runs meanwhile."""
        os.write(1, b"computing\n")
        return sum(range(10**13))


if __name__ == "__main__":
    FamilyWorker().run()
