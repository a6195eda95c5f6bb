"""A parent's connection over plain sockets, on an asyncio loop."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import deque
from collections.abc import Callable

from .._messages import Messages
from .._zmtp.peer import ConnectionClosed, Peer
from .._zmtp.reader import Limits, Payload
from .._zmtp.wire import ProtocolError
from .connection import OnPayload
from .guest_list import GuestList

logger = logging.getLogger("multifrost")

MAX_SKIPPED = 1 << 62
"""An answer above the limit and of at most this size fails its call; a larger one ends the connection. In bytes."""

LINGER = 1.0
"""How long unsent messages may still be sent after `close`, in seconds."""


class ZmtpConnection:
    """See `Connection`.

    Spawn mode has one guest: the first connection that proves to be the worker's. Others are closed, see `GuestList`.

    Args:
        on_payload: Called with each payload.
        on_refused: Called for each connection that is not the worker's, when it is closed.
    """

    reconnects = False

    def __init__(self, on_payload: OnPayload, on_refused: Callable[[], None], messages: Messages) -> None:
        self._messages = messages
        self._limits = Limits(messages.codec.limits.message_bytes, skipped_bytes=MAX_SKIPPED)
        self.down = asyncio.Event()
        self._on_payload = on_payload
        self._on_refused = on_refused
        self._loop = asyncio.get_running_loop()
        self._guests: GuestList | None = None
        self._connecting: socket.socket | None = None
        self._peer: Peer | None = None
        self._waiting: deque[bytes] = deque()
        self._flush_planned = False
        self._closed = False
        self.heard = 0

    def bind(self) -> dict[str, str]:
        self._guests = GuestList(self._limits, self._accept, self._on_refused, self._messages)
        return self._guests.variables

    def expect(self, pid: int) -> None:
        if self._guests:
            self._guests.expect(pid)

    def connect(self, port: int) -> None:
        self._connecting = sock = socket.socket()
        sock.setblocking(False)
        result = sock.connect_ex(("127.0.0.1", port))
        if result in (0, errno.EINPROGRESS):
            self._loop.add_writer(sock.fileno(), self._on_connected, sock)
        else:
            self.down.set()

    def has_unread(self) -> bool:
        if self._peer is None or self._peer.socket.fileno() < 0:
            return False
        try:
            return bool(self._peer.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def send(self, payload: bytes) -> bool:
        if self._closed or self.down.is_set():
            return False
        if self._peer is None:
            self._waiting.append(payload)
            return True
        if self._peer.lost:
            return False
        self._peer.push(payload)
        if not self._flush_planned:  # once for all messages of one turn of the loop
            self._flush_planned = True
            self._loop.call_soon(self._flush)
        return True

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._guests:
            self._guests.close()
        if self._connecting:
            self._loop.remove_writer(self._connecting.fileno())
            self._connecting.close()
        if self._peer:
            self._close_peer(self._peer)

    def _on_connected(self, sock: socket.socket) -> None:
        self._loop.remove_writer(sock.fileno())
        self._connecting = None
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            sock.close()
            self.down.set()
        else:
            self._use(Peer(sock, b"DEALER", {}, self._limits, self._on_blocked))

    def _accept(self, peer: Peer, payloads: list[Payload | None]) -> None:
        peer.on_blocked = self._on_blocked
        self._use(peer)
        for payload in payloads:
            self._on_payload(payload)

    def _use(self, peer: Peer) -> None:
        self._peer = peer
        self._loop.add_reader(peer.fd, self._on_readable, peer)
        for payload in self._waiting:
            peer.push(payload)
        self._waiting.clear()
        peer.flush()

    def _flush(self) -> None:
        self._flush_planned = False
        if self._peer:
            self._peer.flush()

    def _on_readable(self, peer: Peer) -> None:
        try:
            payloads = peer.receive()
        except (ConnectionClosed, ProtocolError) as error:
            if isinstance(error, ProtocolError):
                logger.warning("The connection to a worker was closed: %s", error)
            self._forget(peer)
            self.down.set()
            return
        self.heard += 1
        for payload in payloads:
            self._on_payload(payload)

    def _on_blocked(self, peer: Peer) -> None:
        self._loop.add_writer(peer.fd, self._on_writable, peer)

    def _on_writable(self, peer: Peer) -> None:
        self._loop.remove_writer(peer.fd)
        peer.unblock()  # adds the writer again if the socket is full again
        if self._closed and not peer.unsent:
            peer.close()

    def _close_peer(self, peer: Peer) -> None:
        self._loop.remove_reader(peer.fd)
        peer.flush()
        if peer.unsent and not peer.lost and not self.down.is_set():
            self._loop.call_later(LINGER, self._forget, peer)
        else:
            self._forget(peer)

    def _forget(self, peer: Peer) -> None:
        if peer.socket.fileno() >= 0:
            self._loop.remove_reader(peer.fd)
            self._loop.remove_writer(peer.fd)
            peer.close()
