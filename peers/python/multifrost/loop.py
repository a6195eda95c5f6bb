"""The socket loop: the one thread that touches the ROUTER socket. It sleeps until a message or an answer is there."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import zmq

from . import messages
from .codec import MAX_MESSAGE_BYTES, decode
from .dispatch import Methods
from .errors import CallError
from .executor import Call, Executor
from .orphan import ParentWatch

logger = logging.getLogger("multifrost")

MAX_PEERS = 4096
"""Parents remembered as receivers of output; beyond, the one not heard from for longest is forgotten."""

MESSAGES_PER_TURN = 256
"""Messages read, and messages sent, before it is the other's turn."""

GRACE = 0.0002
"""How long a call just taken may go on before the loop sleeps again, in seconds. Most are answered within it, which
saves them the price of waking the loop."""

WATCH_EVERY = 0.5
"""Pause between two looks at whether the parent lives, in seconds."""

LINGER = 2_000
"""Longest wait for the last answers to leave at the end, in milliseconds."""


class SocketLoop:
    """Answers calls and heartbeats until it is stopped; the methods themselves run in an `Executor`."""

    def __init__(self, methods: Methods, namespace: str, stop_timeout: float) -> None:
        self.dropped = 0
        """Messages that could not be read, came from elsewhere, or had no id."""
        self.orphaned = False
        """Whether the loop ended because the parent that started this process is gone."""
        self._methods = methods
        self._namespace = namespace
        self._stop_timeout = stop_timeout
        self._stop_wanted = False
        self._stop_at: float | None = None
        self._peers: dict[bytes, None] = {}
        self._in_flight = 0
        self._outbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._awake = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._watch: ParentWatch | None = None
        self._executor = Executor(lambda peer, payload: self._post(partial(self._answer, peer, payload)))
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.SNDHWM, 0)  # a ROUTER drops answers beyond its high-water mark
        self._socket.set(zmq.RCVHWM, 0)  # so that heartbeats do not wait behind calls that are not read yet
        self._socket.set(zmq.ROUTER_MANDATORY, 1)  # tells when a parent is gone
        self._socket.set(zmq.ROUTER_HANDOVER, 1)  # a parent that reconnects under its own name keeps it

    def connect(self, port: int) -> None:
        """Spawn mode: connects to the parent's port, and watches the parent."""
        self._watch = ParentWatch(self._socket)
        self._socket.connect(f"tcp://localhost:{port}")

    def bind(self) -> int:
        """Connect mode: binds a free port of the loopback interface, and returns it."""
        # Not in spawn mode: a longer message would end the connection, and the connecting side does not make it again.
        self._socket.set(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self._socket.bind("tcp://127.0.0.1:0")
        endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT))
        return int(endpoint.rpartition(b":")[2])

    # From any thread:

    @property
    def has_peers(self) -> bool:
        """Whether a parent was seen that has not gone away since."""
        return bool(self._peers)

    def stop(self) -> None:
        """Takes no more calls, and ends the loop once those in flight are answered."""
        self._stop_wanted = True
        self._wake()

    def print(self, kind: str, line: str, undelivered: Callable[[str], None]) -> None:
        """Sends a printed line to every parent seen; calls `undelivered` with it when no parent is left."""
        self._post(partial(self._broadcast, kind, line, undelivered))

    def _post(self, send: Callable[[], None]) -> None:
        self._outbox.put(send)
        self._wake()

    def _wake(self) -> None:
        if not self._awake:
            with contextlib.suppress(OSError):  # full: woken already; closed: over
                self._wake_out.send(b"\0")

    # From the loop's own thread only:

    def run(self, on_stop: Callable[[], None]) -> None:
        """Runs until stopped or orphaned; `on_stop` is called when no more calls are taken."""
        with self._woken_by_signals():
            self._run(on_stop)

    @contextlib.contextmanager
    def _woken_by_signals(self) -> Iterator[None]:
        # Python runs a signal's handler once it has control again. A signal that comes a moment before the loop goes to
        # sleep would wait for the next message, which may never come; so the system's own handler wakes the loop.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._wake_out.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def _run(self, on_stop: Callable[[], None]) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._wake_in.fileno(), zmq.POLLIN)
        next_look = 0.0
        while not self._drained():
            events = poller.poll(self._patience())
            self._awake = True
            for ready, _ in events:
                if ready is self._socket:
                    if self._read():
                        self._flush(GRACE)
                else:
                    self._wake_in.recv(4096)
            self._awake = False
            self._flush()  # after the flag: what was posted while it was set has woken nobody
            if self._stop_wanted and self._stop_at is None:
                self._stop_at = time.monotonic() + self._stop_timeout
                on_stop()
            if self._watch and time.monotonic() >= next_look:
                next_look = time.monotonic() + WATCH_EVERY
                if self._watch.parent_gone():
                    self.orphaned = True
                    return

    def close(self) -> None:
        """Sends what is left and closes the socket."""
        while not self._outbox.empty():
            self._flush()
        if self._watch:
            self._watch.close()
        self._socket.close(linger=0 if self.orphaned else LINGER)
        self._context.term()
        self._wake_in.close()
        self._wake_out.close()

    def _drained(self) -> bool:
        if self._stop_at is None:
            return False
        return (self._in_flight == 0 and self._outbox.empty()) or time.monotonic() >= self._stop_at

    def _patience(self) -> int | None:
        if not self._outbox.empty():
            return 0
        if self._stop_at is not None:
            return max(0, min(int(WATCH_EVERY * 1000), int((self._stop_at - time.monotonic()) * 1000) + 1))
        return int(WATCH_EVERY * 1000) if self._watch else None

    def _read(self) -> bool:
        """Takes what has arrived; True when a call now runs."""
        before = self._in_flight
        for _ in range(MESSAGES_PER_TURN):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if len(frames) < 3 or frames[1]:
                self._drop("it has the wrong frames")
                continue
            if len(frames[2]) > MAX_MESSAGE_BYTES:
                self._drop(f"its {len(frames[2])} bytes are more than {MAX_MESSAGE_BYTES}")
                continue
            try:
                message = decode(frames[2])
            except Exception as error:  # whatever hostile bytes provoke, MemoryError included
                self._drop(f"it cannot be decoded: {error!r}")
                continue
            self._take(frames[0], message)
        return self._in_flight > before

    def _take(self, peer: bytes, message: Any) -> None:
        if not isinstance(message, dict) or message.get("app") != messages.APP:
            return self._drop(f"it is not for {messages.APP}")
        message_id = message.get("id")
        if not isinstance(message_id, str) or not message_id:
            return self._drop("it has no id")
        self._remember(peer)
        kind = message.get("type")
        if kind == "call":
            self._call(peer, message_id, message)
        elif kind == "heartbeat":
            self._echo(peer, message)
        elif kind == "shutdown":
            self._stop_wanted = True

    def _call(self, peer: bytes, message_id: str, message: dict[str, Any]) -> None:
        try:
            if self._stop_wanted:
                raise CallError("NOT_RUNNING", "This worker is stopping and takes no more calls")
            method, args = self._methods.find(message, self._namespace)
        except CallError as error:
            self._send(peer, messages.failure(message_id, error))
            return
        if method == self._methods.names:
            self._send(peer, messages.response(message_id, method()))
            return
        self._in_flight += 1
        self._executor.submit(Call(peer, message_id, method, args))

    def _echo(self, peer: bytes, beat: dict[str, Any]) -> None:
        metadata = beat.get("metadata")
        if isinstance(metadata, dict) and metadata.get("hb_response"):
            return  # an answer; answering it would never end
        try:
            answer = messages.heartbeat_answer(beat)
        except Exception as error:
            self._drop(f"its contents cannot be sent back: {error!r}")
        else:
            self._send(peer, answer)

    def _answer(self, peer: bytes, payload: bytes) -> None:
        self._in_flight -= 1
        self._send(peer, payload)

    def _broadcast(self, kind: str, line: str, undelivered: Callable[[str], None]) -> None:
        payload = messages.output(kind, line)
        delivered = [self._send(peer, payload) for peer in list(self._peers)]
        if not any(delivered):
            undelivered(line)

    def _flush(self, patience: float = 0) -> None:
        """Sends what was posted, waiting up to `patience` seconds for the first of it."""
        with contextlib.suppress(queue.Empty):
            self._outbox.get(patience > 0, patience)()
            for _ in range(MESSAGES_PER_TURN):
                self._outbox.get_nowait()()

    def _send(self, peer: bytes, payload: bytes) -> bool:
        try:
            self._socket.send_multipart([peer, b"", payload], zmq.NOBLOCK)
        except zmq.ZMQError:  # EHOSTUNREACH: this parent is gone
            self._peers.pop(peer, None)
            return False
        return True

    def _remember(self, peer: bytes) -> None:
        self._peers.pop(peer, None)
        self._peers[peer] = None
        if len(self._peers) > MAX_PEERS:
            del self._peers[next(iter(self._peers))]

    def _drop(self, why: str) -> None:
        self.dropped += 1
        logger.info("A message was dropped (%d so far): %s", self.dropped, why)
