"""Serves a worker: reads messages, runs calls and answers them, until the worker is stopped.

The main thread reads the socket and runs plain methods itself, since passing a call to another thread costs about as
much as the rest of the round trip. While a method is long, a second thread, the watchdog, reads instead, so that
heartbeats, asynchronous calls and a shutdown are answered.

The thread that reads holds the lock `_reading`. `_turn` is odd while the main thread runs methods: a watchdog that sees
the same odd number twice takes the lock. The main thread asks for it back with `_wanted` and a wake-up.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, NoReturn

from .. import _log as log
from .._codec import PartialArgs, memory_of_call
from .._limits import DEFAULT_LIMITS, Limits
from .._messages import Message, Messages
from .._zmtp.reader import Payload
from .._zmtp.wire import message_head
from ..errors import CallError, LaunchError, MalformedMessageError
from . import spawn_address
from .call_reader import MAX_USUAL_BYTES, CallReader, PlainCall
from .executor import Executor
from .fork_undo import undone_by_fork
from .link import Handle, Link
from .method_table import INTROSPECTION_NAMES, MethodTable
from .own_group import end_own_group
from .spawn_address import SpawnAddress
from .zmtp_link import ZmtpLink

PATIENCE = 0.015
"""A method that runs for one to two times this is long: the watchdog reads meanwhile. In seconds."""

QUIET_LOOKS = 20
"""Looks of the watchdog without a running method after which it pauses."""

CHECK_INTERVAL = 0.25
"""Longest pause between two checks whether the parent is still there, in seconds."""

REPARENT_LIMIT = 0.2
"""The connections of a process that is killed end a moment before its children get another parent. In seconds."""

FEATURES = ("undefined",)
"""What this worker understands besides the protocol's messages, by the names of rule MSG-16."""

LINGER = 2.0
"""Longest wait for the last answers to be sent, in seconds."""

SWITCH_INTERVAL = 0.001
"""Python's switch interval where several threads run methods, in seconds, so that heartbeats wait less for the GIL."""

_DEFAULT_SWITCH_INTERVAL = 0.005
_STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})

REFUSAL_TIME = 0.1
"""How long a worker that no parent asked to end refuses calls before it closes, in seconds: a call that gets no answer
may have run, as far as its caller knows."""

_serving = threading.Lock()
"""Held while a worker of this process serves."""


class ServerOptions(NamedTuple):
    """The options of a worker: see the attributes of `ChildWorker`."""

    namespace: str
    other_namespaces: str
    stop_timeout: float
    threads: int
    max_concurrency: int | None
    max_pending: int
    allow_remote_shutdown: bool
    transport: str
    app: str
    limits: Limits = DEFAULT_LIMITS


