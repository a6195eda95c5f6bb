"""The DEALER socket of a parent, on an asyncio loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import zmq

from ..values import MAX_BYTES

MESSAGES_PER_TURN = 256
"""Messages read before the loop turns to others."""

LAST_TURNS = 1_000
"""So many times as many are read at most when the connection ends: more than calls may wait for an answer."""

LINGER = 1_000
"""How long unsent messages may still leave after the end, in milliseconds; the loop does not wait for it."""


class Link:
    """One connection. What is sent before it stands waits, and goes out in order when it does.

    `on_payload` gets each payload, and None for a message with the wrong frames.

    The loop watches the socket's file descriptor. That one tells of a change only once, perhaps while something is
    sent; so the socket is looked at again after each send.
    """

    def __init__(self, on_payload: Callable[[bytes | None], None]) -> None:
        self.down = asyncio.Event()
        """Set once the connection broke, or was refused."""
        self._on_payload = on_payload
        self._loop = asyncio.get_running_loop()
        self._outbox: deque[bytes] = deque()
        self._look_planned = False
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.set(zmq.SNDHWM, 0)  # the bound is on pending calls
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.set(zmq.MAXMSGSIZE, MAX_BYTES)
        # Not IMMEDIATE: libzmq then throws away what has arrived and is not read yet when the connection ends.
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
        )
        self._fds = [int(self._socket.get(zmq.FD)), int(self._monitor.get(zmq.FD))]
        self._loop.add_reader(self._fds[0], self._look)
        self._loop.add_reader(self._fds[1], self._look_at_monitor)
        self._look_at_monitor()  # a pipe tells of what comes only once somebody has found it empty

    def bind(self) -> int:
        """Spawn mode: binds a free port of the loopback interface, and returns it."""
        self._socket.bind("tcp://127.0.0.1:0")
        endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT))
        return int(endpoint.rstrip(b"\0").rpartition(b":")[2])

    def connect(self, port: int) -> None:
        """Connect mode."""
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def send(self, payload: bytes) -> None:
        """Never blocks; once closed, nothing happens."""
        if self._socket.closed:
            return
        self._outbox.append(payload)
        self._flush()

    def close(self) -> None:
        if self._socket.closed:
            return
        for fd in self._fds:
            self._loop.remove_reader(fd)
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0 if self.down.is_set() else LINGER)  # nothing may reach whoever has the port next

    def _flush(self) -> None:
        try:
            while self._outbox:
                self._socket.send_multipart([b"", self._outbox[0]], zmq.NOBLOCK)
                self._outbox.popleft()
        except zmq.Again:
            pass  # no connection yet
        wanted = zmq.POLLIN | zmq.POLLOUT if self._outbox else zmq.POLLIN
        if int(self._socket.get(zmq.EVENTS)) & wanted:
            self._look_soon()  # the descriptor will not tell of it any more

    def _look(self) -> None:
        self._look_planned = False
        if self._read_some():
            self._look_soon()
        if self._outbox and not self._socket.closed:
            self._flush()

    def _read_some(self) -> bool:
        """Whether there may be more to read."""
        for _ in range(MESSAGES_PER_TURN):
            if self._socket.closed:
                return False
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return False
            self._on_payload(frames[1] if len(frames) > 1 and not frames[0] else None)
        return True

    def _look_soon(self) -> None:
        if not self._look_planned:
            self._look_planned = True
            self._loop.call_soon(self._look)

    def _look_at_monitor(self) -> None:
        while not self._socket.closed:
            try:
                self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            for _ in range(LAST_TURNS):  # all that arrived before the end
                if not self._read_some():
                    break
            self.down.set()
