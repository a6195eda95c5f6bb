"""Addresses as text: ``tcp://127.0.0.1:40123`` and ``ipc:///run/worker.sock``."""

from __future__ import annotations

import socket

MAX_PATH = 103
"""Longest path of a Unix socket, in bytes: 103 on macOS, 107 on Linux."""


def connect(endpoint: str, timeout: float) -> socket.socket:
    """Connects to an endpoint.

    Args:
        timeout: Longest time, in seconds.

    Raises:
        OSError: It cannot be reached.
        ValueError: It is no endpoint.
    """
    if endpoint.startswith("ipc://") and len(endpoint) > len("ipc://"):
        made = socket.socket(socket.AF_UNIX)
        try:
            made.settimeout(timeout)
            made.connect(endpoint.removeprefix("ipc://"))
        except BaseException:
            made.close()
            raise
        return made
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    if not endpoint.startswith("tcp://") or not host or not (port.isascii() and port.isdigit()):
        raise ValueError(f"{endpoint!r} is no endpoint")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


def listen_on_loopback() -> tuple[socket.socket, int]:
    """Listens on a free TCP port of the loopback interface. Returns the socket, which does not block, and the port."""
    listener = socket.socket(socket.AF_INET)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    listener.setblocking(False)
    port: int = listener.getsockname()[1]
    return listener, port
