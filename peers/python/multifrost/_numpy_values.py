"""The rules for values of numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from ._values import refusal

if TYPE_CHECKING:
    from ._values import Converter

_NUMBERS = "biufc"
"""Kinds of dtypes whose bytes are sent: booleans, integers, floats and complex numbers."""

_LONGEST_ITEM = {"f": 8, "c": 16}
"""A longer float has another form on each kind of machine, in bytes."""

_SECONDS = {"h": 3600, "m": 60, "s": 1}
_PARTS_OF_SECONDS = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}


def convert_numpy(converter: Converter, value: Any, numpy: Any, depth: int) -> Any:
    """Converts an array to its bytes in C order, and a scalar or an array without dimensions to its Python value."""
    if isinstance(value, numpy.ndarray):
        return _array(converter, value, numpy, depth)
    if isinstance(value, numpy.datetime64):
        return _timestamp(value, numpy)
    if isinstance(value, numpy.timedelta64):
        raise refusal("timedelta64 cannot be sent; send value / numpy.timedelta64(1, 's') for seconds")
    if isinstance(value, numpy.void):
        raise refusal("a record of numpy cannot be sent; send value.item() or a dict")
    plain = value.item()
    if isinstance(plain, numpy.generic):  # a long double: Python has no such type
        plain = float(plain)
        if plain == plain and type(value)(plain) != value:
            raise refusal("a longdouble that is no float cannot be sent; send float(value) or str(value)")
    return converter.part("", plain, depth)


def _array(converter: Converter, value: Any, numpy: Any, depth: int) -> Any:
    dtype = value.dtype
    if isinstance(value, numpy.ma.MaskedArray):
        raise refusal("a masked array cannot be sent; send value.filled(...) or value.tolist()")
    if type(value) not in (numpy.ndarray, numpy.memmap):
        raise refusal(f"an array of the class {type(value).__name__} cannot be sent; send numpy.asarray(value)")
    if dtype.kind not in _NUMBERS:
        instead = "value.astype('int64') and its unit" if dtype.kind in "mM" else "value.tolist()"
        kind = "of objects" if dtype.kind == "O" else f"of the dtype '{dtype}'"
        raise refusal(f"a numpy array {kind} cannot be sent; send {instead}")
    if value.ndim == 0:
        return converter.part("", value[()], depth)
    if dtype.itemsize > _LONGEST_ITEM.get(dtype.kind, dtype.itemsize):
        raise refusal(f"a numpy array of the dtype '{dtype}' cannot be sent; send value.astype('float64')")
    if dtype.newbyteorder("<") != dtype:
        raise refusal(f"a big-endian array cannot be sent; send value.astype('{dtype.newbyteorder('<').str}')")
    converter.binary(value.nbytes)
    return value.tobytes()


def _timestamp(value: Any, numpy: Any) -> Any:
    """Converts to a timestamp, in UTC, and a whole day, month or year to its text."""
    if numpy.isnat(value):
        return None
    unit, length = numpy.datetime_data(value.dtype)
    count = int(value.astype("int64")) * length
    if unit in _SECONDS:
        seconds, nanoseconds = count * _SECONDS[unit], 0
    elif unit in _PARTS_OF_SECONDS:
        parts = _PARTS_OF_SECONDS[unit]
        seconds, rest = divmod(count, parts)
        nanoseconds, lost = divmod(rest * 10**9, parts)
        if lost:
            raise refusal("a datetime64 with parts of nanoseconds cannot be sent; send value.astype('datetime64[ns]')")
    else:
        return str(value)
    if not -(2**63) <= seconds < 2**63:
        raise refusal("a datetime64 so far from 1970 cannot be sent; send str(value)")
    return msgpack.Timestamp(seconds, nanoseconds)
