"""A pool of threads for plain methods. Threads are started when needed, up to a limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class ThreadPool:
    """Starts jobs in order, at most `limit` at once.

    The threads are daemons, so that a method that never returns cannot keep the process alive after a shutdown.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._spare = 0
        """Threads that wait for a job minus jobs that wait for a thread. Below 0 if more jobs wait."""

    def submit(self, job: Callable[[], None]) -> None:
        """Queues a job, which must not raise. Never blocks.

        Raises:
            RuntimeError: If the pool has no thread and the system cannot start one.
        """
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
