"""A worker's ROUTER socket of libzmq, through pyzmq: the transport ``zeromq``."""

from __future__ import annotations

import contextlib
import queue
import select
import threading
from collections.abc import Callable

import zmq

from .._limits import DEFAULT_LIMITS
from .._wakeup import WakeUp
from .link import OnDropped, OnPayload, OnWake
from .parent_watch import ParentWatch

MAX_PEERS = 4096
"""Parents that get the worker's output. Of more, the one silent for longest is dropped."""

MESSAGES_PER_STEP = 256
"""Messages read in one step."""

OPTION_METADATA = 95
"""ZMQ_METADATA: adds a property to the READY command. Stable builds of libzmq have it, pyzmq has no name for it."""

_EVENTS, _IN = int(zmq.EVENTS), int(zmq.POLLIN)  # operations on the enumerations take a microsecond each
_MORE, _NOW = int(zmq.NOBLOCK | zmq.SNDMORE), int(zmq.NOBLOCK)

Undelivered = Callable[[], None]


class ZeroMqLink:
    """See `Link`.

    Sending never blocks and never waits for the lock, so that a finalizer or a signal handler may print.
    A message to send goes into a queue; the thread that gets the lock sends the whole queue. The reader waits for the
    socket's file descriptor without holding the lock. The descriptor signals a message only once, and sending may
    consume that signal; so a sender looks whether a message waits, and wakes the reader for it.

    Args:
        on_payload: Called with each payload.
        on_dropped: Called with the number of messages that had the wrong frames.
        on_wake: Called with the bytes of each wake-up.
        message_bytes: Largest message, in bytes.
    """

    def __init__(self, on_payload: OnPayload, on_dropped: OnDropped, on_wake: OnWake, message_bytes: int) -> None:
        self._message_bytes = message_bytes
        self.gone = False
        self._on_payload = on_payload
        self._on_dropped = on_dropped
        self._on_wake = on_wake
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.SNDHWM, 0)  # a ROUTER drops answers beyond its high-water mark
        self._socket.set(zmq.RCVHWM, 0)  # heartbeats do not wait behind calls that are not read yet
        self._socket.set(zmq.ROUTER_MANDATORY, 1)  # sending to a parent that is gone fails
        self._socket.set(zmq.ROUTER_HANDOVER, 1)  # a parent that reconnects keeps its identity
        self._lock = threading.Lock()
        self._outbox: queue.SimpleQueue[tuple[bytes | None, bytes, Undelivered | None]] = queue.SimpleQueue()
        self._peers: dict[bytes, None] = {}
        self._latest: bytes | None = None
        self._watch: ParentWatch | None = None
        self._wake_up = WakeUp()
        self.wake_fd = self._wake_up.writer
        self.wake = self._wake_up.set
        self._wake_fd = self._wake_up.fileno()
        self._drained = False
        """Whether no message was left. Before the descriptor signals another one, the reader need not look."""
        self._sleeps = False
        """Whether the reader waits for the descriptor, or is about to."""
        self._poll = select.poll()
        self._poll.register(int(self._socket.get(zmq.FD)), select.POLLIN)
        self._poll.register(self._wake_fd, select.POLLIN)

    def connect(self, port: int, token: str | None) -> None:
        """Spawn mode: connects to the parent's port."""
        if token:
            with contextlib.suppress(zmq.ZMQError):  # the token goes with heartbeats, too
                self._socket.setsockopt(OPTION_METADATA, b"X-Token:" + token.encode("utf-8", "replace"))
        self._watch = ParentWatch(self._socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED))
        self._socket.connect(f"tcp://localhost:{port}")

    def bind(self) -> int:
        """Connect mode: binds a free port of the loopback interface and returns it."""
        # Not in spawn mode: a longer message ends the connection, and the connecting side would not reconnect.
        self._socket.set(zmq.MAXMSGSIZE, max(self._message_bytes, DEFAULT_LIMITS.message_bytes))
        self._socket.bind("tcp://127.0.0.1:0")
        endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT))
        return int(endpoint.rpartition(b":")[2])

    @property
    def has_peers(self) -> bool:
        return bool(self._peers)

    def step(self, timeout: float | None) -> None:
        self._sleeps = True  # before looking at `_drained`: a sender sets that first
        waits = self._drained
        frames = None if waits else self._receive()
        if not self._outbox.empty():
            self.flush()  # what was queued while this thread held the lock
        if frames is None:
            for fd, _ in self._poll.poll(None if timeout is None else timeout * 1000):
                if fd == self._wake_fd:
                    self._on_wake(self._wake_up.clear())
            frames = self._receive()
        self._sleeps = False
        # After a wait there is mostly one message. Looking for one that is not there takes 5 us, and `flush` looks.
        for _ in range(1 if waits else MESSAGES_PER_STEP):
            if frames is None:
                return
            self._handle(frames)
            frames = None if waits else self._receive()
        if frames is not None:
            self._handle(frames)

    def remember(self, peer: bytes) -> None:
        if peer == self._latest:
            return
        with self._lock:
            self._peers.pop(peer, None)
            self._peers[peer] = None
            self._latest = peer
            if len(self._peers) > MAX_PEERS:
                del self._peers[next(iter(self._peers))]

    def push(self, peer: bytes, payload: bytes) -> None:
        self._outbox.put((peer, payload, None))

    def broadcast(self, payload: bytes, undelivered: Undelivered) -> None:
        self._outbox.put((None, payload, undelivered))

    def flush(self) -> None:
        # The thread that held the lock checks the queue again after releasing it, so no message stays queued.
        while not self._outbox.empty() and self._lock.acquire(False):
            try:
                if self._socket.closed:
                    return
                self._send_queued()
                self._drained = not int(self._socket.get(_EVENTS)) & _IN
                if self._sleeps and not self._drained:
                    self.wake()
            finally:
                self._lock.release()

    def check(self) -> None:
        if self._watch and not self.gone and self._lock.acquire(False):  # who holds it may be closing
            try:
                if not self._socket.closed:
                    self.gone = self._watch.parent_gone()
            finally:
                self._lock.release()
            self.flush()  # what was queued while this thread held the lock

    def close(self, timeout: float) -> None:
        with self._lock:
            self._send_queued()
            self._socket.disable_monitor()
            if self._watch:
                self._watch.close()
            self._socket.close(linger=round(timeout * 1000))
        self._context.term()
        self._wake_up.close()

    def abandon(self) -> None:
        pass  # libzmq's sockets are useless in a forked process, and pyzmq does not touch them there

    def _handle(self, frames: list[bytes]) -> None:
        if len(frames) < 3 or frames[1]:
            self._on_dropped(1)
        else:
            self._on_payload(frames[0], frames[2])

    def _receive(self) -> list[bytes] | None:
        """Receives a message; None if there is none."""
        with self._lock:
            if self._socket.closed:
                return None
            try:
                frames = [self._socket.recv(_NOW)]
            except zmq.Again:
                self._drained = True
                return None
            self._drained = False
            # Does the same as recv_multipart in less time. A frame always follows the sender's identity.
            more = True
            while more:
                frame = self._socket.recv(_NOW, copy=False)
                frames.append(frame.bytes)
                more = frame.more
            return frames

    def _send_queued(self) -> None:
        while True:
            try:
                peer, payload, undelivered = self._outbox.get_nowait()
            except queue.Empty:
                return
            if peer is not None:
                self._send_now(peer, payload)
                continue
            delivered = [self._send_now(receiver, payload) for receiver in list(self._peers)]
            if undelivered is not None and not any(delivered):
                undelivered()

    def _send_now(self, peer: bytes, payload: bytes) -> bool:
        try:
            # Does the same as send_multipart in a third of the time. Only the first frame can fail.
            self._socket.send(peer, _MORE)
            self._socket.send(b"", _MORE)
            self._socket.send(payload, _NOW)
        except zmq.ZMQError:  # EHOSTUNREACH: this parent is gone
            self._peers.pop(peer, None)
            if peer == self._latest:
                self._latest = None
            return False
        return True
