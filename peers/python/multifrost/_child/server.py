"""Serves a worker: reads messages, runs calls and answers them, until the worker is stopped."""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import _messages as messages
from .._messages import Message
from .._wakeup import WakeUp
from ..errors import CallError, MalformedMessageError
from .executor import Executor, IncomingCall
from .method_table import INTROSPECTION_NAMES, MethodTable
from .parent_watch import ParentWatch
from .reader import Reader
from .router import LINGER, Router

logger = logging.getLogger("multifrost")

PARENT_CHECK_INTERVAL = 0.5
"""Pause between two checks whether the parent is still there, in seconds."""


@dataclass(frozen=True)
class ServerOptions:
    """The options of a worker: see the attributes of `ChildWorker`."""

    namespace: str
    other_namespaces: str
    stop_timeout: float
    max_concurrency: int | None
    max_pending: int


class Server:
    """Answers calls and heartbeats. The thread that calls `run` is the watcher; another thread reads the socket."""

    def __init__(self, methods: MethodTable, options: ServerOptions) -> None:
        self.dropped = 0
        """Messages that could not be read or had the wrong frames."""
        self.orphaned = False
        """Whether serving ended because the parent that spawned this process is gone."""
        self._methods = methods
        self._options = options
        self._stop_wanted = False
        self._stop_at: float | None = None
        self._watch: ParentWatch | None = None
        self._wake_up = WakeUp()
        self._router = Router()
        self._reader: Reader[IncomingCall] = Reader(self._step, self._wake_up.set, self._on_overrun)
        self._executor = Executor(
            self._router.send,
            self._reader.run_here,
            self._on_idle,
            options.max_concurrency,
            options.max_pending,
        )

    def connect(self, port: int) -> None:
        """Spawn mode: connects to the parent's port and watches the parent."""
        self._watch = ParentWatch(self._router.connect(port))

    def bind(self) -> int:
        """Connect mode: binds a free port of the loopback interface and returns it."""
        return self._router.bind()

    # From any thread:

    @property
    def has_peers(self) -> bool:
        """Whether a parent has sent a message and is still connected."""
        return self._router.has_peers

    def stop(self) -> None:
        """Refuses further calls, and ends `run` once those in flight are answered."""
        self._stop_wanted = True
        self._wake_up.set()

    def print(self, kind: str, line: str, undelivered: Callable[[], None]) -> None:
        """Sends a printed line to every known parent. Calls `undelivered` if none is left."""
        self._router.broadcast(messages.output(kind, line), undelivered)

    def _on_idle(self) -> None:
        if self._stop_wanted:
            self._wake_up.set()

    def _on_overrun(self, call: IncomingCall) -> None:
        self._executor.timing.mark_slow(call.name)

    # In the watcher's thread:

    def run(self, on_stop: Callable[[], None]) -> None:
        """Serves until stopped or orphaned. Calls `on_stop` when further calls are refused."""
        with self._woken_by_signals(), selectors.DefaultSelector() as selector:
            selector.register(self._wake_up, selectors.EVENT_READ)
            self._reader.start()
            try:
                while not self._is_over(on_stop):
                    if selector.select(self._next_check()):
                        self._wake_up.clear()
            finally:
                self._reader.end(self._router.wake)

    @contextlib.contextmanager
    def _woken_by_signals(self) -> Iterator[None]:
        # Python runs a signal's handler between bytecodes. For a signal that arrives just before the loop sleeps, that
        # would be after the next wake-up, which may never come. So the C handler of the signal wakes the loop.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._wake_up.writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def _is_over(self, on_stop: Callable[[], None]) -> bool:
        if self._watch and self._watch.parent_gone():
            self.orphaned = True
            return True
        if not self._stop_wanted:
            return False
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._options.stop_timeout
            on_stop()
        return self._executor.pending == 0 or time.monotonic() >= self._stop_at

    def _next_check(self) -> float | None:
        """Returns seconds until the watcher has something to check; None: only when woken."""
        waits = [self._reader.check(), PARENT_CHECK_INTERVAL if self._watch else None]
        if self._stop_at is not None:
            waits.append(max(0.0, self._stop_at - time.monotonic()))
        return min((wait for wait in waits if wait is not None), default=None)

    def close(self) -> None:
        """Sends what is queued and closes the socket."""
        if self._watch:
            self._watch.close()
        self._router.close(linger=0 if self.orphaned else LINGER)
        self._wake_up.close()

    # In the reader's thread:

    def _step(self) -> None:
        frames = self._router.receive()
        if frames is None:
            return
        if len(frames) < 3 or frames[1]:
            self._drop("it has the wrong frames")
            return
        peer, _, payload = frames[:3]
        try:
            message = messages.read(payload)
        except MalformedMessageError as error:
            self._drop(str(error))
            if error.message_type == "call" and error.message_id:
                self._router.send(peer, messages.failure(error.message_id, error))
            return
        if message is not None:
            self._router.remember(peer)
            self._handle(peer, message)

    def _handle(self, peer: bytes, message: Message) -> None:
        kind = message["type"]
        if kind == "call":
            try:
                self._call(peer, message)
            except CallError as error:
                self._router.send(peer, messages.failure(message["id"], error))
        elif kind == "heartbeat":
            self._answer_heartbeat(peer, message)
        elif kind == "shutdown":
            self.stop()

    def _call(self, peer: bytes, message: Message) -> None:
        if self._stop_wanted:
            raise CallError("NOT_RUNNING", "This worker is stopping and takes no more calls")
        own, asked = self._options.namespace, message["namespace"]
        if asked != own:
            if self._options.other_namespaces == "ignore":
                return
            raise CallError("WRONG_NAMESPACE", f"No namespace '{asked}' here; this worker's is '{own}'")
        message_id, name = message["id"], message["function"]
        if name in INTROSPECTION_NAMES:
            answer = messages.response(message_id, self._methods.names(), {"interface": self._methods.interface})
            self._router.send(peer, answer)
            return
        self._executor.submit(IncomingCall(peer, message_id, name, self._methods.find(name), message["args"]))

    def _answer_heartbeat(self, peer: bytes, beat: Message) -> None:
        if beat.get("metadata", {}).get("hb_response"):
            return  # it is an answer itself
        try:
            answer = messages.heartbeat_answer(beat)
        except Exception as error:
            self._drop(f"its content cannot be sent back: {error!r}")
        else:
            self._router.send(peer, answer)

    def _drop(self, reason: str) -> None:
        self.dropped += 1
        logger.info("Dropped a message (%d so far): %s", self.dropped, reason)
