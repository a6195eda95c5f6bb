"""Undoes in a forked process what a worker set up in this one: the fork is no worker."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

_undo: list[Callable[[], None]] = []
_masks: dict[int, set[int]] = {}
"""The signal masks of threads that are forking, by thread."""
_registered = False


@contextlib.contextmanager
def undone_by_fork(undo: Callable[[], None]) -> Iterator[None]:
    """Has `undo` called in processes that are forked meanwhile. Later ones are undone first."""
    global _registered
    if not _registered:
        os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_undo_all)
        _registered = True
    _undo.append(undo)
    try:
        yield
    finally:
        if undo in _undo:
            _undo.remove(undo)


def leave_forked_process() -> None:
    """Ends a forked process in which a method has returned: it has no caller."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def _hold_signals() -> None:
    # A signal for the new process that arrives before everything is undone would be handled as one for the worker:
    # it would wake the worker and not end the process. So it waits until then.
    if _undo:
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def _release_signals() -> None:
    if (mask := _masks.pop(threading.get_ident(), None)) is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _undo_all() -> None:
    while _undo:
        with contextlib.suppress(Exception):  # an error here would be printed and change nothing
            _undo.pop()()
    _release_signals()
