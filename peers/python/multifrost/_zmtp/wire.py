"""The bytes of ZMTP 3.1: greeting, commands and frames. RFC 37 describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MORE, LONG, COMMAND = 1, 2, 4
"""Flags of a frame: more frames follow, the size has 8 bytes, the frame is a command."""

GREETING_BYTES = 64
"""Length of a greeting, in bytes."""

MAX_PING_CONTEXT = 16
"""Longest context of a PING, in bytes."""

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)

SMALL_HEAD = b"\x01\x00\x00"
"""How a message begins that is an empty frame and one of at most 255 bytes, whose length follows."""

SERVES = {
    b"DEALER": frozenset({b"REP", b"DEALER", b"ROUTER"}),
    b"ROUTER": frozenset({b"REQ", b"DEALER", b"ROUTER"}),
}
"""The socket types that a type may talk to."""


class ProtocolError(Exception):
    """The other side does not speak the protocol, or exceeds a limit. Its connection must be closed."""


class Ready(NamedTuple):
    """What the other side says about itself in its READY command."""

    socket_type: bytes
    properties: Mapping[str, bytes]
    """All properties, by name in lower case."""


def check_greeting(data: bytes | bytearray) -> None:
    """Checks as much of a greeting as there is, so that another protocol is refused at its first byte.

    Raises:
        ProtocolError: If it is no greeting of ZMTP 3 with the mechanism NULL.
    """
    if data and data[0] != 0xFF:
        raise ProtocolError("it does not speak ZMTP")
    if len(data) > 9 and data[9] != 0x7F:
        raise ProtocolError("it does not speak ZMTP 3")
    if len(data) > 10 and data[10] < 3:
        raise ProtocolError(f"it speaks ZMTP {data[10]}, not 3")
    mechanism = data[12:32]
    if mechanism != GREETING[12 : 12 + len(mechanism)]:
        raise ProtocolError("its mechanism is not NULL")


def command(name: bytes, body: bytes = b"") -> bytes:
    """Encodes a command frame."""
    content = bytes((len(name),)) + name + body
    if len(content) > 255:
        return bytes((COMMAND | LONG,)) + len(content).to_bytes(8, "big") + content
    return bytes((COMMAND, len(content))) + content


def ready(socket_type: bytes, properties: Mapping[str, bytes]) -> bytes:
    """Encodes the READY command. Property names other than the protocol's must begin with ``X-``."""
    pairs = {"Socket-Type": socket_type, "Identity": b"", **properties}
    body = b"".join(
        bytes((len(name),)) + name.encode("ascii") + len(value).to_bytes(4, "big") + value
        for name, value in pairs.items()
    )
    return command(b"READY", body)


def read_command(content: bytes) -> tuple[bytes, bytes]:
    """Splits a command into its name and its body.

    Raises:
        ProtocolError: If it has no name.
    """
    if not content or not 0 < content[0] < len(content):
        raise ProtocolError("it sent a command without a name")
    end = 1 + content[0]
    return content[1:end], content[end:]


def read_ready(body: bytes, own_type: bytes) -> Ready:
    """Reads the body of a READY command.

    Raises:
        ProtocolError: If a property is cut off or `own_type` does not talk to the other side's type.
    """
    properties: dict[str, bytes] = {}
    at = 0
    while at < len(body):
        name_end = at + 1 + body[at]
        value_at = name_end + 4
        size = int.from_bytes(body[name_end:value_at], "big")
        if name_end == at + 1 or value_at > len(body) or value_at + size > len(body):
            raise ProtocolError("a property of its READY command is cut off")
        properties[body[at + 1 : name_end].decode("latin-1").lower()] = body[value_at : value_at + size]
        at = value_at + size
    socket_type = properties.get("socket-type", b"")
    if socket_type not in SERVES[own_type]:
        raise ProtocolError(f"it is a {socket_type[:32]!r} socket, which a {own_type.decode()} does not talk to")
    if len(properties.get("identity", b"")) > 255:
        raise ProtocolError("its identity has more than 255 bytes")
    return Ready(socket_type, properties)


def pong(body: bytes) -> bytes:
    """Encodes the answer to a PING with this body.

    Raises:
        ProtocolError: If the PING has no time to live or its context is too long.
    """
    if not 2 <= len(body) <= 2 + MAX_PING_CONTEXT:
        raise ProtocolError(f"it sent a PING of {len(body)} bytes")
    return command(b"PONG", body[2:])


def message_head(size: int) -> bytes:
    """Encodes what precedes a payload of `size` bytes: the empty frame, and the head of the payload's frame."""
    if size < 256:
        return SMALL_HEAD + bytes((size,))
    return b"\x01\x00\x02" + size.to_bytes(8, "big")
