"""Reads the port of the parent that spawned this process."""

from __future__ import annotations

import os

from ..errors import LaunchError

PORT_VARIABLE = "COMLINK_ZMQ_PORT"


def spawn_port() -> int:
    """Returns the parent's port, from the environment variable ``COMLINK_ZMQ_PORT``.

    Raises:
        LaunchError: ``NO_START_MODE`` if the variable is not set, ``INVALID_PORT`` if it is not a port number.
    """
    text = os.environ.get(PORT_VARIABLE)
    if text is None or text == "":
        raise LaunchError(
            "NO_START_MODE",
            f"{PORT_VARIABLE} is not set and no service id was given. Start this worker from a ParentWorker, "
            "or give it a service id to run as a service.",
        )
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1024 <= int(text) <= 65535):
        raise LaunchError(
            "INVALID_PORT",
            f"{PORT_VARIABLE} is {text!r}, not a port number from 1024 to 65535. A ParentWorker sets it; "
            "do not set it by hand.",
        )
    return int(text)
