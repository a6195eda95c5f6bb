"""Splits chunks of bytes into lines of text."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

MAX_LINE = 256 * 1024
"""Longest line, in characters. A longer one is cut into pieces."""


def pieces(line: str) -> Iterator[str]:
    """Cuts a line into pieces of at most `MAX_LINE` characters. An empty line is one piece."""
    for start in range(0, len(line) or 1, MAX_LINE):
        yield line[start : start + MAX_LINE]


class LineSplitter:
    """Decodes one UTF-8 stream and splits it into lines, without their line ends."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished: list[str] = []
        self._length = 0
        self._is_continued = False

    def add(self, chunk: bytes) -> Iterator[str]:
        """Yields the lines that this chunk completes. Use all of them before the next call."""
        first, *others = self._decoder.decode(chunk).split("\n")
        self._keep(first)
        for text in others:
            yield from self._take()
            self._keep(text)
        if self._length >= MAX_LINE:
            text = "".join(self._unfinished)
            whole = len(text) - len(text) % MAX_LINE
            yield from pieces(text[:whole])
            self._unfinished, self._length = [text[whole:]], len(text) - whole
            self._is_continued = True

    def rest(self) -> Iterator[str]:
        """Yields the unfinished last line, if there is one."""
        self._keep(self._decoder.decode(b"", final=True))
        if self._length:
            yield from self._take()

    def _keep(self, text: str) -> None:
        if text:
            self._unfinished.append(text)
            self._length += len(text)

    def _take(self) -> Iterator[str]:
        line = "".join(self._unfinished).removesuffix("\r")
        is_continued = self._is_continued
        self._unfinished, self._length, self._is_continued = [], 0, False
        # The line end of a line whose pieces are all out is no line.
        if line or not is_continued:
            yield from pieces(line)
