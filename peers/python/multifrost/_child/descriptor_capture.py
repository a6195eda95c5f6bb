"""Captures writes to file descriptor 1 that bypass ``sys.stdout``: by C extensions, subprocesses, ``os.write``."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable

from .._lines import LineSplitter
from .._wakeup import WakeUp

PIPE_BYTES = 1024 * 1024
"""Requested size of the pipe, in bytes. A C extension may write while it holds the GIL, so that nothing is read."""


class DescriptorCapture:
    """Replaces a file descriptor by a pipe, forwards its lines, and copies everything to the original target.

    Args:
        descriptor: The file descriptor.
        forward: Called with each line, in a thread of this object.
    """

    def __init__(self, descriptor: int, forward: Callable[[str], None]) -> None:
        self.original = os.dup(descriptor)
        """A descriptor of the original target. Writes to it are not captured."""
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

    def restore(self) -> None:
        """Restores the descriptor, and nothing else."""
        os.dup2(self.original, self._descriptor)

    def close(self) -> None:
        """Restores the descriptor and forwards everything written so far."""
        self.restore()
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
                ending = self._ending  # read before draining: what was written before `close` is forwarded
                ending = not self._drain() or ending
        for line in self._lines.rest():
            self._forward(line)

    def _drain(self) -> bool:
        """Reads everything available. False at the end of the stream."""
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
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Linux only, up to the system's limit
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _write_all(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(OSError):  # a full or closed log must not fail the writer
        while data:
            data = data[os.write(descriptor, data) :]
