"""Runs methods: plain ones in the main thread or in a pool of threads, ``async def`` methods on an asyncio loop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from .._messages import Messages
from ..errors import CallError
from .call_reader import PlainCall
from .fork_undo import leave_forked_process
from .link import Handle
from .loop_thread import LoopThread

if TYPE_CHECKING:
    from .thread_pool import ThreadPool

FLUSH_INTERVAL = 0.0005
"""While calls wait, answers are sent after this time, in seconds."""

READ_INTERVAL = 0.005
"""While calls wait, the main thread looks at the socket after this time, in seconds. Under the GIL the watchdog may
starve: the main thread gives the GIL up for each short write, and that starts the watchdog's waiting time again."""

MAX_PENDING_BYTES = 256 * 1024 * 1024
"""Calls that run or wait take at most this much memory together, by an estimate, in bytes. More are refused."""

CO_ITERABLE_COROUTINE = 0x100
"""The flag of the code of generators that may be awaited."""

_NEVER_AWAITABLE = frozenset({type(None), bool, int, float, str, bytes, list, dict, tuple})


class Executor:
    """Runs calls, and answers each exactly once.

    Args:
        push: Queues an answer for a parent.
        flush: Sends what is queued.
        wake: Wakes the main thread, because a call waits for it or the last one has ended.
        threads: How many plain methods run at once. 1: they run in the main thread, in `run_some`.
        max_concurrency: Calls that run at once; None for no limit.
        max_pending: Calls that run or wait at once; more are refused, unless their parent has less than an equal share.
        parents: Returns how many parents there are. None: the link does not tell them apart, and there are no shares.
        has_async: Whether there are ``async def`` methods.
        messages: Encodes the answers. Default: for the usual app.
    """

    def __init__(
        self,
        push: Callable[[Handle, bytes], None],
        flush: Callable[[], None],
        wake: Callable[[], None],
        threads: int,
        max_concurrency: int | None,
        max_pending: int,
        parents: Callable[[], int] | None = None,
        has_async: bool = True,
        messages: Messages | None = None,
    ) -> None:
        self.jobs: deque[PlainCall] = deque()
        """Calls that wait for the main thread."""
        self.has_forked = False
        """Whether this process is a fork of the worker: a method that returns in it ends it."""
        self._push = push
        self._messages = Messages() if messages is None else messages
        self._flush = flush
        self._wake = wake
        self._pool = _make_pool(threads, self._run_in_pool) if threads > 1 else None
        self._loop = LoopThread(flush)
        self._max_pending = max_pending
        self._parents = parents
        self._shares = parents is not None
        self._limit = max_concurrency
        self._only_queues = threads == 1 and max_concurrency is None and not has_async
        """Whether every call is queued for the main thread."""
        self._limit_lock = threading.Lock()
        self._running = 0
        self._waiting: deque[PlainCall] = deque()
        self._room = self._room_bytes = 0
        """Calls and bytes that are accepted before `submit` looks again at what has ended."""
        # Each of these is written by one thread only, except the last, so that a call needs no lock.
        self._submitted = self._ended_here = self._ended_on_loop = self._ended_in_pool = 0
        self._submitted_bytes = self._ended_bytes_here = self._ended_bytes_on_loop = self._ended_bytes_in_pool = 0
        self._pool_lock = threading.Lock()

    @property
    def pending(self) -> int:
        """Calls that run or wait."""
        return self._submitted - self._ended_here - self._ended_on_loop - self._ended_in_pool

    @property
    def pending_bytes(self) -> int:
        """Bytes of the calls that run or wait."""
        ended = self._ended_bytes_here + self._ended_bytes_on_loop + self._ended_bytes_in_pool
        return self._submitted_bytes - ended

    def submit_together(self, peer: Handle, calls: list[PlainCall], size: int) -> bool:
        """Queues calls of a parent that arrived together. Only for the thread that reads.

        Returns whether it has: False if each has to be submitted alone.

        Args:
            size: What the calls take in memory together, in bytes.
        """
        count = len(calls)
        if self._room < count or self._room_bytes < size:
            self._count_room()
        if not self._only_queues or self._room < count or self._room_bytes < size:
            return False
        self._room -= count
        self._room_bytes -= size
        if self._shares:
            peer.taken += count
        self._submitted += count
        self._submitted_bytes += size
        self.jobs.extend(calls)
        return True

    def submit(self, call: PlainCall) -> None:
        """Starts a call or queues it. Only for the thread that reads.

        Raises:
            CallError: ``OVERLOADED``.
        """
        peer, size = call[0], call[4]
        if self._room <= 0 or self._room_bytes < size:
            self._make_room(peer, size)
        self._room -= 1
        self._room_bytes -= size
        if self._shares:
            peer.taken += 1
        self._submitted += 1
        self._submitted_bytes += size
        if self._limit is not None:
            with self._limit_lock:
                if self._running >= self._limit:
                    self._waiting.append(call)
                    return
                self._running += 1
        self._start(call)

    def _count_room(self) -> None:
        self._room = self._max_pending - self.pending
        self._room_bytes = MAX_PENDING_BYTES - self.pending_bytes

    def _make_room(self, peer: Handle, size: int) -> None:
        self._count_room()
        if self._room <= 0 and not self._has_share(peer):
            text = f"Too many calls are waiting here (max_pending {self._max_pending}); call again later"
            raise CallError("OVERLOADED", text)
        if self._room_bytes < size and self.pending and not self._has_share_of_bytes(peer, size):
            text = f"The calls that wait here have {self.pending_bytes} bytes; call again later"
            raise CallError("OVERLOADED", f"Too many calls are waiting here. {text}")

    def _has_share(self, peer: Handle) -> bool:
        """Whether this parent has less than an equal share of the calls that may be pending."""
        if self._parents is None:
            return False
        pending: int = peer.pending_calls
        return pending < self._max_pending / max(1, self._parents())

    def _has_share_of_bytes(self, peer: Handle, size: int) -> bool:
        """Whether this parent has no call yet, and this one takes no more than an equal share of the bytes."""
        if self._parents is None:
            return False
        return not peer.pending_calls and size <= MAX_PENDING_BYTES / max(1, self._parents())

    def run_some(self) -> None:
        """Runs calls that wait for the main thread, and sends their answers; at most about 5 ms, or one call."""
        jobs, run, now = self.jobs, self._run_here, time.monotonic
        flushed = now()
        end = flushed + READ_INTERVAL
        while jobs:
            run(jobs.popleft())
            time_now = now()
            if time_now - flushed > FLUSH_INTERVAL:
                self._flush()
                flushed = time_now
                if time_now > end:
                    break
        self._flush()

    def refuse_waiting(self, error: CallError) -> None:
        """Answers the calls that have not begun with an error. In any thread."""
        with self._limit_lock:
            waiting = [*self._waiting]
            self._waiting.clear()
        if self._pool is not None:
            waiting += self._pool.take_waiting()
        with contextlib.suppress(IndexError):
            # One by one: the main thread may take one meanwhile.
            while True:
                waiting.append(self.jobs.popleft())
        for peer, message_id, *_ in waiting:
            self._push(peer, self._messages.failure(message_id.decode(), error))

    def _start(self, call: PlainCall) -> None:
        _, message_id, method, args, _ = call
        if method.is_async:
            self._loop.submit(lambda: self._await(call, lambda: method.function(*args)))
        elif self._pool is None:
            self.jobs.append(call)
        else:
            try:
                self._pool.submit(call)
            except RuntimeError as error:  # the system cannot start a thread
                self._answer(call, self._messages.failure(message_id.decode(), error))
                self._ended_in_pool_once(call)

    def _run_here(self, call: PlainCall) -> None:
        peer, message_id, method, args, size = call
        try:
            result = method.function(*args)
        except BaseException as error:  # SystemExit too: a method cannot end the worker
            answer = self._messages.failure(message_id.decode(), error)
        else:
            if type(result) not in _NEVER_AWAITABLE and _is_awaitable(result):
                # Not a lambda: every call would create what a closure needs, 0.1 us.
                self._loop.submit(partial(self._await, call, partial(_returned, result)))
                self._leave_if_forked()
                return
            answer = self._messages.response(message_id, result)
        if self.has_forked:
            leave_forked_process()
        self._push(peer, answer)
        self._ended_here += 1
        if self._shares:
            peer.ended_here += 1
        self._ended_bytes_here += size
        if self._limit is not None:
            self._start_next()

    def _run_in_pool(self, call: PlainCall) -> None:
        _, message_id, method, args, _ = call
        try:
            result = method.function(*args)
        except BaseException as error:
            answer = self._messages.failure(message_id.decode(), error)
        else:
            if type(result) not in _NEVER_AWAITABLE and _is_awaitable(result):
                self._loop.submit(lambda: self._await(call, lambda: result))
                return
            answer = self._messages.response(message_id, result)
        self._leave_if_forked()
        self._answer(call, answer)
        self._ended_in_pool_once(call)

    async def _await(self, call: PlainCall, start: Callable[[], Awaitable[Any]]) -> None:
        peer, message_id, _, _, size = call
        try:
            answer = self._messages.response(message_id, await start())
        except BaseException as error:
            answer = self._messages.failure(message_id.decode(), error)
        self._push(peer, answer)
        self._loop.flush_soon()
        self._ended_on_loop += 1
        if self._shares:
            peer.ended_on_loop += 1
        self._ended_bytes_on_loop += size
        self._after_end()

    def _answer(self, call: PlainCall, answer: bytes) -> None:
        self._push(call[0], answer)
        self._flush()

    def _ended_in_pool_once(self, call: PlainCall) -> None:
        with self._pool_lock:
            self._ended_in_pool += 1
            if self._shares:
                call[0].ended_in_pool += 1
            self._ended_bytes_in_pool += call[4]
        self._after_end()

    def _after_end(self) -> None:
        if self._limit is not None:
            self._start_next()
        if self.jobs or self.pending == 0:
            self._wake()

    def _start_next(self) -> None:
        with self._limit_lock:
            call = self._waiting.popleft() if self._waiting else None
            if call is None:
                self._running -= 1
        if call is not None:
            self._start(call)

    def _leave_if_forked(self) -> None:
        if self.has_forked:
            leave_forked_process()


def _make_pool(threads: int, work: Callable[[PlainCall], None]) -> ThreadPool[PlainCall]:
    from .thread_pool import ThreadPool

    return ThreadPool(threads, work)


def _returned(result: Any) -> Any:
    return result


def _is_awaitable(result: object) -> bool:
    """Does the same as `inspect.isawaitable`. Importing that takes 5 ms."""
    is_old_coroutine = isinstance(result, GeneratorType) and bool(result.gi_code.co_flags & CO_ITERABLE_COROUTINE)
    return is_old_coroutine or isinstance(result, Awaitable)
