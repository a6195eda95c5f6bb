"""Reads the name, message and traceback of an error answer, from current and older implementations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ._messages import Message

REFUSALS = {
    "FUNCTION_NOT_FOUND": re.compile(r"Function '[^']*' not found", re.I),
    "NOT_CALLABLE": re.compile(r"'[^']*' is (?:not callable$|a function property, not a method)", re.I),
    "PRIVATE_METHOD": re.compile(r"Cannot call private method '", re.I),
    "MISSING_FUNCTION": re.compile(r"Message missing 'function'", re.I),
    "WRONG_NAMESPACE": re.compile(r"No namespace '", re.I),
    "OVERLOADED": re.compile(r"Too many calls ", re.I),
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
    code: str | None = None
    refusal: str | None = None
    """The code of the refusal, None if the method raised."""


def read_remote_failure(message: Message) -> RemoteFailure:
    """Reads ``metadata.error`` if present, otherwise the text, which older Python workers write as a traceback."""
    detail = message.get("metadata", {}).get("error")
    if isinstance(detail, dict) and isinstance(detail.get("message"), str):
        name, code = _text(detail, "name"), _text(detail, "code")
        return RemoteFailure(
            name or "Error", detail["message"], _text(detail, "stack"), code, _refusal(detail["message"], code)
        )
    return _split(message["error"])


def _split(text: str) -> RemoteFailure:
    head, mark, rest = text.partition(_TRACEBACK)
    if not mark:
        return RemoteFailure("Error", text, refusal=_refusal(text, None, text_only=True))
    found = _HEAD.match(head)
    name, message = found.groups() if found else ("Error", head)
    return RemoteFailure(name, message, f"{mark[1:]}{rest}", refusal=_refusal(message, None, text_only=True))


def _refusal(message: str, code: str | None, text_only: bool = False) -> str | None:
    # A peer that sends metadata.error also sends the code of a refusal. Without that code the method raised.
    for refusal, form in REFUSALS.items():
        if (text_only or code == refusal) and form.match(message):
            return refusal
    return None


def _text(detail: dict[str, Any], name: str) -> str | None:
    value = detail.get(name)
    return value if isinstance(value, str) else None
