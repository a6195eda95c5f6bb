"""ParentWorker options, and the options of one call. All times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .._limits import DEFAULT_LIMITS, Limits, wrong_limit
from .._messages import APP
from .._registry import Registry
from .._transport_choice import chosen_transport
from ..errors import MultifrostError

LineHandler = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `ParentWorker.spawn` and `ParentWorker.connect`. All times are in seconds.

    Raises:
        MultifrostError: ``INVALID_OPTION`` for an invalid value.
    """

    name: str | None = None
    """The worker's name in error messages and printed lines. Default: the script's file name, or the service id."""

    default_timeout: float | None = None
    """How long a call may take, in seconds. Default: no limit."""

    auto_restart: bool = False
    """Restart the process after an unexpected exit, or when it is stalled for `stall_timeout`. Default: False."""

    max_restart_attempts: int = 5
    """Restarts in a row before giving up; also the failures in a row that open the circuit. Exits, lost connections and
    timeouts count against the worker; what a method raises counts against this method alone. Default: 5."""

    heartbeat_interval: float = 5.0
    """From one heartbeat to the next, in seconds; 0 sends only the first. Default: 5."""

    heartbeat_timeout: float = 3.0
    """How long a heartbeat may stay unanswered, in seconds. Default: 3."""

    heartbeat_max_misses: int = 3
    """Missed heartbeats in a row after which the state is ``stalled``. Default: 3."""

    stall_timeout: float = 60.0
    """How long a worker that is connected may leave heartbeats unanswered, in seconds. Then the circuit opens, and
    `auto_restart` kills and restarts it. Counted in whole intervals; time in which this process did not run does not
    count. 0: as soon as it is stalled; `math.inf`: never. Default: 60."""

    circuit_reset_timeout: float = 1.0
    """From open to the first trial call, in seconds; doubles when the trial fails, up to 30. Default: 1."""

    restart_backoff: float = 0.1
    """Longest delay before the first restart or reconnect, in seconds; doubles up to 5. Default: 0.1."""

    restart_window: float = 30.0
    """How long a worker must run until its restarts are counted from zero again, in seconds. Default: 30."""

    start_timeout: float = 30.0
    """How long the worker may take to start, in seconds. Default: 30; for `connect` its argument `timeout`."""

    stop_timeout: float = 5.0
    """How long `stop` waits for calls in flight, in seconds. Default: 5."""

    max_pending: int = 250_000
    """Calls that wait for an answer at once; more raise `OverloadError`. Default: 250,000."""

    namespace: str = "default"
    """The namespace of calls without their own. Default: ``default``."""

    client_name: str | None = None
    """Sent with each call. Default: None, nothing is sent."""

    is_failure: Callable[[BaseException], bool] | None = None
    """Decides which errors count as failures for the circuit breaker. It is only asked about errors that count by
    default; the caller's mistakes never do. Default: all of them count."""

    on_stdout: LineHandler | None = None
    """Called with each line of the worker's stdout. Default: the line is printed with the worker's name in front."""

    on_stderr: LineHandler | None = None
    """Called with each line of the worker's stderr. Default: as for `on_stdout`."""

    args: Sequence[str] = ()
    """Arguments after the script. Default: none."""

    cwd: str | Path | None = None
    """The worker's working directory; a relative script path starts there too. Default: this process's."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Variables added to the environment that the worker inherits. Default: none."""

    registry: Registry = field(default_factory=Registry)
    """The registry that services are looked up in. Default: the one in the user's home folder."""

    app: str = APP
    """The app id of all messages, which the worker must have too. ``comlink_ipc_v4`` has the same wire format. Default:
    ``comlink_ipc_v3``."""

    limits: Limits = DEFAULT_LIMITS
    """What messages and the values in them may have: see `Limits`. Default: the protocol's limits."""

    transport: str = "auto"
    """``zmtp``, ``zeromq`` (needs the extra ``multifrost[zeromq]``; libzmq cannot tell the worker from others that
    connect to its port), or ``auto``: the environment variable ``MULTIFROST_TRANSPORT``, else ``zmtp``. Both speak the
    same protocol. Default: ``auto``."""

    @property
    def chosen_transport(self) -> str:
        """``zmtp`` or ``zeromq``."""
        return chosen_transport(self.transport)

    def __post_init__(self) -> None:
        least = {"heartbeat_interval": 0, "stop_timeout": 0, "restart_backoff": 0, "circuit_reset_timeout": 0}
        least |= {"max_restart_attempts": 1, "heartbeat_max_misses": 1, "max_pending": 1, "stall_timeout": 0}
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise _invalid(name, f"a number of at least {bound}", getattr(self, name))
        for name in ("heartbeat_timeout", "start_timeout"):
            if getattr(self, name) <= 0:
                raise _invalid(name, "a number of seconds above 0", getattr(self, name))
        if not isinstance(self.app, str) or not self.app:
            raise _invalid("app", "a text that is not empty", self.app)
        try:
            chosen_transport(self.transport)
        except ValueError as error:
            raise MultifrostError("INVALID_OPTION", str(error)) from None
        check_timeout("default_timeout", self.default_timeout)
        if (wrong := wrong_limit(self.limits)) is not None:
            raise MultifrostError("INVALID_OPTION", wrong)


DEFAULT: Any = object()
"""Marks a timeout that is not given. None means no limit."""


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """Options of calls: see `ParentWorker.with_options`."""

    timeout: float | None = DEFAULT
    """How long a call may take, in seconds; None for no limit. Default: the option `default_timeout`."""

    namespace: str | None = None
    """Default: the option `namespace`."""

    client_name: str | None = None
    """Default: the option `client_name`."""


def make_options(given: Mapping[str, Any]) -> Options:
    """Checks options given by name.

    Raises:
        MultifrostError: ``INVALID_OPTION`` for an unknown name or an invalid value.
    """
    known = {one.name for one in fields(Options)}
    for name in given:
        if name not in known:
            raise MultifrostError(
                "INVALID_OPTION", f"There is no option '{name}'. The options are: {', '.join(sorted(known))}."
            )
    return Options(**given)


def check_timeout(name: str, timeout: float | None) -> None:
    """Checks a timeout.

    Raises:
        MultifrostError: ``INVALID_OPTION`` if it is not above 0.
    """
    if timeout is not None and not timeout > 0:
        raise _invalid(name, "a number of seconds above 0; None for no limit", timeout)


def _invalid(name: str, wanted: str, given: object) -> MultifrostError:
    return MultifrostError("INVALID_OPTION", f"{name} must be {wanted}, not {given!r}.")
