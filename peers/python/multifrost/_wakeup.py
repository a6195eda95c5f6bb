"""Wakes a thread that waits in a selector, from any thread or signal handler."""

from __future__ import annotations

import contextlib
import socket


class WakeUp:
    """A pair of connected sockets: a byte written to one makes the other readable."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Returns the descriptor to register for reading."""
        return self._reader.fileno()

    @property
    def writer(self) -> int:
        """The descriptor for `signal.set_wakeup_fd`."""
        return self._writer.fileno()

    def set(self) -> None:
        """Wakes the waiting thread, or makes its next wait return at once."""
        with contextlib.suppress(OSError):  # full: a wake-up is already pending; closed: the thread has ended
            self._writer.send(b"\0")

    def clear(self) -> bytes:
        """Resets it after it became readable. Returns what was written: zeros, and numbers of signals."""
        with contextlib.suppress(BlockingIOError):
            return self._reader.recv(4096)
        return b""

    def close(self) -> None:
        self._reader.close()
        self._writer.close()
