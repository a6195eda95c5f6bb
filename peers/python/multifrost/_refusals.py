"""Says of a value that cannot be sent what it is, and what to send instead."""

from __future__ import annotations

import types
from collections.abc import AsyncIterable, Iterable
from datetime import timedelta
from os import PathLike
from typing import Any

_METHODS = ("to_dicts", "tolist", "to_list", "to_dict", "asdict")
"""Methods of tables, tensors, columns and records that make lists and dicts of them."""


def explain(value: Any) -> str:
    """Returns the reason why a value is refused, which ends with what to send instead."""
    kind = type(value)
    if isinstance(value, type):
        return f"the class {value.__name__} cannot be sent; send its name, or an object of it"
    if isinstance(value, types.ModuleType):
        return f"the module {value.__name__} cannot be sent; send its name"
    return f"{kind.__name__} cannot be sent; {_instead(value, kind)}"


def _instead(value: Any, kind: type) -> str:
    if isinstance(value, timedelta):
        return "send value.total_seconds()"
    if isinstance(value, complex):
        return "send [value.real, value.imag]"
    if hasattr(kind, "numerator") and hasattr(kind, "denominator"):
        return "send str(value), or float(value)"
    if hasattr(kind, "__await__"):
        return "await it, and send the result"
    if callable(value) and hasattr(value, "__name__"):
        return "functions stay in their process: send what it returns"
    if isinstance(value, AsyncIterable):
        return "send a list of its items: [item async for item in value]"
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame":
        return "send value.to_dict('records')"
    for name in _METHODS:
        if callable(getattr(kind, name, None)):
            return f"send value.{name}()"
    if callable(getattr(kind, "read", None)):
        return "send what value.read() returns"
    if isinstance(value, PathLike):
        return "send os.fspath(value)"
    if callable(getattr(kind, "keys", None)) and hasattr(kind, "__getitem__"):
        return "send dict(value)"
    if isinstance(value, Iterable):
        return "send list(value)"
    if any(not name.startswith("_") for name in getattr(value, "__dict__", ())):
        return "send vars(value), or make its class a dataclass"
    return "send text, numbers, a list or a dict that says what is in it"
