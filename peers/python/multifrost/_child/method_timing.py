"""Measures which methods are quick enough to run in the thread that reads the socket."""

from __future__ import annotations

QUICK_LIMIT = 0.001
"""Longest run of a quick method, in seconds."""

RUNS_UNTIL_QUICK = 32
"""Quick runs in a row after which a method that was slow counts as quick again."""


class MethodTiming:
    """Every method counts as quick until one of its runs is slow."""

    def __init__(self) -> None:
        self._runs_left: dict[str, int] = {}

    def is_quick(self, name: str) -> bool:
        return name not in self._runs_left

    def mark_slow(self, name: str) -> None:
        self._runs_left[name] = RUNS_UNTIL_QUICK

    def record(self, name: str, seconds: float) -> None:
        """Records how long a run took, in seconds."""
        left = self._runs_left.get(name)
        if seconds > QUICK_LIMIT:
            self.mark_slow(name)
        elif left is not None:
            if left > 1:
                self._runs_left[name] = left - 1
            else:
                self._runs_left.pop(name, None)
