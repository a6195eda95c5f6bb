"""Whether the parent that started this process still lives, so that no worker outlives its parent."""

from __future__ import annotations

import os
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

UNREACHABLE_AFTER = 0.7
"""A parent whose port refuses connections for so long after it had one is gone, in seconds."""

NEVER_THERE_AFTER = 10.0
"""The same where there never was a connection: the parent ended while this process was loading."""

_process, _parent = os.getpid(), os.getppid()  # read on import, as early as this package can


class ParentWatch:
    """Looks at the parent's process and, for a parent behind a launcher such as ``uv run``, at its port.

    `monitor` tells when the connection to that port comes and goes.
    """

    def __init__(self, monitor: zmq.Socket[bytes]) -> None:
        self._monitor = monitor
        self._parent = _parent if os.getpid() == _process else os.getppid()
        self._deadline: float | None = time.monotonic() + NEVER_THERE_AFTER

    def parent_gone(self) -> bool:
        """Never blocks."""
        if os.getppid() != self._parent:
            return True
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            connected = event == zmq.EVENT_CONNECTED
            self._deadline = None if connected else time.monotonic() + UNREACHABLE_AFTER
        return self._deadline is not None and time.monotonic() > self._deadline

    def close(self) -> None:
        self._monitor.close(0)
