"""Describes values in text that is the same in every language, and reads the tagged values of the JSON files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgpack


def describe(value: Any) -> str:
    """Describes a value in one line."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"int {value}"
    if isinstance(value, float):
        return f"float {struct.pack('>d', value).hex()}"
    if isinstance(value, str):
        return f"str {value.encode().hex()}"
    if isinstance(value, bytes):
        return f"bytes {value.hex()}"
    if isinstance(value, datetime):
        value = msgpack.Timestamp.from_datetime(value)
    if isinstance(value, msgpack.Timestamp):
        return f"time {value.seconds}.{value.nanoseconds:09}"
    if isinstance(value, list):
        return f"[{', '.join(map(describe, value))}]"
    entries = sorted((key.encode().hex(), describe(item)) for key, item in value.items())
    return "{" + ", ".join(f"{key}: {text}" for key, text in entries) + "}"


def untagged(value: Any) -> Any:
    """Reads a value of ``../values.json``, where tags stand for types that JSON lacks."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        readers: dict[str, Callable[[Any], Any]] = {
            "$int": int,
            "$float": float,
            "$bytes": bytes.fromhex,
            "$time": _time,
        }
        if tag in readers:
            return readers[tag](content)
    return {key: untagged(item) for key, item in value.items()}


def _time(text: str) -> Any:
    seconds, nanoseconds = text.split(".")
    stamp = msgpack.Timestamp(int(seconds), int(nanoseconds))
    try:
        return stamp.to_datetime()
    except (OverflowError, ValueError):
        return stamp
