"""The edge worker, which starts late: it writes its environment to a file and waits for another file.

With ``TEST_OLDER`` it is a worker of an older version: it knows a port, and no token.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from edge_worker import EdgeWorker

if __name__ == "__main__":
    folder = Path(os.environ["TEST_FOLDER"])
    names = ("COMLINK_ZMQ_PORT", "COMLINK_WORKER_MODE", "MULTIFROST_ENDPOINT", "MULTIFROST_TOKEN")
    (folder / "environment.part").write_text(json.dumps({name: os.environ.get(name) for name in names}))
    (folder / "environment.part").rename(folder / "environment")
    if os.environ.get("TEST_OLDER"):
        del os.environ["MULTIFROST_ENDPOINT"], os.environ["MULTIFROST_TOKEN"]
    while not (folder / "go").exists():
        time.sleep(0.01)
    EdgeWorker().run()
