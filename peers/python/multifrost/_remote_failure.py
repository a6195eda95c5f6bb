"""Reads the parts of an error answer, from current and older implementations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from ._messages import Message
from ._raised_error import MAX_DEPTH, MAX_ERRORS

REFUSALS = {
    "FUNCTION_NOT_FOUND": re.compile(r"Function (?:'[^']*' not found|not found: )", re.I),
    "NOT_CALLABLE": re.compile(r"'[^']*' is (?:not callable$|a function property, not a method)", re.I),
    "PRIVATE_METHOD": re.compile(r"Cannot call private method '", re.I),
    "MISSING_FUNCTION": re.compile(r"Message missing 'function'", re.I),
    "WRONG_NAMESPACE": re.compile(r"No namespace '", re.I),
    "OVERLOADED": re.compile(r"Too many calls ", re.I),
    "STOPPING": re.compile(r"This worker is stopping", re.I),
}
"""The refusals of a worker by code, with the text that older implementations send instead of the code."""

_TRACEBACK = "\nTraceback (most recent call last):"
_HEAD = re.compile(r"([A-Za-z_][\w.]*): ?(.*)$", re.DOTALL)


@dataclass(frozen=True)
class RemoteFailure:
    """The parts of an error answer."""

    name: str
    message: str
    stack: str | None = None
    code: str | int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    cause: RemoteFailure | None = None
    errors: tuple[RemoteFailure, ...] = ()
    refusal: str | None = None
    """The code of the refusal, None if the method raised."""


def read_remote_failure(message: Message) -> RemoteFailure:
    """Reads ``metadata.error`` if present, otherwise the text, which older Python workers write as a traceback."""
    failure = _Reader().read(message.get("metadata", {}).get("error"))
    if failure is None:
        return _split(message["error"])
    # As a stopping worker refused calls before the code STOPPING.
    older = failure.code == "NOT_RUNNING" or (failure.code is None and failure.name == "NotRunningError")
    return replace(failure, refusal=_refusal(failure.message, "STOPPING" if older else failure.code))


class _Reader:
    """Reads one answer; parts of other types than documented are left out."""

    def __init__(self) -> None:
        self._left = MAX_ERRORS

    def read(self, parts: Any, depth: int = 0) -> RemoteFailure | None:
        """Returns None for what has no message, and beyond the limits."""
        if not isinstance(parts, dict) or depth > MAX_DEPTH or self._left == 0:
            return None
        message = parts.get("message")
        if not isinstance(message, str):
            return None
        self._left -= 1
        name, stack, code, data = (parts.get(key) for key in ("name", "stack", "code", "data"))
        cause = self.read(parts.get("cause"), depth + 1)
        errors = parts.get("errors")
        listed = errors[:MAX_ERRORS] if isinstance(errors, list) else []
        return RemoteFailure(
            name=name if isinstance(name, str) and name else "Error",
            message=message,
            stack=stack if isinstance(stack, str) else None,
            code=code if isinstance(code, str | int) and not isinstance(code, bool) else None,
            data=data if isinstance(data, dict) else {},
            cause=cause,
            errors=tuple(one for part in listed if (one := self.read(part, depth + 1)) is not None),
        )


def _split(text: str) -> RemoteFailure:
    head, mark, rest = text.partition(_TRACEBACK)
    if not mark:
        return RemoteFailure("Error", text, refusal=_refusal(text, None, text_only=True))
    found = _HEAD.match(head)
    name, message = found.groups() if found else ("Error", head)
    return RemoteFailure(name, message, f"{mark[1:]}{rest}", refusal=_refusal(message, None, text_only=True))


def _refusal(message: str, code: str | int | None, text_only: bool = False) -> str | None:
    # A peer that sends metadata.error also sends the code of a refusal. Without that code the method raised.
    for refusal, form in REFUSALS.items():
        if (text_only or code == refusal) and form.match(message):
            return refusal
    return None
