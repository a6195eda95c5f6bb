"""Where a worker listens: read from its arguments and its environment, or refused with one clear line."""

from __future__ import annotations

import os

from ..errors import LaunchError

PORT_VARIABLE = "COMLINK_ZMQ_PORT"


def spawn_port() -> int:
    """The parent's port, from the environment that it started this process with."""
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
