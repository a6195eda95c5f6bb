"""The circuits of methods that raise, and when a worker counts as lost."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from multifrost._parent.circuit_breaker import CircuitState, Ticket
from multifrost._parent.heartbeats import Rules
from multifrost._parent.method_circuits import MOST_METHODS, MethodCircuits
from multifrost._remote_failure import read_remote_failure

TEXT = "This worker is stopping and takes no more calls"


def ticket_of(methods: MethodCircuits, name: str) -> Ticket | None:
    admitted = methods.admit(name)
    assert not isinstance(admitted, datetime)
    return admitted


def test_a_method_that_fails_leaves_others_callable() -> None:
    changes: list[CircuitState] = []
    methods = MethodCircuits(2, 0.0, changes.append)
    for _ in range(2):
        methods.failure("parse", ticket_of(methods, "parse"))
        methods.success("add", ticket_of(methods, "add"))
    assert changes == ["open"] and len(methods) == 1
    trial = ticket_of(methods, "parse")  # due at once
    assert methods.is_trial("parse", trial) and isinstance(methods.admit("parse"), datetime)
    methods.failure("parse", None)  # a call from before it opened
    methods.ignored("parse", trial)
    methods.success("parse", ticket_of(methods, "parse"))
    assert changes[-1] == "closed" and len(methods) == 0
    methods.failure("parse", None)
    methods.close()
    assert len(methods) == 0 and methods.state("parse") == "closed"


def test_failing_methods_are_bounded() -> None:
    methods = MethodCircuits(1, 60.0, lambda _: None)
    for number in range(MOST_METHODS + 10):
        methods.failure(str(number), None)
    assert len(methods) == MOST_METHODS
    assert (methods.state("0"), methods.state(str(MOST_METHODS))) == ("closed", "open")


@pytest.mark.parametrize(("stall_timeout", "misses"), [(60.0, 12), (0, 3), (15.0, 3), (15.1, 4), (math.inf, math.inf)])
def test_a_worker_is_stalled_before_it_is_lost(stall_timeout: float, misses: float) -> None:
    assert Rules(5.0, 3.0, 3, stall_timeout).lost_after == misses  # 40 s are 8 misses


@pytest.mark.parametrize(
    ("parts", "refusal"),
    [
        ({"name": "RefusedCall", "message": TEXT, "code": "STOPPING"}, "STOPPING"),
        ({"name": "NotRunningError", "message": TEXT}, "STOPPING"),
        ({"name": "CallError", "message": TEXT, "code": "NOT_RUNNING"}, "STOPPING"),
        (None, "STOPPING"),
        ({"name": "Error", "message": TEXT}, None),
        ({"name": "Error", "message": TEXT, "code": "E"}, None),
        ({"name": "Error", "message": "other", "code": "STOPPING"}, None),
    ],
)
def test_a_stopping_worker_is_recognised_also_where_it_is_older(
    parts: dict[str, str] | None, refusal: str | None
) -> None:
    metadata = {} if parts is None else {"metadata": {"error": parts}}
    assert read_remote_failure({"type": "error", "error": TEXT, **metadata}).refusal == refusal
