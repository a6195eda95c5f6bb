"""Where methods run: one thread for plain ones, in order, and one asyncio loop for ``async def`` ones."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from . import messages


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call: whom to answer under which id, and what to run."""

    peer: bytes
    id: str
    method: Callable[..., Any]
    args: list[Any]


class Executor:
    """Runs calls and hands each one's answer to `answer(peer, payload)`, exactly once, from a thread of its own."""

    def __init__(self, answer: Callable[[bytes, bytes], None]) -> None:
        self._answer = answer
        self._queue: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        # Daemon threads, so that a method which never returns cannot keep the process alive after a shutdown.
        threading.Thread(target=self._run_queue, name="multifrost-calls", daemon=True).start()

    def submit(self, call: Call) -> None:
        """Queues a call; never blocks."""
        if inspect.iscoroutinefunction(call.method):
            self._on_loop(call, lambda: call.method(*call.args))
        else:
            self._queue.put(call)

    def _run_queue(self) -> None:
        while True:
            self._run(self._queue.get())

    def _run(self, call: Call) -> None:
        try:
            result = call.method(*call.args)
        except BaseException as error:  # also SystemExit: a method cannot end the worker
            self._answer(call.peer, messages.failure(call.id, error))
            return
        if inspect.isawaitable(result):
            self._on_loop(call, lambda: result)
        else:
            self._answer(call.peer, messages.response(call.id, result))

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
            self._answer(call.peer, messages.failure(call.id, error))
            return
        self._answer(call.peer, messages.response(call.id, result))

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._loop_lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="multifrost-asyncio", daemon=True).start()
            return self._loop
