"""The circuit breaker: stops calls to a worker that keeps failing, and finds out when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Literal

State = Literal["closed", "open", "half-open"]

LONGEST_RESET = 30.0
"""Longest time from open to half-open, in seconds."""


class Ticket:
    """Handed out with each call that is let through, and back with its outcome: late outcomes are told apart by it."""


class Breaker:
    """closed → open after `threshold` failures in a row → half-open after `reset` seconds, for one call.

    That one's success closes the circuit; its failure opens it for twice as long. Time is asked for, never waited for.
    """

    def __init__(self, threshold: int, reset: float, on_change: Callable[[State], None]) -> None:
        self._threshold = threshold
        self._first_reset = reset
        self._on_change = on_change
        self._open_for = reset
        self._open_until: float | None = None
        """When the next trial is due; None while closed."""
        self._failures = 0
        self._ticket = Ticket()
        """The one of all calls while closed, so that it costs a call nothing."""
        self._trial: Ticket | None = None

    @property
    def state(self) -> State:
        if self._open_until is None:
            return "closed"
        return "half-open" if time.monotonic() >= self._open_until else "open"

    @property
    def retry_at(self) -> datetime:
        """When the next trial may go out."""
        wait = max(0.0, (self._open_until or 0.0) - time.monotonic())
        return datetime.now(timezone.utc) + timedelta(seconds=wait)

    def admit(self) -> Ticket | None:
        """A ticket for one call, or None when it may not go out."""
        state = self.state
        if state == "closed":
            return self._ticket
        if state == "open" or self._trial is not None:
            return None
        self._trial = Ticket()
        self._on_change("half-open")
        return self._trial

    def is_trial(self, ticket: Ticket) -> bool:
        """Whether no other call goes out until this one has ended."""
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
        """The call says nothing about the worker; where it was the trial, the next one is."""
        if ticket is self._trial:
            self._trial = None

    def trip(self) -> None:
        """Opens the circuit, whatever was counted."""
        if self.state == "closed":
            self._open(self._first_reset)
        elif self.state == "half-open":
            self._open(self._open_for * 2)

    def close(self) -> None:
        """The worker is well."""
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