class Server:
    """Answers calls and heartbeats, in the thread that calls `run`: the main thread."""

    def __init__(self, methods: MethodTable, options: ServerOptions) -> None:
        self.dropped = 0
        """Messages that could not be read or had the wrong frames."""
        self.owns_process = False
        """Whether this process ends with the worker: after a stop, also if a method does not return."""
        self._methods = methods
        self._options = options
        self._is_spawned = False
        self._parent = os.getppid()
        self._token: str | None = None
        """Sent with answers to heartbeats, until the first call."""
        self._messages = Messages(options.app, options.limits)
        self._read_calls = CallReader(methods, options.namespace, options.app, self._messages.codec).read
        self._link: Link = self._make_link()
        self._executor = Executor(
            self._link.push,
            self._link.flush,
            self._link.wake,
            options.threads,
            options.max_concurrency,
            options.max_pending,
            self._link.count if isinstance(self._link, ZmtpLink) else None,
            methods.has_async,
            self._messages,
        )
        self._reading = threading.Lock()
        self._turn = 0
        self._wanted = False
        self._stands_in = False
        self._parked = False
        self._park = threading.Lock()
        self._park.acquire()
        self._main = 0
        self._stop_wanted = False
        self._signals = 0
        """Signals to stop that have arrived."""
        self._stopping = threading.Lock()
        """Held from the beginning of the stop on."""
        self._stop_at: float | None = None
        self._refuse_until = 0.0
        self._asked = False
        """Whether a parent asked for the end, and makes no more calls."""
        self._on_stop: Callable[[], None] = _nothing
        self._ended = False
        self._shutdown_refused = False

    def _make_link(self) -> Link:
        most = self._options.limits.message_bytes
        if self._options.transport == "zmtp":
            return ZmtpLink(self._take_calls, self._on_payload, self._on_wrong_frames, self._on_wake, most)
        try:
            from .zeromq_link import ZeroMqLink
        except ImportError as error:
            raise LaunchError(
                "INVALID_OPTION",
                "The transport 'zeromq' needs pyzmq. Install it with: pip install 'multifrost[zeromq]'",
            ) from error
        return ZeroMqLink(self._on_payload, self._on_wrong_frames, self._on_wake, most)

    def connect(self, address: SpawnAddress) -> None:
        """Spawn mode: connects to the parent, and watches it.

        Raises:
            LaunchError: ``INVALID_PORT`` or ``UNREACHABLE``.
        """
        self._is_spawned = True
        if not isinstance(self._link, ZmtpLink):
            self._token = address.token
            self._link.connect(address.port_number(), address.token)  # type: ignore[attr-defined]
            return
        for where in address.endpoints():
            try:
                self._link.connect(where, address.token)
                return
            except (OSError, ValueError) as error:
                failed = f"{where}: {error}"
        if address.endpoint:  # where the parent listened before it started this process
            atexit.register(end_own_group)
        text = f"The parent that started this worker cannot be reached at {failed}. It may have ended."
        raise LaunchError("UNREACHABLE", text)

    def bind(self) -> int:
        """Connect mode: listens on a free port of the loopback interface and returns it."""
        port: int = self._link.bind()  # type: ignore[attr-defined]
        return port

    # From any thread:

    @property
    def has_peers(self) -> bool:
        """Whether a parent has sent a message and is still connected."""
        return self._link.has_peers

    @property
    def orphaned(self) -> bool:
        """Whether the parent that spawned this process is gone."""
        return self._link.gone

    def end_orphaned(self) -> NoReturn:
        """Ends the process without waiting for methods that still run: their caller is gone."""
        deadline = time.monotonic() + REPARENT_LIMIT
        while time.monotonic() < deadline:
            if os.getppid() != self._parent:
                end_own_group()
                break
            time.sleep(0.005)
        os._exit(0 if self._stop_wanted else 1)

    def stop(self) -> None:
        """Refuses further calls, and ends `run` once those in flight are answered."""
        self._stop_wanted = True
        self._unpark()
        self._link.wake()

    def print(self, kind: str, line: str, undelivered: Callable[[], None]) -> None:
        """Sends a printed line to every known parent. Calls `undelivered` if none is left."""
        self._link.broadcast(self._messages.output(kind, line), undelivered)
        # What a short method prints goes out with its answer.
        if self._stands_in or not self._turn & 1 or threading.get_ident() != self._main:
            self._link.flush()

    # In the main thread:

    def run(self, on_stop: Callable[[], None]) -> None:
        """Serves until stopped or orphaned. Calls `on_stop` when further calls are refused.

        Raises:
            LaunchError: ``ALREADY_STARTED`` if another worker of this process serves.
        """
        if not _serving.acquire(blocking=False):
            raise LaunchError("ALREADY_STARTED", "Another worker of this process serves. A process has one worker.")
        self._main, self._on_stop = threading.get_ident(), on_stop
        try:
            with self._woken_by_signals(), _short_switch_interval(self._runs_threads()), undone_by_fork(self._forked):
                self._reading.acquire()
                threading.Thread(target=self._watch, name="multifrost-watchdog", daemon=True).start()
                try:
                    self._serve()
                finally:
                    self._ended = True
                    self._unpark()
        finally:
            _serving.release()

    def _serve(self) -> None:
        link, executor, reading = self._link, self._executor, self._reading
        jobs = executor.jobs
        while not self._is_over():
            link.step(0 if jobs else self._next_check())
            if not jobs:
                link.flush()
                continue
            self._turn += 1
            if self._parked:
                self._unpark()
            reading.release()  # from here on the watchdog may read
            executor.run_some()
            self._turn += 1
            if not reading.acquire(blocking=False):
                self._wanted = True
                link.wake()
                reading.acquire()
                self._wanted = False
        # After `stop_timeout`; calls that run are lost with the process.
        executor.refuse_waiting(_stopping())

    def close(self) -> None:
        """Sends what is queued and closes all connections."""
        self._link.close(0 if self.orphaned else LINGER)

    def _runs_threads(self) -> bool:
        return self._options.threads > 1 or self._methods.has_async

    @contextlib.contextmanager
    def _woken_by_signals(self) -> Iterator[None]:
        # Python runs a signal's handler between bytecodes. For a signal that arrives just before the loop sleeps, that
        # would be after the next wake-up, which may never come. So the C handler of the signal wakes the loop.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._link.wake_fd, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def _is_over(self) -> bool:
        if self._link.gone:
            return True
        if not self._stop_wanted:
            return False
        self._begin_stop()
        return (self._executor.pending == 0 and time.monotonic() >= self._refuse_until) or self._stop_is_due()

    def _next_check(self) -> float | None:
        if self._stop_at is None:
            return None
        now = time.monotonic()
        next_check = self._refuse_until if now < self._refuse_until else self._stop_at
        return max(0.0, min(next_check, self._stop_at) - now)

    def _forked(self) -> None:
        self._link.abandon()
        self._executor.has_forked = True
        spawn_address.forget()
        _serving.release()
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)

    # In the main thread or the watchdog's:

    def _begin_stop(self) -> None:
        if self._stopping.acquire(blocking=False):
            now = time.monotonic()
            self._refuse_until = now if self._asked else now + REFUSAL_TIME
            self._stop_at = now + self._options.stop_timeout
            self._on_stop()

    def _stop_is_due(self) -> bool:
        return self._stop_at is not None and time.monotonic() >= self._stop_at

    # In the watchdog's thread:

    def _watch(self) -> None:
        seen = quiet = 0
        next_check = time.monotonic() + CHECK_INTERVAL
        while not self._ended:
            time.sleep(PATIENCE)
            turn = self._turn
            if time.monotonic() >= next_check or self._stop_wanted:
                self._check()
                next_check = time.monotonic() + CHECK_INTERVAL
            if turn == seen and turn & 1 and self._reading.acquire(blocking=False):
                try:
                    self._stand_in()
                finally:
                    self._reading.release()
            quiet = 0 if turn != seen or turn & 1 or self._stop_wanted else quiet + 1
            if quiet > QUIET_LOOKS:
                self._parked = True
                if self._turn == turn and not self._ended:  # looked at again: it may have changed in between
                    self._park.acquire(timeout=CHECK_INTERVAL)
                self._parked = False
            seen = self._turn

    def _stand_in(self) -> None:
        """Reads while a method runs in the main thread."""
        self._stands_in = True
        try:
            self._link.flush()  # answers from before the long method
            while not self._wanted and not self._ended:
                self._link.step(0.05 if self._stop_wanted else CHECK_INTERVAL)
                self._link.flush()
                self._check()
        except Exception:
            # The main thread reads again after its method, and gets the same error if it lasts.
            log.exception("Could not read while a method runs")
        finally:
            self._stands_in = False

    def _check(self) -> None:
        """Ends a process whose main thread is in a method, when the parent is gone or the time to stop is over."""
        if self._is_spawned:
            self._link.check()
            if os.getppid() != self._parent:
                self._link.gone = True
        if self._link.gone:
            if self.owns_process:
                self.end_orphaned()
            self._link.wake()
        if self._stop_wanted:
            self._begin_stop()
            if self._stop_is_due() and self.owns_process and self._turn & 1:
                self._executor.refuse_waiting(_stopping())
                self._link.flush()
                self._end_process()

    def _end_process(self) -> None:
        self.leave()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        self._link.close(LINGER)
        os._exit(0)

    leave: Callable[[], None] = staticmethod(lambda: None)
    """Called before the process ends although a method still runs."""

    def _unpark(self) -> None:
        self._parked = False
        with contextlib.suppress(RuntimeError):  # it was not parked
            self._park.release()

    # In the thread that reads:

    def _on_wake(self, data: bytes) -> None:
        # The main thread may be in C code, so that the handler of the signal cannot run, or runs once for two signals.
        if self.owns_process:
            for number in data:
                if number in _STOP_SIGNALS:
                    self._signals += 1
                    self._stop_wanted = True
                    if self._signals > 1:
                        os._exit(128 + number)

    def _on_wrong_frames(self, count: int) -> None:
        self._drop("wrong frames", count)

    def _take_calls(self, peer: Handle, data: bytes) -> int:
        if self._stop_wanted:
            return 0
        calls, end = self._read_calls(peer, data)
        if calls:
            self._token = None
            self._link.remember(peer)
            if not self._executor.submit_together(peer, calls, end):
                for call in calls:
                    self._submit(call)
        return end

    def _submit(self, call: PlainCall) -> None:
        try:
            self._executor.submit(call)
        except CallError as error:
            self._link.push(call[0], self._messages.failure(call[1].decode(), error))

    def _on_payload(self, peer: Handle, payload: Payload) -> None:
        size = len(payload)
        if size <= MAX_USUAL_BYTES and self._take_calls(peer, message_head(size) + payload):
            return
        try:
            message = self._messages.read(payload)
        except MalformedMessageError as error:
            self._drop(str(error))
            if error.message_type == "call" and error.message_id:
                self._link.push(peer, self._messages.failure(error.message_id, error))
            return
        if message is None:
            return
        self._link.remember(peer)
        kind = message["type"]
        if kind == "call":
            try:
                self._call(peer, message, size)
            except CallError as error:
                self._link.push(peer, self._messages.failure(message["id"], error))
        elif kind == "heartbeat":
            self._answer_heartbeat(peer, message, payload)
        elif kind == "shutdown":
            self._shut_down()

    def _call(self, peer: Handle, message: Message, size: int) -> None:
        self._token = None
        if self._stop_wanted:
            raise _stopping()
        own, asked = self._options.namespace, message["namespace"]
        if asked != own:
            if self._options.other_namespaces == "ignore":
                return
            raise CallError("WRONG_NAMESPACE", f"No namespace '{asked}' here; this worker's is '{own}'")
        message_id, name = message["id"], message["function"]
        if name in INTROSPECTION_NAMES:
            answer = self._messages.response(
                message_id.encode(),
                self._methods.names(),
                {"interface": self._methods.interface, "features": [*FEATURES]},
            )
            self._link.push(peer, answer)
            return
        method = self._methods.get(name) or self._methods.find(name)
        args = message["args"]
        if type(args) is PartialArgs:
            from .omitted_arguments import with_defaults  # takes 5 ms, and most calls do not need it

            args = with_defaults(method.function, args)
        self._submit((peer, message_id.encode(), method, args, memory_of_call(args, size)))

    def _answer_heartbeat(self, peer: Handle, beat: Message, payload: Payload) -> None:
        if beat.get("metadata", {}).get("hb_response"):
            return  # it is an answer itself
        try:
            answer = self._messages.heartbeat_answer(payload, self._token, FEATURES)
        except Exception as error:
            self._drop(f"its content cannot be sent back: {error!r}")
        else:
            self._link.push(peer, answer)
            self._link.flush()  # not behind the calls that wait

    def _shut_down(self) -> None:
        if self._is_spawned or self._options.allow_remote_shutdown:
            self._asked = self._is_spawned
            self.stop()
        else:
            if not self._shutdown_refused:  # once: a parent may ask as often as it likes
                log.warning("A parent asked this service to end; it goes on, because allow_remote_shutdown is False.")
            self._shutdown_refused = True
            self._drop("a shutdown")

    def _drop(self, reason: str, count: int = 1) -> None:
        self.dropped += count
        log.info("Dropped %s (%d so far): %s", "a message" if count == 1 else "messages", self.dropped, reason)


@contextlib.contextmanager
def _short_switch_interval(wanted: bool) -> Iterator[None]:
    before = sys.getswitchinterval()
    if not wanted or before != _DEFAULT_SWITCH_INTERVAL:  # a program that sets it knows why
        yield
        return
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _stopping() -> CallError:
    return CallError("STOPPING", "This worker is stopping and takes no more calls")


def _nothing() -> None:
    pass
