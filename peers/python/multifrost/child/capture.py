"""What is written to file descriptor 1 past ``sys.stdout``: by C extensions, subprocesses, ``os.write``."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable

from ..lines import LineSplitter
from ..wakeup import WakeUp

PIPE_BYTES = 1024 * 1024
"""Room asked of the system for what is not read yet. A C extension may write while it keeps Python from reading."""


class Capture:
    """Turns a file descriptor into a pipe, hands on its lines, and copies all of it to where it went before."""

    def __init__(self, descriptor: int, forward: Callable[[str], None]) -> None:
        self.original = os.dup(descriptor)
        """Where the descriptor led, and still leads for who writes here."""
        self._descriptor = descriptor
        self._forward = forward
        self._lines = LineSplitter()
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        _enlarge(writer)
        os.dup2(writer, descriptor)
        os.close(writer)
        self._ending = False
        self._wake_up = WakeUp()
        self._thread = threading.Thread(target=self._run, name="multifrost-stdout", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Puts the descriptor back, and hands on all that was written until now."""
        os.dup2(self.original, self._descriptor)
        self._ending = True
        self._wake_up.set()
        self._thread.join()
        os.close(self._reader)
        os.close(self.original)
        self._wake_up.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.register(self._wake_up, selectors.EVENT_READ)
            ending = False
            while not ending:
                selector.select()
                ending = self._ending  # looked at first: what was written before it is read
                ending = not self._drain() or ending
        for line in self._lines.rest():
            self._forward(line)

    def _drain(self) -> bool:
        """Reads all that is there; False at the end of it."""
        while True:
            try:
                chunk = os.read(self._reader, 65536)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            _write_all(self.original, chunk)
            for line in self._lines.add(chunk):
                self._forward(line)


def _enlarge(pipe: int) -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Linux only, and bounded there
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _write_all(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(OSError):  # a log that is full or gone is not the writer's fault
        while data:
            data = data[os.write(descriptor, data) :]
