"""Forwards what the worker prints to its parents, line by line."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO, cast

from .._lines import MAX_LINE, pieces


class LineForwarder(io.TextIOBase):
    """Replaces ``sys.stdout`` or ``sys.stderr`` and calls `forward` with each whole line, from any thread."""

    def __init__(self, real: TextIO, forward: Callable[[str], None]) -> None:
        self._real = real
        self._forward = forward
        self._lock = threading.RLock()
        self._partial: dict[int, str] = {}  # by thread, so that the lines of two threads do not mix

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        thread = threading.get_ident()
        with self._lock:
            *lines, rest = (self._partial.pop(thread, "") + text).split("\n")
            if len(rest) >= MAX_LINE:
                lines.append(rest)
            elif rest:
                self._partial[thread] = rest
        for line in lines:
            self._send(line)
        return len(text)

    def flush(self) -> None:
        """Forwards what this thread printed since its last line end."""
        self._send_partial([threading.get_ident()])

    def flush_all(self) -> None:
        """Forwards what every thread printed since its last line end."""
        self._send_partial(list(self._partial))

    def _send_partial(self, threads: list[int]) -> None:
        with self._lock:
            rests = [self._partial.pop(thread, "") for thread in threads]
        for rest in filter(None, rests):
            self._send(rest)

    def _send(self, line: str) -> None:
        for piece in pieces(line):
            self._forward(piece)

    # The rest of a standard stream's interface.

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._real.fileno()

    @property
    def buffer(self) -> BinaryIO:
        return self._real.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def reconfigure(self, **_: Any) -> None:
        """Does nothing, for programs that set their encoding at the start. Lines are always sent as UTF-8."""


def write_line(stream: TextIO, line: str) -> None:
    """Writes a line to a real stream. Errors of a closed or broken stream are ignored."""
    try:
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError):
        pass


def as_text(forwarder: LineForwarder) -> TextIO:
    """Casts the forwarder to the declared type of ``sys.stdout``."""
    return cast(TextIO, forwarder)
