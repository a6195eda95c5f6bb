"""Has a process in its group and one in its own session, from before it is connected."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "peers" / "python"))

from multifrost import ChildWorker

NOTHING = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
IN_GROUP = subprocess.Popen(["sleep", "600"], **NOTHING)
IN_OWN_SESSION = subprocess.Popen(
    ["sleep", "600"], **NOTHING, start_new_session=True, env={**os.environ, "CHAOS_OWN_SESSION": "1"}
)


class Worker(ChildWorker):
    def compute(self) -> int:
        """Stays in C, with the GIL, for hours."""
        return sum(range(10**13))


if __name__ == "__main__":
    Worker().run()
