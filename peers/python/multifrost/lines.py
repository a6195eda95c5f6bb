"""Chunks of bytes to lines of text."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

MAX_LINE = 256 * 1024
"""Longest line, in characters; a longer one comes in pieces."""


def pieces(line: str) -> Iterator[str]:
    """A line, cut where it is too long; an empty one is one piece."""
    for start in range(0, len(line) or 1, MAX_LINE):
        yield line[start : start + MAX_LINE]


class LineSplitter:
    """Collects what is written to one stream, in UTF-8, and gives it out as lines without their ends."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished: list[str] = []
        self._length = 0

    def add(self, chunk: bytes) -> Iterator[str]:
        """The lines that this chunk ends; use all of them before the next."""
        first, *others = self._decoder.decode(chunk).split("\n")
        self._keep(first)
        for text in others:
            yield from self._take()
            self._keep(text)
        if self._length >= MAX_LINE:
            yield from pieces("".join(self._unfinished))
            self._unfinished, self._length = [], 0

    def rest(self) -> Iterator[str]:
        """The unfinished line at the end, if there is one."""
        self._keep(self._decoder.decode(b"", final=True))
        if self._length:
            yield from self._take()

    def _keep(self, text: str) -> None:
        if text:
            self._unfinished.append(text)
            self._length += len(text)

    def _take(self) -> Iterator[str]:
        line = "".join(self._unfinished).removesuffix("\r")
        self._unfinished, self._length = [], 0
        yield from pieces(line)
