"""What a parent tells the process that it spawns, in the environment: where to connect, and a token as a proof."""

from __future__ import annotations

import os
from typing import NamedTuple

from .._spawn_variables import ENDPOINT_VARIABLE, MODE_VARIABLE, PORT_VARIABLE, TOKEN_VARIABLE
from ..errors import LaunchError


class SpawnAddress(NamedTuple):
    """The parent that spawned this process, as the environment describes it."""

    port: str
    endpoint: str
    token: str | None

    def port_number(self) -> int:
        """Returns the port of the parent.

        Raises:
            LaunchError: ``INVALID_PORT``.
        """
        text = self.port
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1024 <= int(text) <= 65535):
            raise LaunchError(
                "INVALID_PORT",
                f"{PORT_VARIABLE} is {text!r}, not a port number from 1024 to 65535. A ParentWorker sets it; "
                "do not set it by hand.",
            )
        return int(text)

    def endpoints(self) -> list[str]:
        """Returns where to connect, the best first: the private endpoint, and the port.

        Raises:
            LaunchError: ``INVALID_PORT``.
        """
        found = [self.endpoint] if self.endpoint else []
        return [*found, f"tcp://localhost:{self.port_number()}"] if self.port else found


_taken: SpawnAddress | None = None
_claimed = False


def take_out_of_environment() -> None:
    """Reads the variables once and removes them, so that no process started here takes itself for the worker."""
    global _taken
    port, endpoint = os.environ.pop(PORT_VARIABLE, ""), os.environ.pop(ENDPOINT_VARIABLE, "")
    token = os.environ.pop(TOKEN_VARIABLE, None)
    os.environ.pop(MODE_VARIABLE, None)
    if port or endpoint:
        _taken = SpawnAddress(port, endpoint, token)


def claim(service_id: str | None) -> SpawnAddress | None:
    """Returns where the parent is that spawned this process; None if none did. Only the first worker gets it.

    What the parent asks for wins over a service id in the code. The exception is a parent that gives no token, because
    workers of its age leave the variables to the services that they start.

    Raises:
        LaunchError: ``ALREADY_STARTED`` for a second worker.
    """
    global _claimed
    take_out_of_environment()
    if service_id and _taken is not None and _taken.token is None:
        return None
    if _taken is not None and _claimed:
        raise LaunchError(
            "ALREADY_STARTED",
            "Another worker object of this process serves the parent that spawned it. A process has one worker: start "
            "the second one from a ParentWorker.",
        )
    _claimed = _taken is not None
    return _taken


def forget() -> None:
    """Forgets the parent, in a process that was forked from the worker."""
    global _taken, _claimed
    _taken, _claimed = None, False


def missing() -> LaunchError:
    """Returns the error for a worker that has neither a parent nor a name."""
    return LaunchError(
        "NO_START_MODE",
        f"{PORT_VARIABLE} is not set and no service id was given. Start this worker from a ParentWorker, "
        "or give it a service id to run as a service.",
    )
