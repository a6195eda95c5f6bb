"""Describes Python type hints in the type language that all peers share."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import inspect
import sys
import types
import typing
from typing import Any

Type = str | dict[str, Any]

_PLAIN: dict[Any, Type] = {
    Any: "any",
    object: "any",
    None: "nil",
    type(None): "nil",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    bytearray: "bytes",
    memoryview: "bytes",
    datetime.datetime: "time",
    list: {"list": "any"},
    tuple: {"list": "any"},
    set: {"list": "any"},
    frozenset: {"list": "any"},
    dict: {"map": "any"},
}
_LISTS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Collection)
_MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_AWAITABLES = (collections.abc.Awaitable, collections.abc.Coroutine)


class TypeHints:
    """Describes type hints, and collects the record types in them: dataclasses and ``TypedDict``."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        """The fields of each record, by its name."""
        self._names: dict[type, str] = {}

    def describe(self, hint: Any) -> Type | None:
        """Describes a hint. Returns None if the shared type language has no such type."""
        try:
            return self._described(hint)
        except Exception:  # a hint may be any object
            return None

    def _described(self, hint: Any) -> Type | None:
        if isinstance(hint, typing.Hashable) and hint in _PLAIN:
            return _PLAIN[hint]
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Annotated:
            return self._described(args[0])
        if origin in (typing.Union, types.UnionType):
            return self._union(args)
        if origin is typing.Literal:
            literals = [_PLAIN[None] if value is None else {"literal": value} for value in args]
            return literals[0] if len(literals) == 1 else {"union": literals}
        if origin is tuple:
            if len(args) == 2 and args[1] is Ellipsis:
                return {"list": self._item(args[0])}
            return {"tuple": [self._item(arg) for arg in args]}
        if origin in _LISTS:
            return {"list": self._item(args[0])}
        if origin in _MAPS:
            return {"map": self._item(args[1])}
        if origin in _AWAITABLES:
            return self._described(args[-1])
        return self._named(origin or hint)

    def _item(self, hint: Any) -> Type:
        # Inside another type the description cannot be left out.
        return self.describe(hint) or "any"

    def _union(self, args: tuple[Any, ...]) -> Type:
        members: list[Type] = []
        for arg in args:
            if (member := self._item(arg)) not in members:
                members.append(member)
        return members[0] if len(members) == 1 else {"union": members}

    def _named(self, cls: Any) -> Type | None:
        if not isinstance(cls, type):
            return None
        if cls.__module__.partition(".")[0] == "numpy":
            return {"ndarray": "bytes", "bool": "bool", "bool_": "bool"}.get(cls.__name__)
        if typing.is_typeddict(cls) or dataclasses.is_dataclass(cls):
            return {"ref": self._record(cls)}
        return None

    def _record(self, cls: type) -> str:
        if cls in self._names:
            return self._names[cls]
        name = cls.__name__
        while name in self.records:  # another class has this name
            name += "_"
        self._names[cls] = name
        self.records[name] = {}  # before its fields, which may refer to it
        hints = resolved(cls)
        for field in sorted(_fields(cls)):
            described = self.describe(hints[field]) if field in hints else None
            self.records[name][field] = {} if described is None else {"type": described}
            if field in _optional(cls):
                self.records[name][field]["optional"] = True
        return name


def _fields(cls: Any) -> list[str]:
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    return [*cls.__required_keys__, *cls.__optional_keys__]


def _optional(cls: Any) -> frozenset[str]:
    return getattr(cls, "__optional_keys__", frozenset())


def resolved(annotated: Any) -> dict[str, Any]:
    """Returns the type hints of a function or class, without those that cannot be resolved."""
    try:
        return typing.get_type_hints(annotated)
    except Exception:
        function = inspect.unwrap(getattr(annotated, "__func__", annotated))
        scope = vars(sys.modules.get(function.__module__, typing))
        hints = {name: _evaluated(hint, scope) for name, hint in getattr(function, "__annotations__", {}).items()}
        return {name: hint for name, hint in hints.items() if hint is not _UNKNOWN}


_UNKNOWN = object()


def _evaluated(hint: Any, scope: dict[str, Any]) -> Any:
    try:
        return typing.get_type_hints(type("_", (), {"__annotations__": {"hint": hint}}), scope)["hint"]
    except Exception:
        return _UNKNOWN
