"""What an error answer tells: its name, message and traceback, whichever implementation wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .messages import REFUSALS, Message

_TRACEBACK = "\nTraceback (most recent call last):"
_HEAD = re.compile(r"([A-Za-z_][\w.]*): ?(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """The parts of an error answer."""

    name: str
    message: str
    stack: str | None = None
    code: str | None = None
    refusal: str | None = None
    """Which refusal it is, or None for what the method itself raised."""


def read_failure(message: Message) -> Failure:
    """Reads ``metadata.error`` where it is there, else the text, as Python workers have written it for long."""
    detail = message.get("metadata", {}).get("error")
    if isinstance(detail, dict) and isinstance(detail.get("message"), str):
        name, code = _text(detail, "name"), _text(detail, "code")
        return Failure(
            name or "Error", detail["message"], _text(detail, "stack"), code, _refusal(detail["message"], code)
        )
    return _split(message["error"])


def _split(text: str) -> Failure:
    head, mark, rest = text.partition(_TRACEBACK)
    if not mark:
        return Failure("Error", text, refusal=_refusal(text, None, text_only=True))
    found = _HEAD.match(head)
    name, message = found.groups() if found else ("Error", head)
    return Failure(name, message, f"{mark[1:]}{rest}", refusal=_refusal(message, None, text_only=True))


def _refusal(message: str, code: str | None, text_only: bool = False) -> str | None:
    # Who sends the parts names a refusal by its code too: without one, the text is what a method raised.
    for refusal, form in REFUSALS.items():
        if (text_only or code == refusal) and form.match(message):
            return refusal
    return None


def _text(detail: dict[str, Any], name: str) -> str | None:
    value = detail.get(name)
    return value if isinstance(value, str) else None
