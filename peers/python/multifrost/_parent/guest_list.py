"""Lets exactly one connection in: that of the process this parent has started.

Others may connect to the port: port scanners, browsers, another program of the user. They get nothing but a heartbeat,
change nothing, and are closed and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from .._messages import Messages, new_id
from .._spawn_variables import ENDPOINT_VARIABLE, PORT_VARIABLE, TOKEN_VARIABLE
from .._zmtp.endpoint import MAX_PATH, listen_on_loopback
from .._zmtp.peer import ConnectionClosed, Peer
from .._zmtp.reader import Limits, Payload
from .._zmtp.wire import ProtocolError
from ..errors import MalformedMessageError
from .socket_owner import knows_owners, socket_of_peer, sockets_of, sockets_of_descendants

logger = logging.getLogger("multifrost")

MAX_GREETING = 128
"""Connections to each listener whose READY may be awaited at once. More are accepted when one of these has sent it, or
has had `MIN_GREETING` for it."""

MIN_GREETING = 0.02
"""The time that a connection has to its READY even if many others wait, in seconds."""

HANDSHAKE_TIMEOUT = 10.0
"""How long a connection may take to its READY, in seconds."""

MAX_ASKED = 64
"""Connections to each listener that may be asked for a proof at once. Of more, the first that has not answered is
closed, or else the new one."""

MAX_ACCEPTED = 32
"""Connections accepted in one turn of the loop."""

LOOK_PAUSE = 0.05
"""Shortest time between two looks at all processes of the system, which take milliseconds, in seconds."""

ACCEPT_PAUSE = 0.05
"""Pause after a connection could not be accepted, for want of descriptors for example, in seconds."""

MAX_CANDIDATE_BYTES = 64 * 1024
"""Largest message of a connection that is not accepted yet, in bytes."""

OnAccept = Callable[[Peer, list[Payload | None]], None]
"""Called once with the worker's connection, and with messages that came with its proof."""


