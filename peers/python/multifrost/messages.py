"""The messages that a worker sends, ready for `codec.encode`."""

from __future__ import annotations

import time
import traceback
import uuid
from typing import Any

from .codec import encode, to_wire
from .errors import CallError, SerializationError

APP = "comlink_ipc_v3"

MAX_ERROR_TEXT = 256 * 1024
"""Longest message or traceback sent, in characters; the middle of a longer one is left out."""


def _message(kind: str, message_id: str, **fields: Any) -> bytes:
    return encode({"app": APP, "id": message_id, "type": kind, "timestamp": time.time(), **fields})


def response(message_id: str, result: Any) -> bytes:
    """The answer to a call; an error answer where the result cannot be sent."""
    try:
        return _message("response", message_id, result=to_wire(result))
    except SerializationError as error:
        return failure(message_id, error.under("result"))
    except Exception as error:  # a property or a __str__ of the user's failed while it was read
        return failure(message_id, error)


def failure(message_id: str, error: BaseException) -> bytes:
    """The answer to a call that failed: text for older parents, the parts of it in metadata for newer ones."""
    name, message = type(error).__name__, _shorten(_text(error))
    detail: dict[str, str] = {"name": name, "message": message}
    code = getattr(error, "code", None)
    if isinstance(code, str):
        detail["code"] = code
    text = message
    if not isinstance(error, CallError):
        detail["stack"] = _shorten(_traceback(error))
        text = f"{name}: {message}\n{detail['stack']}"
    return _message("error", message_id, error=text, metadata={"error": detail})


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its message cannot be read)"


def _traceback(error: BaseException) -> str:
    # The first frame is the executor's, which tells the caller nothing.
    frames = error.__traceback__
    lines = traceback.format_exception(type(error), error, (frames and frames.tb_next) or frames)
    text = "".join(lines).rstrip("\n")
    return text if text.startswith("Traceback") else f"Traceback (most recent call last):\n{text}"


def _shorten(text: str) -> str:
    half = MAX_ERROR_TEXT // 2
    return text if len(text) <= MAX_ERROR_TEXT else f"{text[:half]}\n[...]\n{text[-half:]}"


def heartbeat_answer(beat: dict[str, Any]) -> bytes:
    """The same heartbeat, marked as an answer."""
    sent = beat.get("metadata")
    metadata = {**(sent if isinstance(sent, dict) else {}), "hb_response": True}
    fields = {"args": to_wire(beat["args"])} if "args" in beat else {}
    return _message("heartbeat", beat["id"], **fields, metadata=to_wire(metadata))


def output(kind: str, line: str) -> bytes:
    """One line that was printed; `kind` is ``stdout`` or ``stderr``."""
    return _message(kind, str(uuid.uuid4()), output=line)
