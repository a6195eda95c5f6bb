"""The thread that reads the socket and runs quick methods itself.

Passing a call to another thread costs about as much as the whole round trip. So a quick method runs in the thread that
read its call. If it takes too long, a new thread takes over reading, and heartbeats and other calls go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

CHECK_INTERVAL = 0.01
"""Pause between two checks for a slow method, in seconds. A slow one is found within one to two intervals."""

MAX_QUIET_CHECKS = 20
"""Checks in a row without a running method after which checking pauses."""

Job = TypeVar("Job")


class Reader(Generic[Job]):
    """Calls `step` in a loop, in one thread at a time. Another thread, the watcher, calls `check`.

    Args:
        step: Reads one message and handles it.
        wake_watcher: Called when the watcher has to call `check` again.
        on_overrun: Called with a job that takes too long, before a new thread takes over reading.
    """

    def __init__(self, step: Callable[[], None], wake_watcher: Callable[[], None], on_overrun: Callable[[Job], None]):
        self._step = step
        self._wake_watcher = wake_watcher
        self._on_overrun = on_overrun
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._job: Job | None = None
        self._seen: Job | None = None
        self._quiet_checks = 0
        self._watched = False

    def start(self) -> None:
        """Starts a thread that reads."""
        self._thread = threading.Thread(target=self._read, name="multifrost-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        me = threading.current_thread()
        while self._thread is me:
            self._step()

    def run_here(self, job: Job, run: Callable[[Job], None]) -> None:
        """Runs a job in the reader's thread. Only for `step`. Another thread may be the reader's when it returns."""
        self._job = job
        if not self._watched:
            self._watched = True
            self._wake_watcher()
        run(job)
        with self._lock:
            if self._job is job:
                self._job = None

    def check(self) -> float | None:
        """Starts another reader if a job takes too long. Returns seconds until the next check; None: when woken."""
        job = self._job
        if job is not None and job is self._seen:
            self._take_over(job)
        self._quiet_checks = 0 if job is not None or not self._watched else self._quiet_checks + 1
        self._seen = self._job
        if self._quiet_checks > MAX_QUIET_CHECKS:
            self._watched = False
            self._quiet_checks = 0
            # A job that started before `_watched` was cleared did not wake the watcher.
            self._watched = self._job is not None
        return CHECK_INTERVAL if self._watched else None

    def _take_over(self, job: Job) -> None:
        with self._lock:
            if self._job is not job:
                return  # it has just ended
            self._on_overrun(job)  # before the next call is read
            busy, self._job = self._thread, None
            try:
                self.start()
            except RuntimeError:  # the system cannot start a thread: the busy one reads on afterwards
                self._thread, self._job = busy, job

    def end(self, wake: Callable[[], None]) -> None:
        """Ends reading and waits for the reader's thread, unless a job still runs there."""
        with self._lock:
            thread, self._thread = self._thread, None
            busy = self._job is not None
        if thread is not None and not busy:
            wake()
            thread.join()
