"""`worker.call.add(1, 2)`: the worker's methods as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from .options import DEFAULT, CallOptions

Result = TypeVar("Result")

MakeCall = Callable[[str, Sequence[Any], CallOptions], Result]


class CallProxy(Generic[Result]):
    """Every attribute is a method of the worker. Only the worker knows which methods exist.

    The exceptions are `with_options` and names that begin with ``_``: call those with `ParentWorker.call_function`.
    """

    def __init__(self, make_call: MakeCall[Result], options: CallOptions) -> None:
        self._make_call = make_call
        self._options = options

    def __getattr__(self, name: str) -> Callable[..., Result]:
        if name.startswith("_"):  # copy, pickle and IPython look up such names on every object
            raise AttributeError(name)

        def call(*args: Any) -> Result:
            return self._make_call(name, args, self._options)

        call.__name__ = name
        return call

    def with_options(
        self, *, timeout: float | None = DEFAULT, namespace: str | None = None, client_name: str | None = None
    ) -> CallProxy[Result]:
        """Returns a proxy with these options; this proxy keeps its own. See `ParentWorker.with_options`."""
        return CallProxy(self._make_call, CallOptions(timeout=timeout, namespace=namespace, client_name=client_name))
