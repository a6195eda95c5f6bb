"""What the values of options may be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import NamedTuple

LONGEST_SERVICE_ID = 255
_CONTROL = frozenset(map(chr, [*range(32), *range(127, 160)]))


class Rule(NamedTuple):
    """What a value must be, in words, and whether one is."""

    wanted: str
    accepts: Callable[[object], bool]

    def wrong(self, name: str, value: object) -> str | None:
        """Returns what is wrong with the value of the option `name`; None if nothing is."""
        if self.accepts(value):
            return None
        given = repr(value)
        return f"{name} must be {self.wanted}, not {given if len(given) <= 100 else given[:99] + '…'}."


def is_number(value: object) -> bool:
    """Whether a value is a number that can be compared: NaN and booleans are not."""
    return isinstance(value, Real) and not isinstance(value, bool) and value == value


def is_whole(value: object) -> bool:
    """Whether a value is a whole number. numpy's count, booleans do not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def seconds(least: float) -> Rule:
    """A number of seconds of at least so many; infinity is one."""
    return Rule(f"a number of seconds, at least {least:g}", lambda value: is_number(value) and value >= least)  # type: ignore[operator]


def count(least: int) -> Rule:
    """A whole number of at least so many."""
    return Rule(f"a whole number of at least {least}", lambda value: is_whole(value) and value >= least)  # type: ignore[operator]


def or_none(rule: Rule, meaning: str = "None") -> Rule:
    """What the rule accepts, or None."""
    return Rule(f"{rule.wanted}, or {meaning}", lambda value: value is None or rule.accepts(value))


def _is_texts(value: object) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return is_list and all(isinstance(item, str) for item in value)  # type: ignore[attr-defined]


def _is_text_map(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for pair in value.items() for item in pair)


ABOVE_ZERO = Rule("a number of seconds above 0", lambda value: is_number(value) and value > 0)  # type: ignore[operator]
BOOLEAN = Rule("True or False", lambda value: isinstance(value, bool))
TEXT = Rule("a text that is not empty", lambda value: isinstance(value, str) and value != "")
TEXTS = Rule("a list of texts", _is_texts)
TEXT_MAP = Rule("a dict of texts", _is_text_map)
FUNCTION = Rule("a function", callable)
PATH = Rule("a path that is not empty", lambda value: isinstance(value, str | os.PathLike) and os.fspath(value) != "")
SERVICE_ID = Rule(
    f"a text of 1 to {LONGEST_SERVICE_ID} characters without control characters",
    lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_SERVICE_ID and not _CONTROL.intersection(value),
)


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Says that there is no such option, and which is the nearest."""
    import difflib  # takes 2 ms, which only a wrong name costs

    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"There is no option '{name}'.{hint} The options are: {', '.join(names)}."
