"""Describes what a method raised, in parts that can be sent: the rules ERR-1 to ERR-6 of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from ._codec import encode
from ._values import to_wire

MAX_DEPTH = 10
"""How many levels of causes and of exceptions in groups are described."""

MAX_ERRORS = 100
"""How many exceptions one answer describes, the raised one included."""

MAX_TEXT = 256 * 1024
"""Longest message or traceback, in characters. The middle of a longer one is left out."""

MAX_NESTED_TEXT = 16 * 1024
"""The same for a cause, and for each exception of a group."""

MAX_NAME = 1000
"""Longest name and code, in characters."""

MAX_DATA_BYTES = 64 * 1024
"""The most bytes of all attributes that one answer has as data."""

MAX_FIELDS = 100
"""How many attributes of one exception are considered."""

_MAX_LEVELS = 16
"""Deepest nesting of arrays and maps in an attribute."""

Parts = dict[str, Any]


def describe(error: BaseException, with_stack: bool = True) -> Parts:
    """Splits an exception into parts that can be sent. Never raises an `Exception`, whatever the exception does."""
    return _Description(with_stack).of(error, ())


class _Description:
    """One raised exception, with its causes and their attributes."""

    def __init__(self, with_stack: bool) -> None:
        self._with_stack = with_stack
        self._errors = 0
        self._data_bytes = 0

    def of(self, error: BaseException, around: tuple[BaseException, ...]) -> Parts:
        """Describes `error`, which is the cause or a part of the exceptions `around` it."""
        self._errors += 1
        longest = MAX_NESTED_TEXT if around else MAX_TEXT
        message = message_of(error)
        parts: Parts = {"name": type(error).__name__[:MAX_NAME], "message": shorten(message, longest)}
        attributes = dict(_attributes(error))
        code = _code(attributes.get("code", _read(error, "code")))
        if code is not None:
            parts["code"] = code
            attributes.pop("code", None)
        if self._with_stack:
            parts["stack"] = shorten(_traceback(error, chained=not around), longest)
        self._add_nested(parts, error, (*around, error))
        args = _read(error, "args")
        if isinstance(args, tuple) and "exceptions" not in attributes and not _is_message(args, message):
            attributes["args"] = args
        if "exceptions" in attributes:
            attributes = {name: value for name, value in attributes.items() if name not in ("exceptions", "message")}
        elif "errors" in parts:
            attributes.pop("errors", None)
        if data := self._data(attributes, (*around, error)):
            parts["data"] = data
        return parts

    def _add_nested(self, parts: Parts, error: BaseException, around: tuple[BaseException, ...]) -> None:
        cause = _read(error, "__cause__")
        if cause is None and not _read(error, "__suppress_context__"):
            cause = _read(error, "__context__")
        if isinstance(cause, BaseException) and self._may_describe(cause, around):
            parts["cause"] = self.of(cause, around)
        for name in ("exceptions", "errors"):
            group = _read(error, name)
            if isinstance(group, list | tuple) and group and all(isinstance(one, BaseException) for one in group):
                parts["errors"] = [self.of(one, around) for one in group if self._may_describe(one, around)]
                return

    def _may_describe(self, error: BaseException, around: tuple[BaseException, ...]) -> bool:
        is_within_itself = any(one is error for one in around)
        return len(around) <= MAX_DEPTH and self._errors < MAX_ERRORS and not is_within_itself

    def _data(self, attributes: dict[str, Any], around: tuple[BaseException, ...]) -> dict[str, Any]:
        data = {}
        for name, value in list(attributes.items())[:MAX_FIELDS]:
            if any(value is one for one in around):
                continue
            try:
                if _is_large(value):
                    continue
                wire = to_wire(value)
                size = len(encode({name: wire}))
                if _levels(wire) > _MAX_LEVELS or self._data_bytes + size > MAX_DATA_BYTES:
                    continue
            except Exception:  # it cannot be sent, or a property or __str__ of a user's object raised
                continue
            self._data_bytes += size
            data[name] = wire
        return data


def _attributes(error: BaseException) -> Iterator[tuple[str, Any]]:
    """Yields the public attributes of an exception: those set on it, and those of a built-in class, such as errno."""
    own = _read(error, "__dict__")
    if isinstance(own, dict):
        yield from ((name, own[name]) for name in list(own) if isinstance(name, str) and not name.startswith("_"))
    for kind in type(error).__mro__:
        if kind is BaseException:
            break
        for name, member in vars(kind).items():
            if isinstance(member, GetSetDescriptorType | MemberDescriptorType) and not name.startswith("_"):
                value = _read(error, name)
                if value is not None:
                    yield name, value


def _read(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # a property of a user's class raised
        return None


def _is_message(args: tuple[Any, ...], message: str) -> bool:
    """Whether there is no more in ``args`` than the message."""
    return not args or (len(args) == 1 and isinstance(args[0], str) and args[0] == message)


def _is_large(value: Any) -> bool:
    """Whether a value is certain to be too large, which is known before it is copied."""
    size = getattr(value, "nbytes", None)  # numpy's arrays, and memoryview
    if not isinstance(size, int):
        size = len(value) if isinstance(value, Sized) else 0
    return size > MAX_DATA_BYTES


def _code(value: Any) -> str | int | None:
    if isinstance(value, str) and len(value) <= MAX_NAME:
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64:
        return int(value)
    return None


def message_of(error: BaseException) -> str:
    """Returns the message, or what stands for one that cannot be read."""
    try:
        return str(error)
    except Exception:
        return "(its message cannot be read)"


def _traceback(error: BaseException, chained: bool) -> str:
    import traceback  # takes 4 ms, which a worker need not spend before its first call

    # The first frame is the executor's and means nothing to the caller.
    frames = error.__traceback__
    frames = ((frames and frames.tb_next) or frames) if chained else frames
    try:
        text = "".join(traceback.format_exception(type(error), error, frames, chain=chained)).rstrip("\n")
    except Exception:  # its message or an attribute cannot be read
        text = "".join(traceback.format_tb(frames)) + type(error).__name__
    return text if text.startswith("Traceback") else f"Traceback (most recent call last):\n{text}"


def shorten(text: str, longest: int) -> str:
    """Leaves out the middle of a text of more than `longest` characters."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}\n[...]\n{text[-half:]}"


def _levels(value: Any) -> int:
    level, count = [value], 0
    while containers := [item for item in level if isinstance(item, list | dict)]:
        level = [item for one in containers for item in (one.values() if isinstance(one, dict) else one)]
        count += 1
    return count
