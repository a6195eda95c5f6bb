"""The three locks that are held while the service registry is written.

Implementations use different locks: ``services.json.lock``, a folder (proper-lockfile); ``registry.lock`` and
``services.lock``, files that contain a pid. Holding all three, always taken in this order, excludes all of them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from ._liveness import is_alive
from .errors import RegistryError

LOCKS = ("services.json.lock", "registry.lock", "services.lock")

STALE_AFTER = 10.0
"""A lock that was not touched for this long counts as abandoned, in seconds."""

LOCK_TIMEOUT = 10.0
"""Longest wait for all three locks together, in seconds."""

RETRY_INTERVAL = 0.02
"""Pause between two attempts to take a lock, in seconds."""


_writers: dict[Path, threading.Lock] = {}
"""By folder, held by the thread that writes: a lock of this process's pid that it has not is an earlier one's."""


@contextlib.contextmanager
def all_locks(folder: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Holds the three locks of `folder`.

    Args:
        timeout: Longest wait for all three, in seconds. Default: 10.

    Raises:
        RegistryError: ``LOCK_TIMEOUT``, with the path of the lock that another process holds.
    """
    deadline = time.monotonic() + timeout
    writer = _writers.setdefault(folder, threading.Lock())
    if not writer.acquire(timeout=timeout):
        raise _timed_out(folder)
    held: list[Path] = []
    try:
        for name, take in zip(LOCKS, (_make_folder, _make_file, _make_file), strict=True):
            _take(folder / name, take, deadline, held)
        yield
    finally:
        for lock in reversed(held):
            with contextlib.suppress(OSError):
                lock.rmdir() if lock.is_dir() else lock.unlink()
        writer.release()


def _take(lock: Path, take: Callable[[Path], None], deadline: float, held: list[Path]) -> None:
    while True:
        try:
            take(lock)
        except FileExistsError:
            if not _break_stale(lock):
                if time.monotonic() >= deadline:
                    raise _timed_out(lock) from None
                time.sleep(RETRY_INTERVAL)
            for own in held:  # keeps the locks taken so far from looking abandoned during a long wait
                with contextlib.suppress(OSError):
                    os.utime(own)
        else:
            held.append(lock)
            return


def _timed_out(lock: Path) -> RegistryError:
    return RegistryError(
        "LOCK_TIMEOUT",
        f"Another process holds the lock of the service registry: {lock}. Try again, or remove the lock if no process "
        "is using it.",
    )


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
    # proper-lockfile sets the first time up to a second ahead, hence the earlier one.
    age = time.time() - min(seen.st_mtime, seen.st_ctime)
    if age > STALE_AFTER:
        return True
    holder = _holder(lock, seen)
    if holder is None:
        return age < -STALE_AFTER  # the clock was set back, so that the age says nothing
    return holder == os.getpid() or not is_alive(holder)


def _holder(lock: Path, seen: os.stat_result) -> int | None:
    """The pid of the process that has the lock. A folder's is in a file next to it, with the inode of the folder."""
    if not stat.S_ISDIR(seen.st_mode):
        text = read_regular_file(lock)
    else:
        text, _, identity = (read_regular_file(lock.with_name(f"{LOCKS[0]}.holder")) or "").partition(" ")
        if identity.partition("-")[0] != str(seen.st_ino):
            return None
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def read_regular_file(path: Path) -> str | None:
    """Returns the text of a regular file. None for anything else, without waiting for a FIFO."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    with os.fdopen(file, errors="replace") as opened:
        return opened.read() if stat.S_ISREG(os.fstat(file).st_mode) else None
