"""The worker's ROUTER socket. One thread at a time receives; any thread may send."""

from __future__ import annotations

import queue
import selectors
import threading
from collections.abc import Callable

import zmq

from .._values import MAX_BYTES
from .._wakeup import WakeUp

MAX_PEERS = 4096
"""Parents that get the worker's output. Of more, the one silent for longest is dropped."""

LINGER = 2_000
"""Longest wait for the last answers to be sent on close, in milliseconds."""

_MORE, _LAST = int(zmq.NOBLOCK | zmq.SNDMORE), int(zmq.NOBLOCK)

Undelivered = Callable[[], None]


class Router:
    """Sending never blocks and never waits for the lock, so that a finalizer or a signal handler may print.

    A message to send goes into a queue; the thread that gets the lock sends the whole queue. The reader waits for the
    socket's file descriptor without holding the lock. The descriptor signals a message only once, and a sender may
    consume that signal; so a sender that finds a message waiting wakes the reader.
    """

    def __init__(self) -> None:
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
        self._wake_up = WakeUp()
        self._reader_may_sleep = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(int(self._socket.get(zmq.FD)), selectors.EVENT_READ)
        self._selector.register(self._wake_up, selectors.EVENT_READ)

    def connect(self, port: int) -> zmq.Socket[bytes]:
        """Spawn mode: connects to the parent's port. Returns a monitor socket for that connection."""
        monitor = self._socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        self._socket.connect(f"tcp://localhost:{port}")
        return monitor

    def bind(self) -> int:
        """Connect mode: binds a free port of the loopback interface and returns it."""
        # Not in spawn mode: a longer message ends the connection, and the connecting side would not reconnect.
        self._socket.set(zmq.MAXMSGSIZE, MAX_BYTES)
        self._socket.bind("tcp://127.0.0.1:0")
        endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT))
        return int(endpoint.rpartition(b":")[2])

    @property
    def has_peers(self) -> bool:
        """Whether a parent has sent a message and is still connected."""
        return bool(self._peers)

    def send(self, peer: bytes, payload: bytes) -> None:
        """Sends to one parent. Does nothing if it is gone."""
        if self._outbox.empty() and self._lock.acquire(blocking=False):
            self._send_alone(peer, payload)  # the usual case, without the queue
        else:
            self._outbox.put((peer, payload, None))
        self._flush()

    def broadcast(self, payload: bytes, undelivered: Undelivered) -> None:
        """Sends to every known parent. Calls `undelivered` if none is left."""
        self._outbox.put((None, payload, undelivered))
        self._flush()

    def wake(self) -> None:
        """Makes `receive` return."""
        self._wake_up.set()

    def receive(self) -> list[bytes] | None:
        """Waits for the next message and returns its frames; None after `wake`. Only for the reader."""
        woken = False
        while True:
            self._reader_may_sleep = True
            frames = self._receive_now()
            if not self._outbox.empty():
                self._flush()  # what was queued while this thread held the lock
            if frames is not None or woken:
                self._reader_may_sleep = False
                return frames
            for key, _ in self._selector.select():
                if key.fileobj is self._wake_up:
                    self._wake_up.clear()
                    woken = True

    def remember(self, peer: bytes) -> None:
        """Remembers a parent, so that it gets the worker's output. Only for the reader."""
        if peer == self._latest:
            return
        with self._lock:
            self._peers.pop(peer, None)
            self._peers[peer] = None
            self._latest = peer
            if len(self._peers) > MAX_PEERS:
                del self._peers[next(iter(self._peers))]

    def close(self, linger: int = LINGER) -> None:
        """Sends what is queued, waiting up to `linger` milliseconds. Later messages are lost."""
        with self._lock:
            self._send_queued()
            self._socket.disable_monitor()
            self._socket.close(linger=linger)
        self._context.term()
        self._selector.close()
        self._wake_up.close()

    def _receive_now(self) -> list[bytes] | None:
        with self._lock:
            try:
                frames = [self._socket.recv(_LAST)]
            except zmq.Again:
                return None
            # Does the same as recv_multipart in less time. A frame always follows the sender's identity.
            more = True
            while more:
                frame = self._socket.recv(_LAST, copy=False)
                frames.append(frame.bytes)
                more = frame.more
            return frames

    def _send_alone(self, peer: bytes, payload: bytes) -> None:
        try:
            if not self._socket.closed:
                self._send_now(peer, payload)
                self._wake_reader()
        finally:
            self._lock.release()

    def _wake_reader(self) -> None:
        if self._reader_may_sleep and int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN:
            self.wake()

    def _flush(self) -> None:
        # The thread that held the lock checks the queue again after releasing it, so no message stays queued.
        while not self._outbox.empty() and self._lock.acquire(blocking=False):
            try:
                if self._socket.closed:
                    return
                self._send_queued()
                self._wake_reader()
            finally:
                self._lock.release()

    def _send_queued(self) -> None:
        while True:
            try:
                peer, payload, undelivered = self._outbox.get_nowait()
            except queue.Empty:
                return
            receivers = list(self._peers) if peer is None else [peer]
            delivered = [self._send_now(receiver, payload) for receiver in receivers]
            if undelivered is not None and not any(delivered):
                undelivered()

    def _send_now(self, peer: bytes, payload: bytes) -> bool:
        try:
            # Does the same as send_multipart in a third of the time. Only the first frame can fail.
            self._socket.send(peer, _MORE)
            self._socket.send(b"", _MORE)
            self._socket.send(payload, _LAST)
        except zmq.ZMQError:  # EHOSTUNREACH: this parent is gone
            self._peers.pop(peer, None)
            if peer == self._latest:
                self._latest = None
            return False
        return True
