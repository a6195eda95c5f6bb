"""The three locks around a write to the service registry.

Each convention in the field has a lock of its own; holding all three, taken in one order, excludes every one of them:
``services.json.lock``, a folder (proper-lockfile), ``registry.lock`` and ``services.lock``, files holding a pid.
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
"""A lock not touched for so long is taken to be abandoned, in seconds."""

LOCK_TIMEOUT = 10.0
"""Longest wait for all locks together, in seconds."""

RETRY_EVERY = 0.02
"""Pause between two tries, in seconds."""


def is_alive(pid: object) -> bool:
    """Whether a process with this id runs; False for anything that is no process id."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's process
    except (ProcessLookupError, OverflowError):
        return False
    return True


@contextlib.contextmanager
def all_locks(folder: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Holds the three locks of `folder`; raises `RegistryError` ``LOCK_TIMEOUT`` naming the one that is taken."""
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
                        f"The service registry is locked by another process: {lock}. Try again, or remove the lock "
                        "when no process is using it.",
                    ) from None
                time.sleep(RETRY_EVERY)
            for mine in held:  # so that a long wait does not make the locks held so far look abandoned
                with contextlib.suppress(OSError):
                    os.utime(mine)
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
    """Removes an abandoned lock; True when it is worth trying again at once.

    Renaming it to a name of our own first makes one winner out of two breakers. A breaker that was so slow that it
    caught the winner's new lock puts that back.
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
        pass  # released, or broken by another
    return True


def _is_stale(lock: Path, seen: os.stat_result) -> bool:
    if time.time() - seen.st_mtime > STALE_AFTER:
        return True
    if lock.is_dir():
        return False
    text = lock.read_text(errors="replace").strip()
    return text.isascii() and text.isdigit() and not is_alive(int(text))
