"""A circuit for each method that fails. What a method raises says nothing about the worker's other methods."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from .circuit_breaker import CircuitBreaker, CircuitState, OnChange, Ticket

MOST_METHODS = 1_000
"""Methods that fail at the same time and are remembered; beyond, the one that failed first is forgotten."""


class MethodCircuits:
    """A `CircuitBreaker` for each method whose latest calls failed. A method that succeeds has none.

    Args:
        threshold: Failures in a row that open a method's circuit.
        reset: From open to the first trial, in seconds.
        on_change: Called with each new state.
    """

    def __init__(self, threshold: int, reset: float, on_change: OnChange) -> None:
        self._new = partial(CircuitBreaker, threshold, reset, on_change)
        self._circuits: dict[str, CircuitBreaker] = {}
        """In the order in which the methods failed first."""

    def __len__(self) -> int:
        return len(self._circuits)

    def state(self, method: str) -> CircuitState:
        circuit = self._circuits.get(method)
        return "closed" if circuit is None else circuit.state

    def admit(self, method: str) -> Ticket | datetime | None:
        """Returns a ticket for one call; None if the method's latest call did not fail.

        A call is refused by the time at which the next trial may go out.
        """
        circuit = self._circuits.get(method)
        return None if circuit is None else circuit.admit() or circuit.retry_at

    def is_trial(self, method: str, ticket: Ticket | None) -> bool:
        """Whether this call is the trial. All other calls of the method are refused until it ends."""
        circuit = self._circuits.get(method)
        return circuit is not None and ticket is not None and circuit.is_trial(ticket)

    def success(self, method: str, ticket: Ticket | None) -> None:
        circuit = self._circuits.get(method)
        if circuit is not None and (own := _ticket_of(circuit, ticket)):
            circuit.success(own)
            if circuit.is_fresh:
                del self._circuits[method]

    def failure(self, method: str, ticket: Ticket | None) -> None:
        """The method raised."""
        circuit = self._circuits.get(method) or self._add(method)
        if own := _ticket_of(circuit, ticket):
            circuit.failure(own)

    def ignored(self, method: str, ticket: Ticket | None) -> None:
        """Ends a call without a verdict on the method."""
        circuit = self._circuits.get(method)
        if circuit is not None and ticket is not None:
            circuit.ignored(ticket)

    def close(self) -> None:
        """Closes every circuit and forgets all failures."""
        circuits, self._circuits = self._circuits, {}
        for circuit in circuits.values():
            circuit.close()

    def _add(self, method: str) -> CircuitBreaker:
        if len(self._circuits) >= MOST_METHODS:
            del self._circuits[next(iter(self._circuits))]
        self._circuits[method] = circuit = self._new()
        return circuit


def _ticket_of(circuit: CircuitBreaker, ticket: Ticket | None) -> Ticket | None:
    # A call that was made before the method began to fail has no ticket: it counts like the others while the circuit is
    # closed, and no longer once it has opened.
    if ticket is None and circuit.state == "closed":
        return circuit.admit()
    return ticket
