"""What a parent can be told, with the default of each. All times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import MultifrostError
from ..registry import Registry

LineHandler = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `ParentWorker.spawn` and `ParentWorker.connect`."""

    name: str | None = None
    """What the worker is called in messages. Default: the script's file name, or the service id."""

    default_timeout: float | None = None
    """How long a call may take, unless it says otherwise."""

    auto_restart: bool = False
    """Start the process again after an unexpected exit, or when heartbeats are lost."""

    max_restart_attempts: int = 5
    """Restarts before giving up; also the failures in a row that open the circuit breaker."""

    heartbeat_interval: float = 5.0
    """From one heartbeat to the next; 0 switches all but the first off."""

    heartbeat_timeout: float = 3.0
    """How long a heartbeat may stay unanswered."""

    heartbeat_max_misses: int = 3
    """Heartbeats missed in a row that open the circuit breaker."""

    circuit_reset_timeout: float = 1.0
    """From open to the first trial call; doubles each time the trial fails, up to 30."""

    restart_backoff: float = 0.1
    """The largest first delay before a restart or reconnect; doubles up to 5."""

    restart_window: float = 30.0
    """How long a worker stays healthy until it gets its restarts back."""

    start_timeout: float = 30.0
    """How long the worker may take to become reachable. For `connect` its own `timeout` is in its place."""

    stop_timeout: float = 5.0
    """How long `stop` lets calls in flight finish."""

    max_pending: int = 250_000
    """Calls waiting for an answer; beyond, `OverloadError`."""

    namespace: str = "default"
    """The namespace of calls that name none."""

    client_name: str | None = None
    """Sent with each call, for the worker's logs."""

    is_failure: Callable[[BaseException], bool] | None = None
    """Which errors count against the worker in the circuit breaker; asked only about those that do by default."""

    on_stdout: LineHandler | None = None
    """Gets each line that the worker prints. Default: it is printed here, with the worker's name in front."""

    on_stderr: LineHandler | None = None
    """The same for stderr."""

    args: Sequence[str] = ()
    """Arguments after the script."""

    cwd: str | Path | None = None
    """The worker's working directory, which a relative script path starts from too. Default: this process's."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Variables added to the worker's environment, which is this process's otherwise."""

    registry: Registry = field(default_factory=Registry)
    """Where services are looked up."""

    def __post_init__(self) -> None:
        least = {"heartbeat_interval": 0, "stop_timeout": 0, "restart_backoff": 0, "circuit_reset_timeout": 0}
        least |= {"max_restart_attempts": 1, "heartbeat_max_misses": 1, "max_pending": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise _invalid(name, f"a number of at least {bound}", getattr(self, name))
        for name in ("heartbeat_timeout", "start_timeout"):
            if getattr(self, name) <= 0:
                raise _invalid(name, "a number of seconds above 0", getattr(self, name))
        check_timeout("default_timeout", self.default_timeout)


DEFAULT: Any = object()
"""Stands for a timeout that is not given, as None means that there is none."""


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """Options of one call, or of a chain of calls: see `ParentWorker.with_options`."""

    timeout: float | None = DEFAULT
    """In seconds; None for no limit. Default: the worker's `default_timeout`."""

    namespace: str | None = None
    """Default: the worker's."""

    client_name: str | None = None
    """Default: the worker's."""


def make_options(given: Mapping[str, Any]) -> Options:
    """Raises `MultifrostError` ``INVALID_OPTION`` for a name or a value that cannot be."""
    known = {one.name for one in fields(Options)}
    for name in given:
        if name not in known:
            raise MultifrostError(
                "INVALID_OPTION", f"There is no option '{name}'. There are: {', '.join(sorted(known))}."
            )
    return Options(**given)


def check_timeout(name: str, timeout: float | None) -> None:
    """Raises ``INVALID_OPTION`` for a timeout that is not above 0."""
    if timeout is not None and not timeout > 0:
        raise _invalid(name, "a number of seconds above 0; None for no limit", timeout)


def _invalid(name: str, wanted: str, given: object) -> MultifrostError:
    return MultifrostError("INVALID_OPTION", f"{name} must be {wanted}, not {given!r}.")
