"""Converts Python values to the types of the wire format, or refuses them with the path to the value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from ._limits import DEFAULT_LIMITS, Limits
from .errors import SerializationError

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1

_PLAIN = frozenset({type(None), bool, str, bytes})
"""Types that are sent as they are."""


def to_wire(value: Any, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Converts a value to the types of the wire format.

    Raises:
        SerializationError: ``UNSENDABLE_VALUE`` or ``LIMIT_EXCEEDED``, with the path below `value`.
    """
    return Converter(limits).convert(value)


class Converter:
    """Converts the values of one message.

    Args:
        limits: What the message may have.
    """

    __slots__ = ("_limits", "_objects_left", "_values_left")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._values_left = limits.values
        self._objects_left = limits.objects

    def convert(self, value: Any) -> Any:
        """Converts a value. Raises as `to_wire`."""
        wire = value if type(value) in _PLAIN else self.part("", value, 0)
        self._check_all_sizes(wire)
        return wire

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """Converts the arguments of a call, which are not a level of nesting. Raises as `to_wire`."""
        wire = self.array(values, len(values), -1)
        self._check_all_sizes(wire)
        return wire

    def step(self, value: Any, depth: int) -> Any:
        """Converts a value inside of `depth` arrays and maps."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is int:
            if _INT_MIN <= value <= _INT_MAX:
                return value
            raise refusal("an integer outside of -2^63..2^64-1 cannot be sent; send it as text: str(value)")
        if kind is float:
            return value if isfinite(value) else None
        if kind is list or kind is tuple:
            return self.array(value, len(value), depth)
        if kind is dict:
            return self.map(value.items(), len(value), depth)
        from ._uncommon_values import convert_uncommon  # takes 1 ms, which most workers need not spend

        return convert_uncommon(self, value, depth)

    def array(self, items: Iterable[Any], count: int, depth: int) -> list[Any]:
        """Converts `count` items to an array."""
        if count > self._limits.array_items:
            raise _over(f"{count} items are more than the {self._limits.array_items} of an array", "array_items")
        self._take(count, depth)
        step, depth = self.step, depth + 1
        result: list[Any] = []
        append = result.append
        try:
            for item in items:
                append(item if type(item) in _PLAIN else step(item, depth))
        except SerializationError as error:
            raise error.under(f"[{len(result)}]") from None
        except Exception as error:
            raise unreadable(error).under(f"[{len(result)}]") from error
        return result

    def map(self, pairs: Iterable[tuple[Any, Any]], count: int, depth: int) -> dict[str, Any]:
        """Converts `count` pairs of a key and a value to a map."""
        if count > self._limits.map_items:
            raise _over(f"{count} keys are more than the {self._limits.map_items} of a map", "map_items")
        self._take(2 * count, depth)
        step, depth = self.step, depth + 1
        result: dict[str, Any] = {}
        read = 0
        where = ""
        try:
            for key, item in pairs:
                text = key if type(key) is str else _key(key)
                where = f".{text}"
                result[text] = item if type(item) in _PLAIN else step(item, depth)
                read += 1
                if len(result) != read:
                    raise refusal(f"two keys of the map have the same text, {text!r}; send keys that differ as text")
                where = ""
        except SerializationError as error:
            raise error.under(where) from None
        except Exception as error:
            raise unreadable(error).under(where) from error
        return result

    def binary(self, size: int) -> None:
        """Checks the size of binary data before it is copied."""
        if size > self._limits.binary_bytes:
            raise _over(f"{size} bytes are more than the {self._limits.binary_bytes} of binary data", "binary_bytes")

    def part(self, where: str, value: Any, depth: int) -> Any:
        """Converts a value that `where` names in the path of an error."""
        try:
            return self.step(value, depth)
        except SerializationError as error:
            raise error.under(where) from None
        except Exception as error:  # a property or a method of a user's object raised
            raise unreadable(error).under(where) from error

    def _take(self, values: int, depth: int) -> None:
        limits = self._limits
        if depth >= limits.depth:
            raise _over(f"nested deeper than {limits.depth} levels, or contains itself", "depth")
        self._values_left -= values
        self._objects_left -= 1
        if self._values_left < 0:
            raise _over(f"there are more than {limits.values} values in the message", "values")
        if self._objects_left < 0:
            raise _over(f"there are more than {limits.objects} arrays and maps in the message", "objects")

    def _check_all_sizes(self, wire: Any) -> None:
        limits = self._limits
        if limits.string_bytes < limits.message_bytes or limits.binary_bytes < limits.message_bytes:
            self._check_sizes(wire)

    def _check_sizes(self, value: Any) -> None:
        limits = self._limits
        if isinstance(value, str):
            size = len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
            if size > limits.string_bytes:
                raise _over(f"{size} bytes are more than the {limits.string_bytes} of a text", "string_bytes")
        elif isinstance(value, bytes):
            self.binary(len(value))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._check_size_at(f"[{index}]", item)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._check_sizes(key)
                self._check_size_at(f".{key}", item)

    def _check_size_at(self, where: str, value: Any) -> None:
        try:
            self._check_sizes(value)
        except SerializationError as error:
            raise error.under(where) from None


def _key(key: Any) -> str:
    text = plain_key(key)
    if text is None:
        from ._uncommon_values import uncommon_key

        text = uncommon_key(key)
    return text


def plain_key(key: Any) -> str | None:
    """Returns a number, boolean or None as JavaScript writes it as a key; returns None for any other key."""
    kind = type(key)
    if kind is int:
        return str(key)
    if key is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[key]
    return _number_text(key) if kind is float else None


def _number_text(number: float) -> str:
    if not isfinite(number):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    if number.is_integer() and abs(number) < 1e21:
        return str(int(number))
    text = repr(number)
    mantissa, is_small, exponent = text.partition("e-0")
    if not is_small:
        return text
    if exponent in "56":  # JavaScript writes an exponent from 1e-7 on
        digits = len(mantissa.lstrip("-").replace(".", "")) - 1 + int(exponent)
        return f"{number:.{digits}f}"
    return f"{mantissa}e-{exponent}"


def refusal(reason: str) -> SerializationError:
    """Makes the error for a value that cannot be sent."""
    return SerializationError("UNSENDABLE_VALUE", reason)


def unreadable(error: Exception) -> SerializationError:
    """Makes the error for a value whose code raised `error` while it was converted."""
    return refusal(f"it cannot be read: {error!r}")


def _over(reason: str, limit: str) -> SerializationError:
    return SerializationError("LIMIT_EXCEEDED", reason if limit == "depth" else f"{reason} (limits.{limit})")
