"""Which transport a worker or a parent uses."""

from __future__ import annotations

import os

VARIABLE = "MULTIFROST_TRANSPORT"
"""Environment variable with the transport of those whose option is ``auto``."""


def chosen_transport(option: str) -> str:
    """Returns ``zmtp`` or ``zeromq``.

    Raises:
        ValueError: If the option or the environment variable names no transport.
    """
    name, choice = "transport", option
    if option == "auto":
        name, choice = VARIABLE, os.environ.get(VARIABLE) or "auto"
    if choice not in ("auto", "zmtp", "zeromq"):
        raise ValueError(f"{name} must be 'auto', 'zmtp' or 'zeromq', not {choice!r}.")
    return "zmtp" if choice == "auto" else choice
