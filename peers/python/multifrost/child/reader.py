"""The thread that reads the socket, and runs quick methods itself.

Handing a call to another thread costs about as much as the whole round trip. So a method runs where its call was read,
and if it is not done soon, a new thread takes over the reading: heartbeats and other calls go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

PATIENCE = 0.01
"""How long a method may hold up the reading, in seconds: it is noticed after one to two times as long."""

QUIET_LOOKS = 20
"""Looks in a row that find nothing running, until nobody looks any more."""

Job = TypeVar("Job")


class Reader(Generic[Job]):
    """A chain of threads of which one, the latest, calls `step` again and again.

    `look` has to be called from another thread, as long as it says; `wake_watcher` is called when it has to be called
    again. `overran(job)` tells which job was left behind with the thread that runs it.
    """

    def __init__(self, step: Callable[[], None], wake_watcher: Callable[[], None], overran: Callable[[Job], None]):
        self._step = step
        self._wake_watcher = wake_watcher
        self._overran = overran
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._job: Job | None = None
        self._seen: Job | None = None
        self._quiet = 0
        self._watched = False

    def start(self) -> None:
        """Begins to read."""
        self._thread = threading.Thread(target=self._read, name="multifrost-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        me = threading.current_thread()
        while self._thread is me:
            self._step()

    def run_here(self, job: Job, run: Callable[[Job], None]) -> None:
        """Runs a job in the reader's thread; for `step` only. Afterwards this may no longer be the reader's thread."""
        self._job = job
        if not self._watched:
            self._watched = True
            self._wake_watcher()
        run(job)
        with self._lock:
            if self._job is job:
                self._job = None

    def look(self) -> float | None:
        """Lets another thread read if a job holds it up. Returns when to look again, in seconds; None: when woken."""
        job = self._job
        if job is not None and job is self._seen:
            self._take_over(job)
        self._quiet = 0 if job is not None or not self._watched else self._quiet + 1
        self._seen = self._job
        if self._quiet > QUIET_LOOKS:
            self._watched = False
            self._quiet = 0
            # A job that began before the line above has woken nobody.
            self._watched = self._job is not None
        return PATIENCE if self._watched else None

    def _take_over(self, job: Job) -> None:
        with self._lock:
            if self._job is not job:
                return  # it has just ended
            self._overran(job)  # before anybody reads the next one
            busy, self._job = self._thread, None
            try:
                self.start()
            except RuntimeError:  # no thread to be had: the busy one goes on
                self._thread, self._job = busy, job

    def end(self, wake: Callable[[], None]) -> None:
        """Ends the reading, and waits for that: not for a job that still runs."""
        with self._lock:
            thread, self._thread = self._thread, None
            busy = self._job is not None
        if thread is not None and not busy:
            wake()
            thread.join()
