"""Converts Python values to the types of the wire format, or refuses them with the path to the value."""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgpack

from .errors import SerializationError

MAX_DEPTH = 100
"""Deepest nesting of arrays and maps in a value that is sent or received, in levels."""

MAX_ITEMS = 1_000_000
"""Longest array or map sent or received, in items."""

MAX_BYTES = 64 * 1024 * 1024
"""Longest message sent or received, in bytes."""

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1

_AS_THEY_ARE = (bytes, msgpack.Timestamp, msgpack.ExtType)
_ARRAYS = (list, tuple, set, frozenset)


def to_wire(value: Any, depth: int = 0) -> Any:
    """Converts a value to the types of the wire format.

    Args:
        depth: How many arrays and maps are around the value.

    Raises:
        SerializationError: ``UNSENDABLE_VALUE`` or ``LIMIT_EXCEEDED``, with the path below `value`.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool or kind is bytes:
        return value
    if kind is int and _INT_MIN <= value <= _INT_MAX:
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        if _INT_MIN <= value <= _INT_MAX:
            return int(value)
        raise _refusal("an integer outside of -2^63..2^64-1 cannot be sent")
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, _ARRAYS):
        _check_size(value, depth)
        return [_step(item, depth, f"[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return _map(value, depth)
    return _less_common(value, depth)


def _less_common(value: Any, depth: int) -> Any:
    if isinstance(value, bytearray | memoryview | array.array):
        return value.tobytes() if not isinstance(value, bytearray) else bytes(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.astimezone()
    if isinstance(value, BaseException):
        return _map({"name": type(value).__name__, "message": str(value)}, depth)
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses  # as a program that has such a value did before

        return _map({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, depth)
    # numpy is not imported here: a program that has a numpy value has already imported it.
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return _from_numpy(value, numpy, depth)
    raise _refusal(f"{type(value).__name__} cannot be sent")


def _from_numpy(value: Any, numpy: Any, depth: int) -> Any:
    """Converts an array to its bytes in C order, and a scalar to its Python value."""
    if isinstance(value, numpy.ndarray):
        if value.dtype.hasobject:
            raise _refusal("a numpy array of objects cannot be sent; send value.tolist()")
        return value.tobytes()
    plain = value.item()
    if isinstance(plain, numpy.generic):  # a long double: Python has no such type
        plain = float(plain)
    return to_wire(plain, depth)


def _map(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    _check_size(value, depth)
    return {(text := _key(key)): _step(item, depth, f".{text}") for key, item in value.items()}


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
    text = plain_key(key)
    if text is None:
        raise _refusal(f"a map with a key of type {type(key).__name__} cannot be sent")
    return text


def plain_key(key: Any) -> str | None:
    """Returns a number, boolean or None as JavaScript writes it as a key; returns None for any other key."""
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, float) and key.is_integer() and abs(key) < 1e21:
        return str(int(key))
    return str(key) if isinstance(key, int | float) else None


def _refusal(reason: str) -> SerializationError:
    return SerializationError("UNSENDABLE_VALUE", reason)
