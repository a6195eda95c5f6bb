"""Splitting output into lines."""

from __future__ import annotations

import pytest

from multifrost._lines import MAX_LINE, LineSplitter


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_line_of_whole_pieces_is_not_followed_by_an_empty_one(end: bytes, count: int) -> None:
    long = b"x" * (MAX_LINE * count)
    for chunks in ([long, end, b"after\n"], [long + end + b"after\n"], [long + b"\r", b"\nafter\n"]):
        splitter = LineSplitter()
        lengths = [len(line) for chunk in chunks for line in splitter.add(chunk)]
        assert lengths == [MAX_LINE] * count + [5]


def test_empty_lines_stay() -> None:
    assert list(LineSplitter().add(b"a\n\nb\n")) == ["a", "", "b"]
