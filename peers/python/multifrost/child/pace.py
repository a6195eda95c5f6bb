"""Which methods are quick enough to run in the thread that reads the socket."""

from __future__ import annotations

QUICK = 0.001
"""Longest run of a quick method, in seconds."""

PROBATION = 32
"""Quick runs in a row, in threads of their own, until a method that was slow counts as quick again."""


class Pace:
    """Every method is taken for quick until it was slow."""

    def __init__(self) -> None:
        self._runs_left: dict[str, int] = {}

    def is_quick(self, name: str) -> bool:
        return name not in self._runs_left

    def was_slow(self, name: str) -> None:
        self._runs_left[name] = PROBATION

    def took(self, name: str, seconds: float) -> None:
        """Notes how long a run took."""
        left = self._runs_left.get(name)
        if seconds > QUICK:
            self.was_slow(name)
        elif left is not None:
            if left > 1:
                self._runs_left[name] = left - 1
            else:
                self._runs_left.pop(name, None)
