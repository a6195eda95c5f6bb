"""Which transport a worker or a parent uses."""

from __future__ import annotations

import os

VARIABLE = "MULTIFROST_TRANSPORT"
"""Environment variable with the transport of those whose option is ``auto``."""

TRANSPORTS = "'auto', 'zmtp' or 'zeromq'"
"""The values of the option, for error messages."""


def chosen_transport(option: str) -> str | None:
    """Returns ``zmtp`` or ``zeromq``; None if the option or the environment variable names no transport."""
    choice = os.environ.get(VARIABLE) or "zmtp" if option == "auto" else option
    if choice == "auto":
        choice = "zmtp"
    return choice if choice in ("zmtp", "zeromq") else None
