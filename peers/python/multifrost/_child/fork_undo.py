"""Undoes in a forked process what a worker set up in this one: the fork is no worker."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

_undo: list[Callable[[], None]] = []
_registered = False


@contextlib.contextmanager
def undone_by_fork(undo: Callable[[], None]) -> Iterator[None]:
    """Has `undo` called in processes that are forked meanwhile. Later ones are undone first."""
    global _registered
    if not _registered:
        os.register_at_fork(after_in_child=_undo_all)
        _registered = True
    _undo.append(undo)
    try:
        yield
    finally:
        if undo in _undo:
            _undo.remove(undo)


def _undo_all() -> None:
    while _undo:
        with contextlib.suppress(Exception):  # an error here would be printed and change nothing
            _undo.pop()()


def leave_forked_process() -> None:
    """Ends a forked process in which a method has returned: it has no caller."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)
