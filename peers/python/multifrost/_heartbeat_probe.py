"""Asks a service by one heartbeat whether it is there."""

from __future__ import annotations

import socket
import time

from . import _messages as messages
from ._codec import decode, encode
from ._zmtp.reader import Limits, MessageReader
from ._zmtp.wire import GREETING, SMALL_HEAD, ProtocolError, ready
from .errors import MalformedMessageError

ANSWER_TIMEOUT = 2.0
"""How long a service has to answer, in seconds."""

_MOST_BYTES = 1 << 20
"""More than this before the answer is no service's, in bytes."""

_APPS = ("comlink_ipc_v3", "comlink_ipc_v4")
"""A service with another app id does not answer."""


def answers_heartbeat(port: int) -> bool:
    """Reports whether a service answers a heartbeat on this port of 127.0.0.1 within 2 s. Blocks until then."""
    deadline = time.monotonic() + ANSWER_TIMEOUT
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT) as connection:
            return _ask(connection, deadline)
    except (OSError, ProtocolError):
        return False


def _ask(connection: socket.socket, deadline: float) -> bool:
    beats = [_heartbeat(app) for app in _APPS]
    reader = MessageReader(b"DEALER", Limits(message_bytes=_MOST_BYTES))
    connection.sendall(GREETING + ready(b"DEALER", {}))
    asked = False
    received = 0
    while (left := deadline - time.monotonic()) > 0 and received <= _MOST_BYTES:
        connection.settimeout(left)
        data = connection.recv(65536)
        if not data:
            return False
        received += len(data)
        found = reader.feed(data)
        if reader.ready is not None and not asked:
            asked = True
            if reader.ready.socket_type != b"ROUTER":
                return False
            for _, beat in beats:
                connection.sendall(SMALL_HEAD + bytes((len(beat),)) + beat)
        if any(_is_answer(bytes(payload), beats) for payload in found if payload is not None):
            return True
    return False


def _heartbeat(app: str) -> tuple[str, bytes]:
    beat_id = messages.new_id()
    now = time.time()
    metadata = {"hb_timestamp": now}
    return beat_id, encode({"app": app, "id": beat_id, "type": "heartbeat", "timestamp": now, "metadata": metadata})


def _is_answer(payload: bytes, beats: list[tuple[str, bytes]]) -> bool:
    """Whether a payload answers a heartbeat. One that is sent back as it was does not."""
    if any(payload == beat for _, beat in beats):
        return False
    try:
        fields = decode(payload)
    except MalformedMessageError:
        return False
    return fields.get("type") == "heartbeat" and any(fields.get("id") == beat_id for beat_id, _ in beats)
