"""The circuit breaker: refuses calls to a worker that keeps failing, and tries now and then whether it works again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Literal

CircuitState = Literal["closed", "open", "half-open"]

OnChange = Callable[[CircuitState], None]
"""Called with each new state."""

LONGEST_RESET = 30.0
"""Longest time from open to half-open, in seconds."""


class Ticket:
    """Identifies an admitted call. The result of a call admitted before the last change of state is ignored."""


class CircuitBreaker:
    """closed → open after `threshold` failures in a row → half-open after `reset` seconds, for one trial call.

    The trial's success closes the circuit; its failure opens it for twice as long, up to 30 s. Uses no timers.

    Args:
        threshold: Failures in a row that open the circuit.
        reset: From open to the first trial, in seconds.
        on_change: Called with each new state.
    """

    def __init__(self, threshold: int, reset: float, on_change: OnChange) -> None:
        self._threshold = threshold
        self._first_reset = reset
        self._on_change = on_change
        self._open_for = reset
        self._open_until: float | None = None
        """When the next trial is due; None while closed."""
        self._failures = 0
        self._ticket = Ticket()
        """Shared by all calls while closed, so that a call allocates none."""
        self._trial: Ticket | None = None

    @property
    def state(self) -> CircuitState:
        if self._open_until is None:
            return "closed"
        return "half-open" if time.monotonic() >= self._open_until else "open"

    @property
    def retry_at(self) -> datetime:
        """When the next trial may go out."""
        wait = max(0.0, (self._open_until or 0.0) - time.monotonic())
        return datetime.now(timezone.utc) + timedelta(seconds=wait)

    @property
    def is_fresh(self) -> bool:
        """Whether no failure is remembered."""
        return self._open_until is None and self._failures == 0

    def admit(self) -> Ticket | None:
        """Returns a ticket for one call, or None if it is refused."""
        state = self.state
        if state == "closed":
            return self._ticket
        if state == "open" or self._trial is not None:
            return None
        self._trial = Ticket()
        self._on_change("half-open")
        return self._trial

    def is_trial(self, ticket: Ticket) -> bool:
        """Whether this call is the trial. All other calls are refused until it ends."""
        return ticket is self._trial

    def success(self, ticket: Ticket) -> None:
        if ticket is self._trial:
            self.close()
        elif ticket is self._ticket:
            self._failures = 0

    def failure(self, ticket: Ticket) -> None:
        if ticket is self._trial:
            self._open(self._open_for * 2)
        elif ticket is self._ticket and self._open_until is None:
            self._failures += 1
            if self._failures >= self._threshold:
                self._open(self._first_reset)

    def ignored(self, ticket: Ticket) -> None:
        """Ends a call without a verdict. If it was the trial, the next call becomes the trial."""
        if ticket is self._trial:
            self._trial = None

    def trip(self) -> None:
        """Opens the circuit now."""
        if self.state == "closed":
            self._open(self._first_reset)
        elif self.state == "half-open":
            self._open(self._open_for * 2)

    def close(self) -> None:
        """Closes the circuit now and forgets all failures."""
        was_open = self._open_until is not None
        self._open_until, self._trial, self._failures = None, None, 0
        self._ticket = Ticket()
        if was_open:
            self._on_change("closed")

    def _open(self, seconds: float) -> None:
        self._open_for = min(seconds, max(LONGEST_RESET, self._first_reset))
        self._open_until = time.monotonic() + self._open_for
        self._trial = None
        self._on_change("open")
