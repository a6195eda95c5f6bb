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

from .. import _messages as messages
from .._spawn_variables import ENDPOINT_VARIABLE, PORT_VARIABLE, TOKEN_VARIABLE
from .._zmtp.endpoint import MAX_PATH, listen_on_loopback
from .._zmtp.peer import ConnectionClosed, Peer
from .._zmtp.reader import Limits, Payload
from .._zmtp.wire import ProtocolError
from ..errors import MalformedMessageError
from .socket_owner import belongs_to

logger = logging.getLogger("multifrost")

MAX_CANDIDATES = 128
"""Connections that may wait for a proof at once. Of more, the oldest is closed."""

HANDSHAKE_TIMEOUT = 10.0
"""How long a connection may take to its READY, in seconds."""

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
    """

    def __init__(self, limits: Limits, on_accept: OnAccept, on_refused: Callable[[], None]) -> None:
        self._on_refused = on_refused
        self._limits = limits
        self._on_accept = on_accept
        self._loop = asyncio.get_running_loop()
        self._token = secrets.token_hex(16)
        self._pid: int | None = None
        self._candidates: dict[Candidate, None] = {}
        listener, port = listen_on_loopback()
        self._listeners = [listener]
        self._folder, path = _private_socket_path()
        self.variables = {PORT_VARIABLE: str(port), TOKEN_VARIABLE: self._token}
        """The environment variables for the process."""
        if path:
            self._listeners.append(_listen_on(path))
            self.variables[ENDPOINT_VARIABLE] = f"ipc://{path}"
        for one in self._listeners:
            self._loop.add_reader(one.fileno(), self._on_connection, one)

    def expect(self, pid: int) -> None:
        """Tells which process was started."""
        self._pid = pid
        for candidate in list(self._candidates):
            if candidate.answered:
                self._decide(candidate, [])

    def close(self) -> None:
        """Stops listening, and closes every connection but the accepted one."""
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
            listener.close()
        self._listeners = []
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""
        for candidate in list(self._candidates):
            self._refuse(candidate, "the worker is connected")

    def _on_connection(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:  # it is gone already; for want of descriptors the next turn tries again
            return
        candidate = Candidate(sock, Limits(MAX_CANDIDATE_BYTES))
        self._candidates[candidate] = None
        self._loop.add_reader(candidate.peer.fd, self._on_readable, candidate)
        candidate.timer = self._loop.call_later(HANDSHAKE_TIMEOUT, self._on_silence, candidate)
        if len(self._candidates) > MAX_CANDIDATES:
            self._refuse(next(iter(self._candidates)), "too many others wait")

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
        if peer.reader.ready is not None and not candidate.asked:
            self._on_ready(candidate, payloads)
        else:
            self._look_for_answer(candidate, payloads)

    def _on_ready(self, candidate: Candidate, payloads: list[Payload | None]) -> None:
        ready = candidate.peer.reader.ready
        assert ready is not None
        token = ready.properties.get("x-token", b"")
        if ready.socket_type != b"ROUTER":
            self._refuse(candidate, "it is no ROUTER socket")
        elif not token:
            candidate.ask()
        elif self._is_token(token):
            self._let_in(candidate, payloads)
        else:
            self._refuse(candidate, "its token is wrong")

    def _look_for_answer(self, candidate: Candidate, payloads: list[Payload | None]) -> None:
        for index, payload in enumerate(payloads):
            token = candidate.token_of_answer(payload)
            if token is None:
                continue
            if token and not self._is_token(token.encode("utf-8", "replace")):
                self._refuse(candidate, "its token is wrong")
                return
            candidate.answered, candidate.has_token = True, bool(token)
            self._decide(candidate, payloads[index + 1 :])
            return

    def _decide(self, candidate: Candidate, payloads: list[Payload | None]) -> None:
        if candidate.has_token:
            self._let_in(candidate, payloads)
        elif candidate.peer.socket.family == socket.AF_UNIX:
            self._refuse(candidate, "it has no token")
        elif self._pid is not None:  # else `expect` comes back to it
            if belongs_to(candidate.peer.socket, self._pid):
                self._let_in(candidate, payloads)
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
        self._candidates.pop(candidate, None)
        self._loop.remove_reader(candidate.peer.fd)
        self._loop.remove_writer(candidate.peer.fd)
        if candidate.timer:
            candidate.timer.cancel()


class Candidate:
    """A connection that has not proven to be the worker's.

    Args:
        sock: The accepted socket.
        limits: What it may send.
    """

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.peer = Peer(sock, b"DEALER", {}, limits, lambda _: None)
        self.timer: asyncio.TimerHandle | None = None
        self.asked = False
        self.answered = False
        """Whether it has answered the heartbeat."""
        self.has_token = False
        """Whether the answer had the token."""
        self._id = messages.new_id()
        self._question = messages.heartbeat(self._id)

    def ask(self) -> None:
        """Sends a heartbeat."""
        self.asked = True
        self.peer.send(self._question)

    def token_of_answer(self, payload: Payload | None) -> str | None:
        """Returns the token in an answer to the heartbeat, empty without one; None for any other message."""
        if payload is None or bytes(payload) == self._question:  # an echo is no answer
            return None
        try:
            message = messages.read(payload)
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
    listener.listen(16)
    listener.setblocking(False)
    return listener
