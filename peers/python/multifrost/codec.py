"""Bytes to values and back: the value table of the protocol, with its limits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgpack

from .errors import SerializationError

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest payload taken or sent, in bytes."""

MAX_DEPTH = 100
"""Deepest nesting of arrays and maps in one value, in levels."""

MAX_ITEMS = 1_000_000
"""Longest array or map taken or sent, in items. msgpack reserves room for a length before it has seen the items."""

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1


def decode(payload: bytes) -> Any:
    """One MessagePack value; raises for anything else. Invalid UTF-8 becomes U+FFFD."""
    try:
        return _unpack(payload, 3)
    except (OverflowError, ValueError) as error:
        if isinstance(error, UnicodeError | msgpack.exceptions.UnpackException):
            raise
        # A date outside of the years 1 to 9999, which datetime cannot hold: those stay msgpack.Timestamp.
        return _dates(_unpack(payload, 0))


def _unpack(payload: bytes, timestamp: int) -> Any:
    return msgpack.unpackb(
        payload,
        raw=False,
        strict_map_key=False,
        unicode_errors="replace",
        timestamp=timestamp,
        ext_hook=_read_ext,
        max_array_len=min(len(payload), MAX_ITEMS),
        max_map_len=min(len(payload), MAX_ITEMS),
    )


def _read_ext(code: int, data: bytes) -> Any:
    # Older JavaScript sends an undefined argument as extension type 0 holding one zero byte.
    return None if code == 0 and data == b"\0" else msgpack.ExtType(code, data)


def _dates(value: Any) -> Any:
    if isinstance(value, msgpack.Timestamp):
        try:
            return value.to_datetime()
        except (OverflowError, ValueError):
            return value
    if isinstance(value, list):
        return [_dates(item) for item in value]
    if isinstance(value, dict):
        return {key: _dates(item) for key, item in value.items()}
    return value


def encode(message: dict[str, Any]) -> bytes:
    """A message, whose values went through `to_wire`, as bytes. Raises `SerializationError` when it is too long."""
    payload: bytes = msgpack.packb(message, use_bin_type=True, datetime=True, unicode_errors="replace")
    if len(payload) > MAX_MESSAGE_BYTES:
        reason = f"{len(payload)} bytes are more than the {MAX_MESSAGE_BYTES} of one message"
        raise SerializationError("MESSAGE_TOO_LARGE", reason)
    return payload


def to_wire(value: Any, depth: int = 0) -> Any:
    """The same value in the types that the wire has. Raises `SerializationError` with the path below `value`."""
    if value is None or isinstance(value, bool | str | bytes | msgpack.Timestamp):
        return value
    if isinstance(value, int):
        if _INT_MIN <= value <= _INT_MAX:
            return int(value)
        raise SerializationError("UNSENDABLE_VALUE", "an integer outside of -2^63..2^64-1 cannot be sent")
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, msgpack.ExtType):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.astimezone()
    if isinstance(value, BaseException):
        value = {"name": type(value).__name__, "message": str(value)}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        _check_size(value, depth)
        return [_step(item, depth, f"[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        _check_size(value, depth)
        return {(text := _key(key)): _step(item, depth, f".{text}") for key, item in value.items()}
    raise SerializationError("UNSENDABLE_VALUE", f"{type(value).__name__} cannot be sent")


def _step(item: Any, depth: int, step: str) -> Any:
    try:
        return to_wire(item, depth + 1)
    except SerializationError as error:
        raise error.under(step) from None


def _check_size(value: Collection[Any], depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise SerializationError("LIMIT_EXCEEDED", f"nested deeper than {MAX_DEPTH} levels, or contains itself")
    if len(value) > MAX_ITEMS:
        raise SerializationError("LIMIT_EXCEEDED", f"{len(value)} items are more than the {MAX_ITEMS} allowed")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key)


def too_deep(args: list[Any]) -> bool:
    """Whether a value in `args` nests deeper than `MAX_DEPTH` levels."""
    level: list[Any] = args
    for _ in range(MAX_DEPTH + 1):
        outer = [item for item in level if isinstance(item, list | dict)]
        if not outer:
            return False
        level = [item for one in outer for item in (one.values() if isinstance(one, dict) else one)]
    return True
