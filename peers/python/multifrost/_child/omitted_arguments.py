"""Fills in the arguments that a caller did not give, although it gave later ones: JavaScript's ``undefined``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .._codec import UNDEFINED, PartialArgs


def with_defaults(function: Callable[..., Any], args: PartialArgs) -> list[Any]:
    """Returns the arguments with the parameters' defaults in place of those that were not given.

    Where a parameter has no default, and among the values of ``*args``, it is None. Beyond the parameters, arguments at
    the end that were not given are left out.
    """
    defaults = _defaults(function)
    given = list(args)
    while len(given) > len(defaults) and given[-1] is UNDEFINED:
        given.pop()
    defaults += [None] * (len(given) - len(defaults))
    return [default if value is UNDEFINED else value for value, default in zip(given, defaults, strict=False)]


def _defaults(function: Callable[..., Any]) -> list[Any]:
    """Returns the defaults of the parameters that can be given by position; None for one without a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function in C may not say
        return []
    by_position = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return [None if one.default is one.empty else one.default for one in by_position]
