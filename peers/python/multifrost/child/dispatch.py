"""Which method a name means, and which names are refused."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ..errors import CallError
from .interface import describe

INTROSPECTION = frozenset({"listFunctions", "list_functions", "ListFunctions"})


class Methods:
    """The methods of one worker that can be called from outside.

    These are the public ones of the classes between the worker's own class and `base`. What `base` defines
    (`run`, `stop`, ...) is never among them, also not when a subclass overrides it.
    """

    def __init__(self, worker: object, base: type) -> None:
        self._worker = worker
        self._members: dict[str, Any] = {}
        order = type(worker).__mro__
        for cls in reversed(order[: order.index(base)]):
            self._members.update(vars(cls))
        self._hidden = frozenset(dir(base))
        # Looked up once; a call then costs one dictionary access.
        self._callable: dict[str, Callable[..., Any]] = {
            name: getattr(worker, name) for name, member in self._members.items() if self._offered(name, member)
        }

    def names(self) -> list[str]:
        """What can be called, sorted."""
        return sorted(self._callable)

    @cached_property
    def interface(self) -> dict[str, Any]:
        """What is known of the methods: parameters, types and first words of their documentation."""
        return describe({name: self._callable[name] for name in self.names()})

    def find(self, name: str) -> Callable[..., Any]:
        """The method of this name; raises `CallError` for one that cannot be called."""
        method = self._callable.get(name)
        if method is not None:
            return method
        if not name:
            raise CallError("MISSING_FUNCTION", "Message missing 'function' field")
        if name.startswith("_"):
            raise CallError("PRIVATE_METHOD", f"Cannot call private method '{name}'")
        if name not in self._hidden and (name in self._members or name in vars(self._worker)):
            raise CallError("NOT_CALLABLE", f"'{name}' is not callable")
        # Long names are not compared: they come from a peer, and comparing takes the square of the length.
        near = difflib.get_close_matches(name, self._callable, n=1, cutoff=0.75) if len(name) <= 64 else []
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise CallError("FUNCTION_NOT_FOUND", f"Function '{name}' not found{hint}")

    def _offered(self, name: str, member: object) -> bool:
        if name.startswith("_") or name in self._hidden or inspect.isclass(member):
            return False
        return callable(member) or isinstance(member, staticmethod | classmethod)
