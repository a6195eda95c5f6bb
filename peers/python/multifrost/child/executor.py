"""Where methods run: in the reader's thread, in threads of their own, or on an asyncio loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .. import messages
from ..errors import CallError
from .pace import Pace
from .pool import ThreadPool

MAX_THREADS = 64
"""Plain methods that run at once, where `max_concurrency` does not say otherwise."""


@dataclass(slots=True, eq=False)  # not frozen, which would take four times as long to make
class Call:
    """One accepted call: whom to answer under which id, and what to run."""

    peer: bytes
    id: str
    name: str
    method: Callable[..., Any]
    args: list[Any]


RunHere = Callable[[Call, Callable[[Call], None]], None]
"""Runs a call in the reader's thread: see `Reader.run_here`."""


class Executor:
    """Runs calls and hands each one's answer to `answer(peer, payload)`, exactly once, from whatever thread."""

    def __init__(
        self,
        answer: Callable[[bytes, bytes], None],
        run_here: RunHere,
        on_idle: Callable[[], None],
        max_concurrency: int | None,
        max_pending: int,
    ) -> None:
        self.pace = Pace()
        self.pending = 0
        """Calls that run or wait."""
        self._answer = answer
        self._run_here = run_here
        self._on_idle = on_idle
        self._max_running = max_concurrency or max_pending
        self._max_pending = max_pending
        self._running = 0
        self._waiting: deque[Call] = deque()
        self._lock = threading.Lock()
        self._pool = ThreadPool(max_concurrency or MAX_THREADS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, call: Call) -> None:
        """Begins a call, or lets it wait; for the reader's thread. Raises `CallError` ``OVERLOADED``."""
        with self._lock:
            if self.pending >= self._max_pending:
                text = f"Too many calls are waiting here (max_pending {self._max_pending}); call again later"
                raise CallError("OVERLOADED", text)
            self.pending += 1
            if self._running >= self._max_running:
                self._waiting.append(call)
                return
            self._running += 1
        if not inspect.iscoroutinefunction(call.method) and self.pace.is_quick(call.name):
            self._run_here(call, self._run)
        else:
            self._begin(call)

    def _begin(self, call: Call) -> None:
        if inspect.iscoroutinefunction(call.method):
            self._on_loop(call, lambda: call.method(*call.args))
            return
        try:
            self._pool.submit(lambda: self._run(call))
        except RuntimeError as error:  # no thread to be had
            self._settle(call, messages.failure(call.id, error))

    def _run(self, call: Call) -> None:
        began = time.perf_counter()
        try:
            result = call.method(*call.args)
        except BaseException as error:  # also SystemExit: a method cannot end the worker
            self._settle(call, messages.failure(call.id, error))
        else:
            if inspect.isawaitable(result):
                self._on_loop(call, lambda: result)
            else:
                self._settle(call, messages.response(call.id, result))
        self.pace.took(call.name, time.perf_counter() - began)

    def _on_loop(self, call: Call, begin: Callable[[], Awaitable[Any]]) -> None:
        loop = self._running_loop()

        def start() -> None:
            task = loop.create_task(self._await(call, begin))
            self._tasks.add(task)  # asyncio itself holds tasks only weakly
            task.add_done_callback(self._tasks.discard)

        loop.call_soon_threadsafe(start)

    async def _await(self, call: Call, begin: Callable[[], Awaitable[Any]]) -> None:
        try:
            result = await begin()
        except BaseException as error:
            self._settle(call, messages.failure(call.id, error))
            return
        self._settle(call, messages.response(call.id, result))

    def _settle(self, call: Call, payload: bytes) -> None:
        self._answer(call.peer, payload)
        with self._lock:
            self.pending -= 1
            following = self._waiting.popleft() if self._waiting else None
            if following is None:
                self._running -= 1
        if following is not None:
            self._begin(following)
        elif self.pending == 0:
            self._on_idle()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._loop_lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="multifrost-asyncio", daemon=True).start()
            return self._loop
