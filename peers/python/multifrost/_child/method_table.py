"""The methods of a worker that can be called, and why other names are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from ..errors import CallError

INTROSPECTION_NAMES = frozenset({"listFunctions", "list_functions", "ListFunctions"})
"""What parents call to list the methods: in JavaScript and Rust, in Python, and in Go."""

CO_COROUTINE = 0x80
"""The flag of the code of ``async def`` functions, as `inspect` has it. Importing that takes 5 ms."""

CLASS_OPTIONS = ("app", "limits", "threads", "transport", "allow_remote_shutdown")
"""Options of workers that are read from the class. A subclass may have a method of such a name instead."""


class Method(NamedTuple):
    """A method that parents can call."""

    function: Callable[..., Any]
    """The bound method."""
    is_async: bool
    """Whether it is an ``async def`` method. Another one may return an awaitable, too: a decorated one, for example."""


class MethodTable:
    """The methods of one worker that parents can call.

    These are the public methods of the classes between the worker's class and `base`. Methods that `base` defines
    (`run`, `stop`, ...) are never callable, even if a subclass overrides them.
    """

    def __init__(self, worker: object, base: type) -> None:
        self._worker = worker
        self._members: dict[str, Any] = {}
        order = type(worker).__mro__
        for cls in reversed(order[: order.index(base)]):
            self._members.update(vars(cls))
        overriding = {name for name in CLASS_OPTIONS if callable(self._members.get(name))}
        self._hidden = frozenset(dir(base)) - overriding
        # Bound and looked at once, so that a call costs one dictionary access.
        self._callable: dict[str, Method] = {
            name: _method(getattr(worker, name))
            for name, member in self._members.items()
            if self._is_callable(name, member)
        }
        self.get = self._callable.get
        """Returns the method of a name, None if it cannot be called: `find` says why."""

    def names(self) -> list[str]:
        """Returns the names that can be called, sorted."""
        return sorted(self._callable)

    @property
    def has_async(self) -> bool:
        """Whether any method is ``async def``."""
        return any(method.is_async for method in self._callable.values())

    @cached_property
    def interface(self) -> dict[str, Any]:
        """The methods' parameters, types and the first paragraph of their documentation."""
        from .interface import describe  # takes 10 ms, which a worker need not spend before its first call

        return describe({name: self._callable[name].function for name in self.names()})

    def find(self, name: str) -> Method:
        """Returns the method of this name.

        Raises:
            CallError: ``MISSING_FUNCTION``, ``PRIVATE_METHOD``, ``NOT_CALLABLE`` or ``FUNCTION_NOT_FOUND``.
        """
        method = self._callable.get(name)
        if method is not None:
            return method
        if not name:
            raise CallError("MISSING_FUNCTION", "Message missing 'function' field")
        if name.startswith("_"):
            raise CallError("PRIVATE_METHOD", f"Cannot call private method '{name}'")
        if name not in self._hidden and (name in self._members or name in vars(self._worker)):
            raise CallError("NOT_CALLABLE", f"'{name}' is not callable")
        import difflib

        # Long names are not compared: they come from a peer, and the comparison takes quadratic time.
        near = difflib.get_close_matches(name, self._callable, n=1, cutoff=0.75) if len(name) <= 64 else []
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise CallError("FUNCTION_NOT_FOUND", f"Function '{name}' not found{hint}")

    def _is_callable(self, name: str, member: object) -> bool:
        if name.startswith("_") or name in self._hidden or isinstance(member, type):
            return False
        return callable(member) or isinstance(member, staticmethod | classmethod)


def _method(function: Callable[..., Any]) -> Method:
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return Method(function, bool(code and code.co_flags & CO_COROUTINE))
