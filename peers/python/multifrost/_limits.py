"""The limits of messages and of the values in them: the rules LIM-1 to LIM-6 of the protocol."""

from __future__ import annotations

from typing import NamedTuple

MIB = 1024 * 1024

MAX_DEPTH = 250
"""Largest limit of `depth`: converting a value takes Python two calls for each level, and it allows 1000."""


class Limits(NamedTuple):
    """Limits of messages, in both directions: the option `limits` of `ChildWorker`, `ParentWorker` and `Options`.

    A value that is over a limit is not sent; the error is a `SerializationError`. A call over a limit that arrives is
    answered with an error of the code ``LIMIT_EXCEEDED``; an answer over a limit is raised by its call as
    `SerializationError`.
    """

    message_bytes: int = 64 * MIB
    """A whole message, in bytes. Default: 67,108,864 (64 MiB)."""

    string_bytes: int = 64 * MIB
    """One text, in bytes of UTF-8. Default: 67,108,864."""

    binary_bytes: int = 64 * MIB
    """One binary or extension value, in bytes. Default: 67,108,864."""

    array_items: int = 1_000_000
    """Items in one array. Default: 1,000,000."""

    map_items: int = 1_000_000
    """Keys in one map. Default: 1,000,000."""

    values: int = 4_000_000
    """Values in one message, keys included. Default: 4,000,000."""

    objects: int = 1_000_000
    """Arrays, maps and extensions in one message: each takes 60 to 250 bytes in memory, but may take one byte in the
    message. Default: 1,000,000."""

    depth: int = 100
    """Levels of nested arrays and maps within one argument or result, at most 250. Default: 100."""


DEFAULT_LIMITS = Limits()

_LEAST = Limits(4096, 1024, 1, 100, 100, 100, 100, 1)
"""With less, there is no room for the fields of the message itself."""


def wrong_limit(limits: object) -> str | None:
    """Returns what is wrong with the option `limits`; None if nothing is."""
    if not isinstance(limits, Limits):
        return f"limits must be multifrost.Limits(...), not {limits!r}."
    for name, value, least in zip(Limits._fields, limits, _LEAST, strict=True):
        most = f", at most {MAX_DEPTH}" if name == "depth" else ""
        if type(value) is not int or value < least or (most and value > MAX_DEPTH):
            return f"limits.{name} must be a whole number of at least {least}{most}, not {value!r}."
    return None
