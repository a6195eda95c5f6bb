"""A parent's DEALER socket of libzmq on an asyncio loop, through pyzmq: the transport ``zeromq``."""

from __future__ import annotations

import asyncio
from collections import deque

import zmq

from .._limits import DEFAULT_LIMITS, Limits
from .._spawn_variables import PORT_VARIABLE
from .connection import OnPayload

MESSAGES_PER_TURN = 256
"""Messages read in one turn of the loop."""

LAST_TURNS = 1_000
"""Limit on the turns that read the rest when the connection ends: enough for an answer to each call in flight."""

LINGER = 1_000
"""How long unsent messages may still be sent after `close`, in milliseconds. `close` does not wait for it."""


class ZeroMqConnection:
    """See `Connection`. Messages sent before it is established wait and are sent in order.

    The loop watches the socket's file descriptor. The descriptor signals a change only once, and sending may consume
    that signal; so the socket is checked again after each send.

    Args:
        on_payload: Called with each payload.
        limits: What a message may have. Default: the protocol's limits.
    """

    reconnects = True

    def __init__(self, on_payload: OnPayload, limits: Limits = DEFAULT_LIMITS) -> None:
        self.down = asyncio.Event()
        self._on_payload = on_payload
        self._loop = asyncio.get_running_loop()
        self._outbox: deque[bytes] = deque()
        self._read_planned = False
        self.heard = 0
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.set(zmq.SNDHWM, 0)  # the limit is on pending calls
        self._socket.set(zmq.RCVHWM, 0)
        most = max(limits.message_bytes, DEFAULT_LIMITS.message_bytes)
        self._socket.set(zmq.MAXMSGSIZE, most)
        # Not IMMEDIATE: with it libzmq discards messages that are not read yet when the connection ends.
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
        )
        self._fds = [int(self._socket.get(zmq.FD)), int(self._monitor.get(zmq.FD))]
        self._loop.add_reader(self._fds[0], self._on_readable)
        self._loop.add_reader(self._fds[1], self._on_monitor_event)
        self._on_monitor_event()  # the descriptor signals events only after a read found none

    def bind(self) -> dict[str, str]:
        self._socket.bind("tcp://127.0.0.1:0")
        endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT))
        return {PORT_VARIABLE: endpoint.rstrip(b"\0").rpartition(b":")[2].decode()}

    def expect(self, pid: int) -> None:
        pass  # libzmq does not say which connection a message comes from

    def connect(self, port: int) -> None:
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def has_unread(self) -> bool:
        return not self._socket.closed and bool(int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN)

    def send(self, payload: bytes) -> bool:
        if self._socket.closed:
            return False
        self._outbox.append(payload)
        self._flush()
        return True

    def close(self) -> None:
        if self._socket.closed:
            return
        for fd in self._fds:
            self._loop.remove_reader(fd)
        self._socket.disable_monitor()
        self._monitor.close(0)
        # No linger on a lost connection: another program may get the port.
        self._socket.close(0 if self.down.is_set() else LINGER)

    def _flush(self) -> None:
        try:
            while self._outbox:
                self._socket.send_multipart([b"", self._outbox[0]], zmq.NOBLOCK)
                self._outbox.popleft()
        except zmq.Again:
            pass  # not connected yet
        wanted = zmq.POLLIN | zmq.POLLOUT if self._outbox else zmq.POLLIN
        if int(self._socket.get(zmq.EVENTS)) & wanted:
            self._read_soon()  # the descriptor does not signal it again

    def _on_readable(self) -> None:
        self._read_planned = False
        if self._read_some():
            self._read_soon()
        if self._outbox and not self._socket.closed:
            self._flush()

    def _read_some(self) -> bool:
        """Reads one turn's messages. True if there may be more."""
        for _ in range(MESSAGES_PER_TURN):
            if self._socket.closed:
                return False
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return False
            self.heard += 1
            self._on_payload(frames[1] if len(frames) > 1 and not frames[0] else None)
        return True

    def _read_soon(self) -> None:
        if not self._read_planned:
            self._read_planned = True
            self._loop.call_soon(self._on_readable)

    def _on_monitor_event(self) -> None:
        while not self._socket.closed:
            try:
                self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            for _ in range(LAST_TURNS):  # everything that arrived before the connection ended
                if not self._read_some():
                    break
            self.down.set()
