"""Wakes a thread that sleeps in a selector, from any thread or signal handler."""

from __future__ import annotations

import contextlib
import socket


class WakeUp:
    """A pair of connected sockets: what is written to one makes the other readable."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """What to register for reading."""
        return self._reader.fileno()

    @property
    def writer(self) -> int:
        """For `signal.set_wakeup_fd`."""
        return self._writer.fileno()

    def set(self) -> None:
        """Wakes the sleeper, or lets it not fall asleep."""
        with contextlib.suppress(OSError):  # full: it is awake; closed: it is gone
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Call when it was readable."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()
