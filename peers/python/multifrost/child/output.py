"""What is printed after the start goes to the parents, line by line."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO, cast

from ..lines import MAX_LINE, pieces


class LineForwarder(io.TextIOBase):
    """Stands in for ``sys.stdout`` or ``sys.stderr`` and hands each whole line to `forward`, from any thread."""

    def __init__(self, real: TextIO, forward: Callable[[str], None]) -> None:
        self._real = real
        self._forward = forward
        self._lock = threading.RLock()
        self._partial: dict[int, str] = {}  # by thread, so that lines of two threads do not mix

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
        """Sends what this thread printed without an end of line, too."""
        self._send_partial([threading.get_ident()])

    def flush_all(self) -> None:
        """The same for every thread."""
        self._send_partial(list(self._partial))

    def _send_partial(self, threads: list[int]) -> None:
        with self._lock:
            rests = [self._partial.pop(thread, "") for thread in threads]
        for rest in filter(None, rests):
            self._send(rest)

    def _send(self, line: str) -> None:
        for piece in pieces(line):
            self._forward(piece)

    # What else a program may ask of a standard stream is the real one's.

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
        """Accepted for programs that set their encoding at the start; what is sent is always UTF-8."""


def write_line(stream: TextIO, line: str) -> None:
    """Writes to a real stream; one that is closed or broken is not the method's fault and is ignored."""
    try:
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError):
        pass


def as_text(forwarder: LineForwarder) -> TextIO:
    """The forwarder in the type that ``sys.stdout`` is declared with."""
    return cast(TextIO, forwarder)