class GuestList:
    """Listens on a private Unix socket, and on a TCP port for workers that only know that.

    A connection proves itself with the token, in the property ``X-Token`` of its READY or in the answer to a
    heartbeat. A worker of an older version knows no token: it proves itself by a correct answer to a heartbeat, and, on
    Linux, by being a process that descends from the one that was started.

    Args:
        limits: What the worker may send once it is accepted.
        on_accept: Called once. Then nothing listens any more, and every other connection is closed.
        on_refused: Called for each connection that is closed.
        messages: Encodes heartbeats and reads their answers.
    """

    def __init__(self, limits: Limits, on_accept: OnAccept, on_refused: Callable[[], None], messages: Messages) -> None:
        self._on_refused = on_refused
        self._messages = messages
        self._limits = limits
        self._on_accept = on_accept
        self._loop = asyncio.get_running_loop()
        self._token = secrets.token_hex(16)
        self._pid: int | None = None
        self._undecided: list[Candidate] = []
        """Those that are the worker's only if a descendant of its process holds them."""
        self._next_look = 0.0
        listener, port = listen_on_loopback()
        self._entrances = [Entrance(listener)]
        self._folder, path = _private_socket_path()
        self.variables = {PORT_VARIABLE: str(port), TOKEN_VARIABLE: self._token}
        """The environment variables for the process."""
        if path:
            self._entrances.append(Entrance(_listen_on(path)))
            self.variables[ENDPOINT_VARIABLE] = f"ipc://{path}"
        for entrance in self._entrances:
            self._open(entrance)

    def expect(self, pid: int) -> None:
        """Tells which process was started."""
        self._pid = pid
        for entrance in self._entrances:
            for candidate in list(entrance.asked):
                if candidate.answered:
                    self._decide(candidate)

    def close(self) -> None:
        """Stops listening, and closes every connection but the accepted one."""
        entrances, self._entrances = self._entrances, []
        for entrance in entrances:
            self._loop.remove_reader(entrance.listener.fileno())
            entrance.listener.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""
        for entrance in entrances:
            for candidate in [*entrance.greeting, *entrance.asked]:
                self._refuse(candidate, "the worker is connected")

    def _open(self, entrance: Entrance) -> None:
        if entrance in self._entrances:
            self._loop.add_reader(entrance.listener.fileno(), self._on_connections, entrance)

    def _pause(self, entrance: Entrance, seconds: float) -> None:
        self._loop.remove_reader(entrance.listener.fileno())
        self._loop.call_later(seconds, self._open, entrance)

    def _on_connections(self, entrance: Entrance) -> None:
        for _ in range(MAX_ACCEPTED):
            if not self._has_room(entrance):
                return
            try:
                sock, _ = entrance.listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):  # there is none, or it is gone already
                return
            except OSError:
                self._pause(entrance, ACCEPT_PAUSE)
                return
            candidate = Candidate(sock, Limits(MAX_CANDIDATE_BYTES), entrance, self._loop.time(), self._messages)
            entrance.greeting[candidate] = None
            self._loop.add_reader(candidate.peer.fd, self._on_readable, candidate)
            candidate.timer = self._loop.call_later(HANDSHAKE_TIMEOUT, self._on_silence, candidate)

    def _has_room(self, entrance: Entrance) -> bool:
        """Closes the oldest connection without READY if there are too many, once it has had its time."""
        if len(entrance.greeting) < MAX_GREETING:
            return True
        oldest = next(iter(entrance.greeting))
        left = oldest.since + MIN_GREETING - self._loop.time()
        if left > 0:
            self._pause(entrance, left)
            return False
        self._on_readable(oldest)  # its READY may have come while this loop was busy
        if oldest in entrance.greeting:
            self._refuse(oldest, "too many others wait")
        return entrance in self._entrances

    def _on_silence(self, candidate: Candidate) -> None:
        if not candidate.peer.is_ready:
            self._refuse(candidate, f"no READY within {HANDSHAKE_TIMEOUT:g} s")

    def _on_readable(self, candidate: Candidate) -> None:
        peer = candidate.peer
        try:
            payloads = peer.receive()
        except ConnectionClosed:
            self._refuse(candidate, "it has left")
            return
        except ProtocolError as error:
            self._refuse(candidate, str(error))
            return
        if peer.is_blocked and peer.unsent > MAX_CANDIDATE_BYTES:
            self._refuse(candidate, "it does not read")
        elif peer.reader.ready is not None and not candidate.asked:
            self._on_ready(candidate, payloads)
        else:
            self._look_for_answer(candidate, payloads)

    def _on_ready(self, candidate: Candidate, payloads: list[Payload | None]) -> None:
        ready = candidate.peer.reader.ready
        assert ready is not None
        del candidate.entrance.greeting[candidate]
        candidate.entrance.asked[candidate] = None
        token = ready.properties.get("x-token", b"")
        if ready.socket_type != b"ROUTER":
            self._refuse(candidate, "it is no ROUTER socket")
        elif not token:
            self._ask(candidate)
        elif self._is_token(token):
            self._let_in(candidate, payloads)
        else:
            self._refuse(candidate, "its token is wrong")

    def _ask(self, candidate: Candidate) -> None:
        asked = candidate.entrance.asked
        if len(asked) > MAX_ASKED:
            self._refuse(next((one for one in asked if not one.answered), candidate), "too many others wait")
        if candidate in asked:
            candidate.ask()

    def _look_for_answer(self, candidate: Candidate, payloads: list[Payload | None]) -> None:
        for index, payload in enumerate(payloads):
            token = candidate.token_of_answer(payload)
            if token is None:
                continue
            if token and self._is_token(token.encode("utf-8", "replace")):
                self._let_in(candidate, payloads[index + 1 :])
            elif token:
                self._refuse(candidate, "its token is wrong")
            elif candidate.peer.socket.family == socket.AF_UNIX:
                self._refuse(candidate, "it has no token")
            else:
                candidate.answered, candidate.payloads = True, payloads[index + 1 :]
                self._loop.remove_reader(candidate.peer.fd)  # nothing more is read before it is the worker's
                self._decide(candidate)
            return

    def _decide(self, candidate: Candidate) -> None:
        if self._pid is None:  # `expect` comes back to it
            return
        candidate.inode = socket_of_peer(candidate.peer.socket)
        if not knows_owners() or candidate.inode in sockets_of(self._pid):
            self._let_in(candidate, candidate.payloads)
            return
        self._undecided.append(candidate)
        if len(self._undecided) == 1:
            self._loop.call_at(self._next_look, self._look, self._pid)

    def _look(self, pid: int) -> None:
        """Decides about all that have answered by now."""
        self._next_look = self._loop.time() + LOOK_PAUSE
        undecided, self._undecided = self._undecided, []
        held = sockets_of_descendants(pid) if any(one.inode for one in undecided) else set()
        for candidate in undecided:
            if candidate not in candidate.entrance.asked:
                continue
            if candidate.inode in held:
                self._let_in(candidate, candidate.payloads)
            else:
                self._refuse(candidate, "it is not the process that was started")

    def _is_token(self, token: bytes) -> bool:
        return hmac.compare_digest(token, self._token.encode())

    def _let_in(self, candidate: Candidate, payloads: list[Payload | None]) -> None:
        self._remove(candidate)
        candidate.peer.reader.limits = self._limits
        self.close()
        self._on_accept(candidate.peer, payloads)

    def _refuse(self, candidate: Candidate, reason: str) -> None:
        self._on_refused()
        logger.info("Closed a connection that is not the worker's: %s", reason)
        self._remove(candidate)
        candidate.peer.close()

    def _remove(self, candidate: Candidate) -> None:
        candidate.entrance.greeting.pop(candidate, None)
        candidate.entrance.asked.pop(candidate, None)
        self._loop.remove_reader(candidate.peer.fd)
        self._loop.remove_writer(candidate.peer.fd)
        if candidate.timer:
            candidate.timer.cancel()


