"""Watches libzmq's connection to the parent that spawned this process, so that no worker outlives its parent."""

from __future__ import annotations

import time

import zmq
from zmq.utils.monitor import recv_monitor_message

RECONNECT_LIMIT = 0.7
"""The parent counts as gone if a lost connection to its port is not made again within this time, in seconds."""

FIRST_CONNECT_LIMIT = 5.0
"""The parent counts as gone if the first connection is not made within this time, in seconds."""


class ParentWatch:
    """Watches the parent's port.

    Args:
        monitor: A socket that reports when the connection to the parent's port is made and lost.
    """

    def __init__(self, monitor: zmq.Socket[bytes]) -> None:
        self._monitor = monitor
        self._deadline: float | None = time.monotonic() + FIRST_CONNECT_LIMIT

    def parent_gone(self) -> bool:
        """Reports whether the parent is gone. Never blocks."""
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            connected = event == zmq.EVENT_CONNECTED
            self._deadline = None if connected else time.monotonic() + RECONNECT_LIMIT
        return self._deadline is not None and time.monotonic() > self._deadline

    def close(self) -> None:
        self._monitor.close(0)
