"""Kills the workers when this process ends without `stop`: at exit, or by a signal that ends it by default.

After SIGKILL no code of this process runs; see `orphan_guard`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from types import FrameType

from .orphan_guard import orphan_guard

_groups: set[int] = set()

_FATAL = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process without its atexit functions. SIGINT raises KeyboardInterrupt, so those run."""


def guard(group: int) -> None:
    """Kills this process group when this process ends, until `unguard`."""
    _groups.add(group)
    orphan_guard.add(group)
    if threading.current_thread() is threading.main_thread():
        for number in _FATAL:
            # A program that handles the signal itself decides what happens.
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _on_signal)


def unguard(group: int) -> None:
    _groups.discard(group)
    orphan_guard.drop(group)


def signal_group(group: int, number: signal.Signals) -> None:
    """Signals a process and its descendants. Does nothing if none is left."""
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


# A forked child does not own the workers.
os.register_at_fork(after_in_child=_groups.clear)
