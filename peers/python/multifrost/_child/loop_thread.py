"""The asyncio loop of a worker, in a thread that is started with the first ``async def`` call."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

Start = Callable[[], Awaitable[None]]

_EAGER: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


class LoopThread:
    """Runs coroutines at once, in one thread.

    Args:
        flush: Called once for all coroutines that ended in one turn of the loop.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._inbox: deque[Start] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flush_planned = False

    def submit(self, start: Start) -> None:
        """Starts a coroutine soon. From any thread."""
        loop = self._running_loop()
        # First append, then look: a superfluous wake-up does no harm, a missing one would.
        self._inbox.append(start)
        if len(self._inbox) == 1:
            loop.call_soon_threadsafe(self._take)

    def flush_soon(self) -> None:
        """Has `flush` called at the end of this turn. Only within a coroutine of this loop."""
        if not self._flush_planned and self._loop is not None:
            self._flush_planned = True
            self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_planned = False
        self._flush()

    def _take(self) -> None:
        import asyncio

        while self._inbox:
            start = self._inbox[0]
            task: asyncio.Task[None] = asyncio.Task(_awaited(start), loop=self._loop, **_EAGER)
            if not task.done():
                self._tasks.add(task)  # asyncio holds only weak references to tasks
                task.add_done_callback(self._tasks.discard)
            self._inbox.popleft()  # only now, so that `submit` does not wake this loop for what it takes anyway

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is None:
            import asyncio  # takes 30 ms, which only workers with asynchronous methods need

            with self._lock:
                loop = self._loop
                if loop is None:
                    self._loop = loop = asyncio.new_event_loop()
                    threading.Thread(target=loop.run_forever, name="multifrost-asyncio", daemon=True).start()
        return loop


def _awaited(start: Start) -> Coroutine[Any, Any, None]:
    async def run() -> None:
        await start()

    return run()
