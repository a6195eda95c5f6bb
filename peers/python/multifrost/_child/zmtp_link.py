"""A worker's connections over plain sockets: one to the parent that spawned it, or those of a service's parents."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping

from .. import _log as log
from .._limits import DEFAULT_LIMITS
from .._wakeup import WakeUp
from .._zmtp.endpoint import connect, listen_on_loopback
from .._zmtp.peer import ConnectionClosed, Peer
from .._zmtp.reader import BIG_FRAME, Limits, Payload
from .._zmtp.wire import ProtocolError
from .link import OnDropped, OnPayload, OnWake, TakeCalls

CONNECT_TIMEOUT = 10.0
"""How long the first connection to the parent may take, in seconds."""

RECONNECT_TIMEOUT = 5.0
"""How long a connection that the parent closes before the first call is made again, in seconds."""

RECONNECT_PAUSE = 0.02
"""Pause before it is made again, in seconds."""

HANDSHAKE_TIMEOUT = 10.0
"""How long a parent may take from connecting to its READY, in seconds."""

MAX_PARENTS = 4096
"""Parents connected to a service at once. Of more, the first that has sent nothing is closed, or else the new one."""

MAX_UNSENT = 64 * 1024 * 1024
"""A parent that leaves more than this unread is not read from until it reads, in bytes. It gets no output either."""

MAX_UNSENT_TOGETHER = 256 * 1024 * 1024
"""When all parents together leave more than this unread, one that leaves more than an equal share is not read from
either, in bytes."""

MAX_PARTIAL = 256 * 1024 * 1024
"""Most bytes held of messages that have not arrived completely, of all parents together."""

STEP_BYTES = 1024 * 1024
"""Bytes of large messages, of all parents together, that are handled in one step, before small ones: a message of
1 MiB may be made of a million empty maps, which take half a second."""

ACCEPT_PAUSE = 0.2
"""Pause after the system could not accept a connection, for want of descriptors for example, in seconds."""

MAX_SKIPPED = 64 * 1024 * 1024
"""A message above the limit of a service and of at most this size is answered with an error; a larger one closes its
connection. In bytes."""

SPAWNED_MAX_SKIPPED = 1 << 62
"""The same for the parent that spawned this process, without whose connection the worker would end."""

_IN, _OUT = select.POLLIN, select.POLLOUT


class ZmtpLink:
    """See `Link`.

    Args:
        take_calls: Called with what a parent has sent, before anything is read from it.
        on_payload: Called with each payload that `take_calls` has not taken.
        on_dropped: Called with the number of messages that had the wrong frames.
        on_wake: Called with the bytes of each wake-up.
        message_bytes: Largest message, in bytes. Default: the protocol's limit.
    """

    def __init__(
        self,
        take_calls: TakeCalls,
        on_payload: OnPayload,
        on_dropped: OnDropped,
        on_wake: OnWake,
        message_bytes: int = DEFAULT_LIMITS.message_bytes,
    ) -> None:
        self._message_bytes = message_bytes
        self.gone = False
        self.refused = 0
        """Connections that were closed because they broke the protocol or exceeded a limit."""
        self._take_calls = take_calls
        self._on_payload = on_payload
        self._on_dropped = on_dropped
        self._on_wake = on_wake
        self._wake_up = WakeUp()
        self.wake_fd = self._wake_up.writer
        self._wake_reader = self._wake_up.fileno()
        self.wake = self._wake_up.set
        self._poll: select.poll | _Epoll = select.poll()
        self._listener: socket.socket | None = None
        self._accept_again: float | None = None
        self._peers: dict[int, Peer] = {}
        self._seen: dict[Peer, None] = {}
        self._dirty: set[Peer] = set()
        """Parents with something queued."""
        self._newly_blocked: deque[Peer] = deque()
        self._greeting: deque[tuple[float, Peer]] = deque()
        """Parents whose READY is awaited, and until when."""
        self._blocked: set[Peer] = set()
        """Parents that take no more now."""
        self._later: dict[Peer, list[Payload | None]] = {}
        """Large messages that wait for another step. Their parents are not read from."""
        self._handled = 0
        """Bytes of large messages that were handled in this step."""
        self._partial: set[Peer] = set()
        """Parents that are sending a big message."""
        self._properties: Mapping[str, bytes] = {}
        self._endpoint = ""
        """Where a parent without a token listens."""
        self._reconnect_until = 0.0

    def connect(self, endpoint: str, token: str | None) -> None:
        """Spawn mode: connects to the parent.

        Raises:
            OSError: It cannot be reached.
            ValueError: It is no endpoint.
        """
        if token:
            self._properties = {"X-Token": token.encode("utf-8", "replace")}
        else:
            self._endpoint = endpoint
        sock = connect(endpoint, CONNECT_TIMEOUT)
        self._poll.register(self._wake_reader, _IN)
        self._add(sock)

    def bind(self) -> int:
        """Connect mode: listens on a free port of the loopback interface and returns it."""
        self._poll = _Epoll() if hasattr(select, "epoll") else self._poll
        self._listener, port = listen_on_loopback()
        self._poll.register(self._wake_reader, _IN)
        self._poll.register(self._listener.fileno(), _IN)
        return port

    def push(self, peer: Peer, payload: bytes) -> None:
        peer.push(payload)
        self._dirty.add(peer)

    @property
    def has_peers(self) -> bool:
        return bool(self._seen)

    def step(self, timeout: float | None) -> None:
        if self._newly_blocked:
            self._watch_blocked()
        if self._greeting or self._accept_again is not None:
            timeout = self._next_check(timeout)
        peers = self._peers
        self._handled = 0
        if self._later:
            timeout = 0
            self._handle_later()
        for fd, event in self._poll.poll(None if timeout is None else timeout * 1000):
            peer = peers.get(fd)
            if peer is not None:
                if event & _OUT:
                    self._blocked.discard(peer)
                    self._watch(peer)
                    peer.unblock()
                if event & ~_OUT and peer not in self._later:
                    self._read(peer)
            elif fd == self._wake_reader:
                self._on_wake(self._wake_up.clear())
            elif self._listener is not None and fd == self._listener.fileno():
                self._accept(self._listener)

    def count(self) -> int:
        """Returns how many parents are connected."""
        return len(self._peers)

    def remember(self, peer: Peer) -> None:
        self._seen[peer] = None

    def broadcast(self, payload: bytes, undelivered: Callable[[], None]) -> None:
        delivered = False
        for peer in list(self._seen):
            if not peer.lost and not (peer.is_blocked and peer.unsent > MAX_UNSENT):
                self.push(peer, payload)
                delivered = True
        if not delivered:
            undelivered()

    def flush(self) -> None:
        dirty = self._dirty
        while dirty:
            try:
                peer = dirty.pop()
            except KeyError:  # another thread took the last one
                return
            peer.flush()

    def check(self) -> None:
        pass

    def close(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        if self._listener is not None:
            self._listener.close()
        for peer in list(self._peers.values()):
            if timeout and peer in self._seen:
                peer.finish(max(0.0, deadline - time.monotonic()))
            else:
                peer.close()
        self._peers.clear()
        self._seen.clear()
        self._wake_up.close()
        if isinstance(self._poll, _Epoll):
            self._poll.close()

    def abandon(self) -> None:
        self._seen.clear()
        for peer in self._peers.values():
            peer.abandon()
        if self._listener is not None:
            socket.close(self._listener.detach())

    def _add(self, sock: socket.socket) -> None:
        skipped = MAX_SKIPPED if self._listener else SPAWNED_MAX_SKIPPED
        limits = Limits(self._message_bytes, skipped_bytes=skipped)
        peer = Peer(sock, b"ROUTER", self._properties, limits, self._on_blocked, self._take_calls)
        self._peers[peer.fd] = peer
        self._poll.register(peer.fd, _IN)
        if self._listener is not None:
            self._greeting.append((time.monotonic() + HANDSHAKE_TIMEOUT, peer))

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError as error:
            log.warning("Could not accept a connection: %s", error)
            self._accept_again = time.monotonic() + ACCEPT_PAUSE
            self._poll.modify(listener.fileno(), 0)
            return
        if len(self._peers) >= MAX_PARENTS:
            silent = next((peer for peer in self._peers.values() if peer not in self._seen), None)
            if silent is None:
                sock.close()
                self.refused += 1
                return
            self._refuse(silent, "others came, and it had sent nothing")
        self._add(sock)

    def _read(self, peer: Peer) -> None:
        try:
            payloads = peer.receive()
        except ConnectionClosed:
            self._drop(peer)
            return
        except ProtocolError as error:
            self._refuse(peer, str(error))
            return
        if payloads and payloads[0] is not None and len(payloads[0]) > BIG_FRAME:
            if self._handled > STEP_BYTES:
                self._later[peer] = payloads
                self._watch(peer)
                return
            self._handled += len(payloads[0])
        self._handle(peer, payloads)

    def _handle_later(self) -> None:
        """Handles the large messages that have waited longest."""
        peer = next(iter(self._later))
        payloads = self._later.pop(peer)
        self._handled += sum(0 if payload is None else len(payload) for payload in payloads)
        self._watch(peer)
        self._handle(peer, payloads)

    def _handle(self, peer: Peer, payloads: list[Payload | None]) -> None:
        on_payload = self._on_payload
        dropped = 0  # counted together, so that a flood of them costs little
        for payload in payloads:
            if payload is None:
                dropped += 1
            else:
                on_payload(peer, payload)
        if dropped:
            self._on_dropped(dropped)
        if peer.reader.is_receiving_big or self._partial:
            self._limit_partial(peer)
        if peer.is_blocked:
            self._watch(peer)

    def _refuse(self, peer: Peer, reason: str) -> None:
        self.refused += 1
        log.info("Closed a connection (%d so far): %s", self.refused, reason)
        self._drop(peer)

    def _drop(self, peer: Peer) -> None:
        if self._peers.pop(peer.fd, None) is None:
            return
        self._seen.pop(peer, None)
        self._partial.discard(peer)
        self._blocked.discard(peer)
        self._later.pop(peer, None)
        self._poll.unregister(peer.fd)
        peer.close()
        if self._listener is None:
            self.gone = not self._reconnect(peer)

    def _reconnect(self, lost: Peer) -> bool:
        """Connects again to a parent without a token, which closes a connection if too many others wait."""
        now = time.monotonic()
        self._reconnect_until = self._reconnect_until or now + RECONNECT_TIMEOUT
        if not self._endpoint or lost.taken or now >= self._reconnect_until:
            return False
        time.sleep(RECONNECT_PAUSE)
        try:
            self._add(connect(self._endpoint, self._reconnect_until - now))
        except OSError:  # nothing listens any more
            return False
        return True

    def _limit_partial(self, peer: Peer) -> None:
        """Bounds what all parents together have begun to send: closes the one that has sent most."""
        if not peer.reader.is_receiving_big:
            self._partial.discard(peer)
            return
        self._partial.add(peer)
        if len(self._partial) > 1 and sum(one.reader.held for one in self._partial) > MAX_PARTIAL:
            largest = max(self._partial, key=lambda one: one.reader.held)
            self._refuse(largest, f"more than {MAX_PARTIAL} bytes of unfinished messages of all parents")

    def _on_blocked(self, peer: Peer) -> None:
        self._newly_blocked.append(peer)
        self.wake()

    def _watch_blocked(self) -> None:
        while self._newly_blocked:
            peer = self._newly_blocked.popleft()
            if self._peers.get(peer.fd) is peer:
                self._blocked.add(peer)
                self._watch(peer)

    def _watch(self, peer: Peer) -> None:
        """Waits for what a parent sends, and until it takes more if it is blocked."""
        blocked = peer in self._blocked
        reads = peer not in self._later and not (blocked and self._leaves_too_much(peer))
        self._poll.modify(peer.fd, (_IN if reads else 0) | (_OUT if blocked else 0))

    def _leaves_too_much(self, peer: Peer) -> bool:
        """Whether this parent leaves so much unread that it must not send more."""
        unsent = peer.unsent
        if unsent > MAX_UNSENT:
            return True
        if unsent <= MAX_UNSENT_TOGETHER / len(self._peers):
            return False
        return sum(one.unsent for one in self._blocked) > MAX_UNSENT_TOGETHER

    def _next_check(self, timeout: float | None) -> float | None:
        """Ends handshakes that take too long. Returns `timeout`, or less until the next such check."""
        now = time.monotonic()
        while self._greeting and (self._greeting[0][1].is_ready or self._greeting[0][0] <= now):
            _, peer = self._greeting.popleft()
            if not peer.is_ready and not peer.lost:
                self._refuse(peer, f"no READY within {HANDSHAKE_TIMEOUT:g} s")
        waits = [] if timeout is None else [timeout]
        if self._greeting:
            waits.append(self._greeting[0][0] - now)
        if self._accept_again is not None:
            if self._accept_again <= now and self._listener is not None:
                self._accept_again = None
                self._poll.modify(self._listener.fileno(), _IN)
            else:
                waits.append(ACCEPT_PAUSE)
        return min(waits, default=None)


class _Epoll:
    """`select.epoll` with the interface of `select.poll`: its cost does not grow with the connections."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.register = self._epoll.register
        self.modify = self._epoll.modify
        self.close = self._epoll.close

    def unregister(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            self._epoll.unregister(fd)

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        return self._epoll.poll(None if timeout is None else timeout / 1000)
