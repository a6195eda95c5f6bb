"""A parent's connection to its worker, whatever speaks the protocol below."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from .._messages import Messages
from .._zmtp.reader import Payload
from ..errors import MultifrostError

OnPayload = Callable[[Payload | None], None]
"""Called with each payload, and with None for a message with the wrong frames."""


class Connection(Protocol):
    """One connection to a worker, on an asyncio loop. What is sent before it is established waits."""

    down: asyncio.Event
    """Set when the connection is lost or refused."""

    reconnects: bool
    """Whether the worker's side may connect again after the connection was lost."""

    def bind(self) -> dict[str, str]:
        """Spawn mode: listens, and returns the environment variables that tell the worker where."""

    def expect(self, pid: int) -> None:
        """Spawn mode: tells which process was started. It leads its process group and its session."""

    def connect(self, port: int) -> None:
        """Connect mode: connects to a service's loopback port."""

    heard: int
    """Grows whenever something of the worker is read."""

    def has_unread(self) -> bool:
        """Whether something has arrived that is not read yet."""

    def send(self, payload: bytes) -> bool:
        """Sends or queues a payload. Never blocks. False: the connection is lost or closed, and nothing was sent."""

    def close(self) -> None:
        """Closes. What is queued is still sent if that takes at most a second; this does not wait for it."""


def make_connection(
    transport: str, on_payload: OnPayload, on_refused: Callable[[], None], messages: Messages
) -> Connection:
    """Makes a connection.

    Args:
        transport: ``zmtp`` or ``zeromq``.
        on_payload: Called with each payload.
        on_refused: Called for each connection that is not the worker's, when it is closed.
        messages: Encodes heartbeats and reads their answers, to tell the worker from others.

    Raises:
        MultifrostError: ``INVALID_OPTION`` if pyzmq is missing.
    """
    if transport == "zmtp":
        from .zmtp_connection import ZmtpConnection

        return ZmtpConnection(on_payload, on_refused, messages)
    try:
        from .zeromq_connection import ZeroMqConnection
    except ImportError as error:
        text = "The transport 'zeromq' needs pyzmq. Install it with: pip install 'multifrost[zeromq]'"
        raise MultifrostError("INVALID_OPTION", text) from error
    return ZeroMqConnection(on_payload, messages.codec.limits)