class Entrance:
    """A listener, and the connections to it that have not proven to be the worker's. The oldest come first.

    Args:
        listener: It does not block.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.greeting: dict[Candidate, None] = {}
        """Those whose READY is awaited."""
        self.asked: dict[Candidate, None] = {}
        """Those whose answer to a heartbeat is awaited, or decided about."""


class Candidate:
    """A connection that has not proven to be the worker's.

    Args:
        sock: The accepted socket.
        limits: What it may send.
        entrance: Where it came in.
        since: When, in seconds of the loop.
        messages: Encodes the heartbeat and reads its answer.
    """

    def __init__(
        self, sock: socket.socket, limits: Limits, entrance: Entrance, since: float, messages: Messages
    ) -> None:
        self._messages = messages
        self.entrance = entrance
        self.since = since
        self.peer = Peer(sock, b"DEALER", {}, limits, lambda _: None)
        self.timer: asyncio.TimerHandle | None = None
        self.asked = False
        self.answered = False
        """Whether it has answered the heartbeat, without a token."""
        self.payloads: list[Payload | None] = []
        """What came with the answer."""
        self.inode = ""
        """The socket at the other end; empty if it is gone or another user's."""
        self._id = new_id()
        self._question = self._messages.heartbeat(self._id)

    def ask(self) -> None:
        """Sends a heartbeat."""
        self.asked = True
        self.peer.send(self._question)

    def token_of_answer(self, payload: Payload | None) -> str | None:
        """Returns the token in an answer to the heartbeat, empty without one; None for any other message."""
        if payload is None or bytes(payload) == self._question:  # an echo is no answer
            return None
        try:
            message = self._messages.read(payload)
        except MalformedMessageError:
            return None
        if message is None or message["type"] != "heartbeat" or message["id"] != self._id:
            return None
        token = message.get("metadata", {}).get("token", "")
        return token if isinstance(token, str) else ""


def _private_socket_path() -> tuple[str, str]:
    """Makes a folder of mode 0700. Returns it and a path for a socket in it; both empty if no path is short enough."""
    for parent in (tempfile.gettempdir(), "/tmp"):
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix="multifrost-", dir=parent)
            path = str(Path(folder) / "worker")
            if len(os.fsencode(path)) <= MAX_PATH:
                return folder, path
            shutil.rmtree(folder, ignore_errors=True)
    return "", ""


def _listen_on(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1024)
    listener.setblocking(False)
    return listener
