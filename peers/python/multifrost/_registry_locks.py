"""The three locks that are held while the service registry is written.

Implementations use different locks: ``services.json.lock``, a folder (proper-lockfile); ``registry.lock`` and
``services.lock``, files that contain a pid. Holding all three, always taken in this order, excludes all of them.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import RegistryError

STALE_AFTER = 10.0
"""A lock that was not touched for this long counts as abandoned, in seconds."""

LOCK_TIMEOUT = 10.0
"""Longest wait for all three locks together, in seconds."""

RETRY_INTERVAL = 0.02
"""Pause between two attempts to take a lock, in seconds."""


def is_alive(pid: object) -> bool:
    """Reports whether a process with this id is running. False for anything that is not a process id."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # another user's process
    except (ProcessLookupError, OverflowError):
        return False
    return True


@contextlib.contextmanager
def all_locks(folder: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Holds the three locks of `folder`.

    Args:
        timeout: Longest wait for all three, in seconds. Default: 10.

    Raises:
        RegistryError: ``LOCK_TIMEOUT``, with the path of the lock that another process holds.
    """
    deadline = time.monotonic() + timeout
    held: list[Path] = []
    try:
        for name, take in (
            ("services.json.lock", _make_folder),
            ("registry.lock", _make_file),
            ("services.lock", _make_file),
        ):
            _take(folder / name, take, deadline, held)
        yield
    finally:
        for lock in reversed(held):
            with contextlib.suppress(OSError):
                lock.rmdir() if lock.is_dir() else lock.unlink()


def _take(lock: Path, take: Callable[[Path], None], deadline: float, held: list[Path]) -> None:
    while True:
        try:
            take(lock)
        except FileExistsError:
            if not _break_stale(lock):
                if time.monotonic() >= deadline:
                    raise RegistryError(
                        "LOCK_TIMEOUT",
                        f"Another process holds the lock of the service registry: {lock}. Try again, or remove the "
                        "lock if no process is using it.",
                    ) from None
                time.sleep(RETRY_INTERVAL)
            for own in held:  # keeps the locks taken so far from looking abandoned during a long wait
                with contextlib.suppress(OSError):
                    os.utime(own)
        else:
            held.append(lock)
            return


def _make_folder(lock: Path) -> None:
    lock.mkdir(mode=0o700)


def _make_file(lock: Path) -> None:
    file = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(file, str(os.getpid()).encode())
    finally:
        os.close(file)


def _break_stale(lock: Path) -> bool:
    """Removes an abandoned lock. True: try again at once.

    The lock is renamed first, so that only one of several processes removes it. A process that renamed the winner's
    new lock by mistake puts it back.
    """
    try:
        seen = lock.stat()
        if not _is_stale(lock, seen):
            return False
        taken = lock.with_name(f"{lock.name}.{os.getpid()}-{uuid.uuid4().hex}")
        lock.rename(taken)
        if taken.stat().st_ino != seen.st_ino or not _is_stale(taken, taken.stat()):
            taken.rename(lock)
            return False
        taken.rmdir() if taken.is_dir() else taken.unlink()
    except FileNotFoundError:
        pass  # released, or removed by another process
    return True


def _is_stale(lock: Path, seen: os.stat_result) -> bool:
    if time.time() - seen.st_mtime > STALE_AFTER:
        return True
    if lock.is_dir():
        return False
    text = lock.read_text(errors="replace").strip()
    return text.isascii() and text.isdigit() and not is_alive(int(text))
