"""Threads for plain methods: made when they are needed, up to a bound."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class ThreadPool:
    """Runs jobs in the order given, as many at once as there may be threads.

    Its threads are daemons, so that a method which never returns cannot keep the process alive after a shutdown.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._spare = 0
        """Threads waiting for a job, less the jobs waiting for a thread: below 0 when there are more of these."""

    def submit(self, job: Callable[[], None]) -> None:
        """Never blocks. The job must not raise. Raises `RuntimeError` when the system has no thread at all for it."""
        with self._lock:
            if self._spare <= 0 and self._threads < self._limit:
                self._add_thread()
            self._spare -= 1
        self._jobs.put(job)

    def _add_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name="multifrost-call", daemon=True).start()
        except RuntimeError:
            if self._threads == 0:
                raise
        else:
            self._threads += 1
            self._spare += 1

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                self._spare += 1
