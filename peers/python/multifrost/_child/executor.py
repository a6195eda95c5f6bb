"""Runs methods: in the reader's thread, in a pool of threads, or on an asyncio loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .. import _messages as messages
from ..errors import CallError
from .method_timing import MethodTiming
from .thread_pool import ThreadPool

MAX_THREADS = 64
"""Plain methods that run at once, unless `max_concurrency` is set."""


@dataclass(slots=True, eq=False)  # not frozen: a frozen one takes four times as long to create
class IncomingCall:
    """One accepted call: the peer and id to answer, and the method to run."""

    peer: bytes
    id: str
    name: str
    method: Callable[..., Any]
    args: list[Any]


RunHere = Callable[[IncomingCall, Callable[[IncomingCall], None]], None]
"""Runs a call in the reader's thread: see `Reader.run_here`."""


class Executor:
    """Runs calls, and answers each exactly once with `answer(peer, payload)`, from any thread.

    Args:
        answer: Sends an answer.
        run_here: Runs a quick method in the reader's thread.
        on_idle: Called when no call runs or waits any more.
        max_concurrency: Calls that run at once; None for no limit, except 64 for plain methods.
        max_pending: Calls that run or wait at once; more are refused.
    """

    def __init__(
        self,
        answer: Callable[[bytes, bytes], None],
        run_here: RunHere,
        on_idle: Callable[[], None],
        max_concurrency: int | None,
        max_pending: int,
    ) -> None:
        self.timing = MethodTiming()
        self.pending = 0
        """Calls that run or wait."""
        self._answer = answer
        self._run_here = run_here
        self._on_idle = on_idle
        self._max_running = max_concurrency or max_pending
        self._max_pending = max_pending
        self._running = 0
        self._waiting: deque[IncomingCall] = deque()
        self._lock = threading.Lock()
        self._pool = ThreadPool(max_concurrency or MAX_THREADS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, call: IncomingCall) -> None:
        """Starts a call or queues it. Only for the reader's thread.

        Raises:
            CallError: ``OVERLOADED``.
        """
        with self._lock:
            if self.pending >= self._max_pending:
                text = f"Too many calls are waiting here (max_pending {self._max_pending}); call again later"
                raise CallError("OVERLOADED", text)
            self.pending += 1
            if self._running >= self._max_running:
                self._waiting.append(call)
                return
            self._running += 1
        if not inspect.iscoroutinefunction(call.method) and self.timing.is_quick(call.name):
            self._run_here(call, self._run)
        else:
            self._start(call)

    def _start(self, call: IncomingCall) -> None:
        if inspect.iscoroutinefunction(call.method):
            self._on_loop(call, lambda: call.method(*call.args))
            return
        try:
            self._pool.submit(lambda: self._run(call))
        except RuntimeError as error:  # the system cannot start a thread
            self._settle(call, messages.failure(call.id, error))

    def _run(self, call: IncomingCall) -> None:
        started = time.perf_counter()
        try:
            result = call.method(*call.args)
        except BaseException as error:  # SystemExit too: a method cannot end the worker
            self._settle(call, messages.failure(call.id, error))
        else:
            if inspect.isawaitable(result):
                self._on_loop(call, lambda: result)
            else:
                self._settle(call, messages.response(call.id, result))
        self.timing.record(call.name, time.perf_counter() - started)

    def _on_loop(self, call: IncomingCall, start: Callable[[], Awaitable[Any]]) -> None:
        loop = self._running_loop()

        def create_task() -> None:
            task = loop.create_task(self._await(call, start))
            self._tasks.add(task)  # asyncio holds only weak references to tasks
            task.add_done_callback(self._tasks.discard)

        loop.call_soon_threadsafe(create_task)

    async def _await(self, call: IncomingCall, start: Callable[[], Awaitable[Any]]) -> None:
        try:
            result = await start()
        except BaseException as error:
            self._settle(call, messages.failure(call.id, error))
            return
        self._settle(call, messages.response(call.id, result))

    def _settle(self, call: IncomingCall, payload: bytes) -> None:
        self._answer(call.peer, payload)
        with self._lock:
            self.pending -= 1
            next_call = self._waiting.popleft() if self._waiting else None
            if next_call is None:
                self._running -= 1
        if next_call is not None:
            self._start(next_call)
        elif self.pending == 0:
            self._on_idle()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._loop_lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="multifrost-asyncio", daemon=True).start()
            return self._loop
