"""The rules for values of the standard library and of other packages: sent in one documented form, or refused with what
to send instead. Imports no package: a program that has a value of a package has imported it."""

from __future__ import annotations

import sys
from array import array
from collections import UserString
from collections.abc import Mapping, Sequence, Set, ValuesView
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgpack

from ._values import plain_key, refusal

if TYPE_CHECKING:
    from ._values import Converter

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_WITH_TEXT = (("uuid", "UUID"), ("decimal", "Decimal"), ("pathlib", "PurePath"))
"""Classes whose objects are sent as their text, by module and name."""


def convert_uncommon(converter: Converter, value: Any, depth: int) -> Any:
    """Converts a value that is of no type of JSON, or of a subclass of such a type.

    Raises:
        SerializationError: ``UNSENDABLE_VALUE`` or ``LIMIT_EXCEEDED``, with the path below `value`.
    """
    if isinstance(value, Enum):
        return converter.part("", value.value, depth)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return converter.step(int.__index__(value), depth)
    if isinstance(value, float):
        return converter.step(float.__float__(value), depth)
    if isinstance(value, bytes):
        return bytes(memoryview(value))
    if isinstance(value, msgpack.Timestamp | msgpack.ExtType):
        return value
    if isinstance(value, bytearray | memoryview | array):
        return _bytes(converter, value)
    if isinstance(value, datetime):
        return _timestamp(value)
    if (text := _text(value)) is not None:
        return text
    if isinstance(value, Mapping):
        count = len(value)
        return _complete(converter.map(islice(value.items(), count + 1), count, depth), count)
    if isinstance(value, Sequence | Set | ValuesView):
        count = _length(value)
        return _complete(converter.array(islice(value, count + 1), count, depth), count)
    if isinstance(value, BaseException):
        return {"name": type(value).__name__, "message": str(value)}
    if (names := _fields(type(value))) is not None:
        return converter.map(((name, _field(value, name)) for name in names), len(names), depth)
    if (dump := _model_dump(value)) is not None:
        return converter.step(dump(), depth)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        from ._numpy_values import convert_numpy

        return convert_numpy(converter, value, numpy, depth)
    from ._refusals import explain

    raise refusal(explain(value))


def _text(value: Any) -> str | None:
    """Returns the text that stands for a value; None if its type has no such text."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UserString):
        return str(value)
    for module, name in _WITH_TEXT:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(value, kind):
            break
    else:
        return None
    text = str(value)
    if name == "PurePath":
        try:
            text.encode()
        except UnicodeEncodeError:
            raise refusal("a path that is not UTF-8 cannot be sent as text; send os.fsencode(value)") from None
    return text


def _length(value: Any) -> int:
    try:
        return len(value)
    except OverflowError:  # a range
        return sys.maxsize - 1


def _complete(wire: Any, count: int) -> Any:
    """Refuses what has more or less items than its length says: it may have no end."""
    if len(wire) != count:
        raise refusal(f"it has not the {count} items that its length says; send a list or dict of what is in it")
    return wire


def _bytes(converter: Converter, value: Any) -> bytes:
    if isinstance(value, array):
        if value.typecode in "uw":
            raise refusal("an array of characters cannot be sent; send value.tounicode()")
        converter.binary(len(value) * value.itemsize)
    elif isinstance(value, memoryview):
        code = value.format.lstrip("@" if sys.byteorder == "big" else "@<=")
        if len(code) != 1 or code in "POg":
            raise refusal(f"a memoryview of the format '{value.format}' cannot be sent; send value.tolist()")
        converter.binary(value.nbytes)
    else:
        return bytes(value)
    data: bytes = value.tobytes()
    return data


def _timestamp(value: datetime) -> Any:
    if value != value:  # pandas.NaT
        return None
    # Another class than datetime has more: pandas.Timestamp has nanoseconds.
    nanoseconds = 0 if type(value) is datetime else getattr(value, "nanosecond", 0)
    if type(value) is not datetime:
        parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
        value = datetime(*parts, tzinfo=value.tzinfo, fold=value.fold)
    if value.utcoffset() is None:
        value = _from_local(value.replace(tzinfo=None))
    if not nanoseconds:
        return value
    since = value - _EPOCH
    return msgpack.Timestamp(since.days * 86_400 + since.seconds, since.microseconds * 1000 + nanoseconds)


def _from_local(value: datetime) -> datetime:
    if value in (datetime.min, datetime.max):  # they stand for no time in particular
        return value.replace(tzinfo=timezone.utc)
    try:
        return value.astimezone()
    except (OverflowError, ValueError):  # within a day of the first or the last time
        near = value + timedelta(days=2 if value.year == 1 else -2)
        return value.replace(tzinfo=near.astimezone().tzinfo)


def _fields(kind: type) -> list[str] | None:
    """Returns the names of the fields of a dataclass or a class made by attrs; None for other classes."""
    fields = getattr(kind, "__dataclass_fields__", None)
    if isinstance(fields, dict):
        import dataclasses

        return [field.name for field in dataclasses.fields(kind)]
    fields = getattr(kind, "__attrs_attrs__", None)
    return [field.name for field in fields] if isinstance(fields, tuple) else None


def _field(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except AttributeError:
        raise refusal(f"the field '{name}' of {type(value).__name__} has no value; give it a default") from None


def _model_dump(value: Any) -> Any:
    """Returns the method that makes a dict of a pydantic model, and of what has its method; None for other values."""
    kind = type(value)
    if callable(getattr(kind, "model_dump", None)):
        return value.model_dump
    if isinstance(getattr(kind, "__fields__", None), dict) and callable(getattr(kind, "dict", None)):
        return value.dict  # pydantic 1
    return None


def uncommon_key(key: Any) -> str:
    """Returns the text of a key that is neither text nor a number, a boolean or None.

    Raises:
        SerializationError: ``UNSENDABLE_VALUE``.
    """
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bytes):
        try:
            return key.decode()
        except UnicodeDecodeError:
            raise refusal(f"a map with the key {key!r}, which is not UTF-8, cannot be sent; send key.hex()") from None
    plain = key
    if isinstance(key, int) and not isinstance(key, bool):
        plain = int.__index__(key)
    elif isinstance(key, float):
        plain = float.__float__(key)
    elif (numpy := sys.modules.get("numpy")) is not None and isinstance(key, numpy.number | numpy.bool_):
        plain = key.item()
    text = plain_key(plain)
    if text is None and not isinstance(key, datetime):
        text = _text(key)
    if text is None:
        instead = "key.isoformat()" if isinstance(key, datetime) else "text in its place, or a list of pairs"
        raise refusal(f"a map with a key of type {type(key).__name__} cannot be sent; send {instead}")
    return text
