"""Which method a call means, and which calls are refused."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from .codec import MAX_DEPTH, too_deep
from .errors import CallError

LIST_FUNCTIONS = frozenset({"listFunctions", "list_functions", "ListFunctions"})


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

    def find(self, message: dict[str, Any], namespace: str) -> tuple[Callable[..., Any], list[Any]]:
        """The method and the arguments that a call names; raises `CallError` for the caller's own mistakes."""
        asked = message.get("namespace")
        if asked is not None and asked != namespace:
            raise CallError("WRONG_NAMESPACE", f"No namespace '{asked}' here; this worker's is '{namespace}'")
        name = message.get("function")
        if not isinstance(name, str) or not name:
            raise CallError("MISSING_FUNCTION", "Message missing 'function' field")
        args = message.get("args")
        if args is None:
            args = []
        if not isinstance(args, list):
            raise CallError("MALFORMED_MESSAGE", f"'args' of '{name}' must be an array")
        if too_deep(args):
            raise CallError("LIMIT_EXCEEDED", f"'args' of '{name}' nest deeper than {MAX_DEPTH} levels")
        if name in LIST_FUNCTIONS:
            return self.names, []
        return self._method(name), args

    def _method(self, name: str) -> Callable[..., Any]:
        method = self._callable.get(name)
        if method is not None:
            return method
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
