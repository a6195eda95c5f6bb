"""`worker.call.add(1, 2)`: the worker's methods as functions of this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from .options import DEFAULT, CallOptions

Result = TypeVar("Result")

MakeCall = Callable[[str, Sequence[Any], CallOptions], Result]


class Calls(Generic[Result]):
    """Every attribute is a method of the worker, whatever its name: what there is, the worker knows.

    Names that begin with ``_``, and `with_options`, are the exception; `call_function` reaches those.
    """

    def __init__(self, make_call: MakeCall[Result], options: CallOptions) -> None:
        self._make_call = make_call
        self._options = options

    def __getattr__(self, name: str) -> Callable[..., Result]:
        if name.startswith("_"):  # asked for by copy, pickle, IPython and the like, on anything at all
            raise AttributeError(name)

        def call(*args: Any) -> Result:
            return self._make_call(name, args, self._options)

        call.__name__ = name
        return call

    def with_options(
        self, *, timeout: float | None = DEFAULT, namespace: str | None = None, client_name: str | None = None
    ) -> Calls[Result]:
        """The same methods with these options. Nothing is shared: other chains keep their own."""
        return Calls(self._make_call, CallOptions(timeout=timeout, namespace=namespace, client_name=client_name))
