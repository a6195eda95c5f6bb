"""A worker at work: what comes in on the socket is understood, run and answered, until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import messages
from ..errors import CallError, MalformedMessageError
from ..messages import Message
from ..wakeup import WakeUp
from .dispatch import INTROSPECTION, Methods
from .executor import Call, Executor
from .orphan import ParentWatch
from .reader import Reader
from .router import LINGER, Router

logger = logging.getLogger("multifrost")

WATCH_EVERY = 0.5
"""Pause between two looks at whether the parent lives, in seconds."""


@dataclass(frozen=True)
class Settings:
    """What a worker's author may set: see the attributes of `ChildWorker`."""

    namespace: str
    other_namespaces: str
    stop_timeout: float
    max_concurrency: int | None
    max_pending: int


class Server:
    """Answers calls and heartbeats. The thread that calls `run` keeps watch; another one reads the socket."""

    def __init__(self, methods: Methods, settings: Settings) -> None:
        self.dropped = 0
        """Messages that could not be read, or had the wrong frames."""
        self.orphaned = False
        """Whether it ended because the parent that started this process is gone."""
        self._methods = methods
        self._settings = settings
        self._stop_wanted = False
        self._stop_at: float | None = None
        self._watch: ParentWatch | None = None
        self._wake_up = WakeUp()
        self._router = Router()
        self._reader: Reader[Call] = Reader(self._step, self._wake_up.set, self._overran)
        self._executor = Executor(
            self._router.send,
            self._reader.run_here,
            self._idle,
            settings.max_concurrency,
            settings.max_pending,
        )

    def connect(self, port: int) -> None:
        """Spawn mode: connects to the parent's port, and watches the parent."""
        self._watch = ParentWatch(self._router.connect(port))

    def bind(self) -> int:
        """Connect mode: binds a free port of the loopback interface, and returns it."""
        return self._router.bind()

    # From any thread:

    @property
    def has_peers(self) -> bool:
        """Whether a parent was seen that has not gone away since."""
        return self._router.has_peers

    def stop(self) -> None:
        """Takes no more calls, and ends `run` once those in flight are answered."""
        self._stop_wanted = True
        self._wake_up.set()

    def print(self, kind: str, line: str, undelivered: Callable[[], None]) -> None:
        """Sends a printed line to every parent seen; calls `undelivered` when no parent is left."""
        self._router.broadcast(messages.output(kind, line), undelivered)

    def _idle(self) -> None:
        if self._stop_wanted:
            self._wake_up.set()

    def _overran(self, call: Call) -> None:
        self._executor.pace.was_slow(call.name)

    # In the thread that keeps watch:

    def run(self, on_stop: Callable[[], None]) -> None:
        """Runs until stopped or orphaned; `on_stop` is called when no more calls are taken."""
        with self._woken_by_signals(), selectors.DefaultSelector() as selector:
            selector.register(self._wake_up, selectors.EVENT_READ)
            self._reader.start()
            try:
                while not self._over(on_stop):
                    if selector.select(self._patience()):
                        self._wake_up.clear()
            finally:
                self._reader.end(self._router.wake)

    @contextlib.contextmanager
    def _woken_by_signals(self) -> Iterator[None]:
        # Python runs a signal's handler once it has control again. A signal that comes a moment before the loop goes to
        # sleep would wait for the next message, which may never come; so the system's own handler wakes the loop.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._wake_up.writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def _over(self, on_stop: Callable[[], None]) -> bool:
        if self._watch and self._watch.parent_gone():
            self.orphaned = True
            return True
        if not self._stop_wanted:
            return False
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._settings.stop_timeout
            on_stop()
        return self._executor.pending == 0 or time.monotonic() >= self._stop_at

    def _patience(self) -> float | None:
        waits = [self._reader.look(), WATCH_EVERY if self._watch else None]
        if self._stop_at is not None:
            waits.append(max(0.0, self._stop_at - time.monotonic()))
        return min((wait for wait in waits if wait is not None), default=None)

    def close(self) -> None:
        """Sends what is left and closes the socket."""
        if self._watch:
            self._watch.close()
        self._router.close(linger=0 if self.orphaned else LINGER)
        self._wake_up.close()

    # In the thread that reads:

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
            self._router.seen(peer)
            self._take(peer, message)

    def _take(self, peer: bytes, message: Message) -> None:
        kind = message["type"]
        if kind == "call":
            try:
                self._call(peer, message)
            except CallError as error:
                self._router.send(peer, messages.failure(message["id"], error))
        elif kind == "heartbeat":
            self._echo(peer, message)
        elif kind == "shutdown":
            self.stop()

    def _call(self, peer: bytes, message: Message) -> None:
        if self._stop_wanted:
            raise CallError("NOT_RUNNING", "This worker is stopping and takes no more calls")
        own, asked = self._settings.namespace, message["namespace"]
        if asked != own:
            if self._settings.other_namespaces == "ignore":
                return
            raise CallError("WRONG_NAMESPACE", f"No namespace '{asked}' here; this worker's is '{own}'")
        message_id, name = message["id"], message["function"]
        if name in INTROSPECTION:
            answer = messages.response(message_id, self._methods.names(), {"interface": self._methods.interface})
            self._router.send(peer, answer)
            return
        self._executor.submit(Call(peer, message_id, name, self._methods.find(name), message["args"]))

    def _echo(self, peer: bytes, beat: Message) -> None:
        if beat.get("metadata", {}).get("hb_response"):
            return  # an answer; answering it would never end
        try:
            answer = messages.heartbeat_answer(beat)
        except Exception as error:
            self._drop(f"its contents cannot be sent back: {error!r}")
        else:
            self._router.send(peer, answer)

    def _drop(self, why: str) -> None:
        self.dropped += 1
        logger.info("A message was dropped (%d so far): %s", self.dropped, why)
