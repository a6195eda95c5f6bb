"""Leaves no worker behind when this process ends without `stop`: by its end, or by a signal whose default is to end it.

(After SIGKILL nothing runs any more; then the worker notices by itself.)
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from types import FrameType

_groups: set[int] = set()

_FATAL = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process without its atexit functions. SIGINT is an exception in Python, and needs nothing."""


def guard(group: int) -> None:
    """Kills this process group when this process ends, until it is unguarded."""
    _groups.add(group)
    if threading.current_thread() is threading.main_thread():
        for number in _FATAL:
            # Where somebody else handles it, it is theirs to decide.
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _on_signal)


def unguard(group: int) -> None:
    _groups.discard(group)


def signal_group(group: int, number: signal.Signals) -> None:
    """Signals a process and whatever it has started; nothing happens where none of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


@atexit.register
def _kill_all() -> None:
    for group in list(_groups):
        signal_group(group, signal.SIGKILL)


def _on_signal(number: int, _: FrameType | None) -> None:
    _kill_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


# A forked child has no workers of its own.
os.register_at_fork(after_in_child=_groups.clear)
