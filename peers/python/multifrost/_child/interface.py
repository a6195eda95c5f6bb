"""Describes a worker's methods: parameters, types and documentation, from signatures, type hints and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .type_hints import TypeHints, resolved

Described = dict[str, Any]


def describe(methods: Mapping[str, Callable[..., Any]]) -> Described:
    """Describes these methods. What cannot be determined is left out; nothing is raised."""
    types = TypeHints()
    functions = {name: _function(method, types) for name, method in methods.items()}
    described = {"language": "python", "functions": functions}
    if types.records:
        described["types"] = {name: {"fields": types.records[name]} for name in sorted(types.records)}
    return described


def _function(method: Callable[..., Any], types: TypeHints) -> Described:
    described: Described = {"parameters": []}
    hints = resolved(method)
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        parameters = [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
    for parameter in parameters:
        # Arguments are passed by position, so keyword-only parameters cannot be set.
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            described["parameters"].append(_parameter(parameter, hints, types))
    if "return" in hints and (returns := types.describe(hints["return"])) is not None:
        described["returns"] = returns
    if doc := inspect.getdoc(method):
        described["doc"] = " ".join(doc.split("\n\n")[0].split())
    return described


def _parameter(parameter: inspect.Parameter, hints: Mapping[str, Any], types: TypeHints) -> Described:
    described: Described = {"name": parameter.name}
    if parameter.name in hints and (kind := types.describe(hints[parameter.name])) is not None:
        described["type"] = kind
    if parameter.kind is parameter.VAR_POSITIONAL:
        described["rest"] = True
    elif parameter.default is not parameter.empty:
        described["optional"] = True
    return described
