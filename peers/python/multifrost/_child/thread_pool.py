"""A pool of threads for plain methods. Threads are started when needed, up to a limit."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")


class ThreadPool(Generic[Job]):
    """Does jobs in order, at most `limit` at once, with `work`, which must not raise.

    The threads are daemons, so that a method that never returns cannot keep the process alive after a shutdown.
    """

    def __init__(self, limit: int, work: Callable[[Job], None]) -> None:
        self._limit = limit
        self._work = work
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._spare = 0
        """Threads that wait for a job minus jobs that wait for a thread. Below 0 if more jobs wait."""

    def submit(self, job: Job) -> None:
        """Queues a job. Never blocks.

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
            threading.Thread(target=self._run, name="multifrost-call", daemon=True).start()
        except RuntimeError:
            if self._threads == 0:
                raise
        else:
            self._threads += 1
            self._spare += 1

    def take_waiting(self) -> list[Job]:
        """Takes the jobs that no thread has begun."""
        waiting: list[Job] = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._jobs.get_nowait())
        return waiting

    def _run(self) -> None:
        while True:
            self._work(self._jobs.get())
            with self._lock:
                self._spare += 1
