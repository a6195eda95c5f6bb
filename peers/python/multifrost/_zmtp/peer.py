"""One connection: a socket that never blocks, what arrives on it, and what is waiting to be sent."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping

from .reader import Limits, MessageReader, Payload
from .wire import GREETING, message_head, ready

READ_BYTES = 64 * 1024
"""Most bytes read at once. From 128 KiB on the allocator maps and unmaps memory for each read: 15 µs more per call."""

COPY_BYTES = 32 * 1024
"""A payload above this size is sent without copying it behind its head, in bytes."""

PARTS_PER_SEND = 512
"""Most pieces handed to the system in one call. Linux allows 1024."""

_SMALL_HEADS = [message_head(size) for size in range(256)]


class ConnectionClosed(Exception):
    """The other side has closed the connection, or it broke."""


class Peer:
    """One connection. One thread at a time may `receive`; any thread may `send`.

    Sending never blocks and never waits for a lock, so that a finalizer or a signal handler may print: what cannot be
    sent now stays in a list, and the thread that holds the lock looks at the list again after it has released the lock.

    Args:
        sock: A connected socket. The peer owns it.
        own_type: ``b"DEALER"`` or ``b"ROUTER"``.
        properties: Properties for the READY command, such as ``X-Token``.
        limits: What the other side may send.
        on_blocked: Called when the socket takes no more, from any thread; then call `unblock` when it is writable.
        take: Called by `receive` with bytes that begin with a message. Returns how many of them it has taken.
    """

    def __init__(
        self,
        sock: socket.socket,
        own_type: bytes,
        properties: Mapping[str, bytes],
        limits: Limits,
        on_blocked: Callable[[Peer], None],
        take: Callable[[Peer, bytes], int] | None = None,
    ) -> None:
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.fd = sock.fileno()
        self.reader = MessageReader(own_type, limits)
        self.lost = False
        """Whether sending failed. What is sent later is forgotten; receiving reports the end."""
        # Each of these is written by one thread only, so that a call needs no lock.
        self.taken = self.ended_here = self.ended_on_loop = self.ended_in_pool = 0
        """For a worker: calls of this peer that were taken, and that ended in each kind of thread."""
        self._recv = sock.recv
        self._send = sock.send
        self.on_blocked = on_blocked
        self._take = take
        self._out: list[bytes | bytearray | memoryview] = []
        self._sending = threading.Lock()
        self._blocked = True
        """Whether nothing may be sent now: the socket takes no more, or the other side's READY has not arrived."""
        with contextlib.suppress(OSError):  # a new socket takes these bytes; a broken one is noticed by `receive`
            sock.send(GREETING + ready(own_type, properties))

    @property
    def is_ready(self) -> bool:
        """Whether the other side's READY has arrived."""
        return self.reader.ready is not None

    @property
    def is_blocked(self) -> bool:
        """Whether messages wait because the socket takes no more."""
        return self._blocked and self.is_ready

    @property
    def pending_calls(self) -> int:
        """Calls of this peer that run or wait."""
        return self.taken - self.ended_here - self.ended_on_loop - self.ended_in_pool

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return sum(map(len, self._out))

    def receive(self) -> list[Payload | None]:
        """Reads once, after the socket became readable. Returns the payloads of the messages that are now complete.

        Raises:
            ConnectionClosed: The connection has ended.
            ProtocolError: The other side breaks the protocol; close the connection.
        """
        reader = self.reader
        data, count = b"", 0
        try:
            space = reader.space()
            if space is None:
                data = self._recv(READ_BYTES)
            else:
                with space:
                    count = self.socket.recv_into(space)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            raise ConnectionClosed from error
        if count:
            payloads = reader.filled(count)
        elif data:
            if self._take is not None and (whole := reader.from_message(data)) is not None:
                data = whole[self._take(self, whole) :]
            payloads = reader.feed(data)
        else:
            raise ConnectionClosed
        if reader.replies:
            replies, reader.replies = reader.replies, []
            self._out += replies
            self.flush()
        if self._blocked and reader.ready is not None:
            self.unblock()
        return payloads

    def push(self, payload: bytes) -> None:
        """Queues a message. `flush` sends it."""
        if self.lost:
            return
        size = len(payload)
        if size < 256:
            self._out.append(_SMALL_HEADS[size] + payload)
        elif size > COPY_BYTES:
            self._out += (message_head(size), payload)
        else:
            self._out.append(message_head(size) + payload)

    def send(self, payload: bytes) -> None:
        """Sends a message, or queues what the socket does not take now."""
        self.push(payload)
        self.flush()

    def flush(self) -> None:
        """Sends what is queued, as far as the socket takes it."""
        while self._out and not self._blocked and self._sending.acquire(False):
            try:
                self._send_some()
            finally:
                self._sending.release()

    def unblock(self) -> None:
        """Goes on sending when the socket is writable."""
        self._blocked = False
        self.flush()

    def _send_some(self) -> None:
        # Only the thread with the lock takes something out of the list; others append meanwhile.
        parts = self._out[:PARTS_PER_SEND]
        if not parts:
            return
        del self._out[: len(parts)]
        size = len(parts[0]) if len(parts) == 1 else sum(map(len, parts))
        try:
            if len(parts) == 1:
                sent = self._send(parts[0])
            elif size <= COPY_BYTES * len(parts):
                parts = [b"".join(parts)]
                sent = self.socket.send(parts[0])
            else:
                sent = self.socket.sendmsg(parts)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.lost = True
            self._out.clear()
            return
        if sent < size:
            self._out[:0] = _after(parts, sent)
            self._blocked = True
            self.on_blocked(self)

    def finish(self, timeout: float) -> None:
        """Closes in order: sends everything, then reads on until the other side has closed.

        A socket that is closed with unread data makes the system discard what the other side has not read yet.

        Args:
            timeout: Longest time for it, in seconds.
        """
        deadline = time.monotonic() + timeout
        with contextlib.suppress(OSError):
            while self._out and not self.lost and self.is_ready and (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                self._send_some()
            self.socket.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                if not self.socket.recv(READ_BYTES):
                    break
        self.close()

    def close(self) -> None:
        """Closes at once. What is queued is lost."""
        self.lost = True
        self._out.clear()
        self.socket.close()

    def abandon(self) -> None:
        """Closes this process's descriptor after a fork, and leaves the connection to the other process."""
        with contextlib.suppress(OSError):
            # close(2) without shutdown; a lock may be held by a thread that does not exist here.
            socket.close(self.socket.detach())


def _after(parts: list[bytes | bytearray | memoryview], sent: int) -> list[bytes | bytearray | memoryview]:
    """Returns what is left of these parts after the first `sent` bytes."""
    for index, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[index + 1 :]]
        sent -= len(part)
    return []
