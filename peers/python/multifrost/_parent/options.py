"""ParentWorker options, and the options of one call. All times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypedDict

from .._limits import DEFAULT_LIMITS, Limits, wrong_limit
from .._messages import APP
from .._option_rules import (
    ABOVE_ZERO,
    BOOLEAN,
    FUNCTION,
    PATH,
    TEXT,
    TEXT_MAP,
    TEXTS,
    Rule,
    count,
    or_none,
    seconds,
    unknown_name,
)
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
        for name, rule in _RULES.items():
            if (wrong := rule.wrong(name, getattr(self, name))) is not None:
                raise MultifrostError("INVALID_OPTION", wrong)
        try:
            chosen_transport(self.transport)
        except ValueError as error:
            raise MultifrostError("INVALID_OPTION", str(error)) from None
        if (wrong := wrong_limit(self.limits)) is not None:
            raise MultifrostError("INVALID_OPTION", wrong)


_TIMEOUT = or_none(ABOVE_ZERO, "None for no limit")

_RULES: dict[str, Rule] = {
    "name": or_none(TEXT),
    "default_timeout": _TIMEOUT,
    "auto_restart": BOOLEAN,
    "max_restart_attempts": count(1),
    "heartbeat_interval": seconds(0),
    "heartbeat_timeout": ABOVE_ZERO,
    "heartbeat_max_misses": count(1),
    "stall_timeout": seconds(0),
    "circuit_reset_timeout": seconds(0),
    "restart_backoff": seconds(0),
    "restart_window": seconds(0),
    "start_timeout": ABOVE_ZERO,
    "stop_timeout": seconds(0),
    "max_pending": count(1),
    "namespace": TEXT,
    "client_name": or_none(TEXT),
    "is_failure": or_none(FUNCTION),
    "on_stdout": or_none(FUNCTION),
    "on_stderr": or_none(FUNCTION),
    "args": TEXTS,
    "cwd": or_none(PATH),
    "env": TEXT_MAP,
    "registry": Rule("a multifrost.Registry", lambda value: isinstance(value, Registry)),
    "app": TEXT,
    # `transport` and `limits` have checks that say more.
    "transport": TEXT,
}
"""What the options may be."""


class GivenOptions(TypedDict, total=False):
    """`Options`, as arguments given by name. All times are in seconds."""

    name: str | None
    default_timeout: float | None
    auto_restart: bool
    max_restart_attempts: int
    heartbeat_interval: float
    heartbeat_timeout: float
    heartbeat_max_misses: int
    stall_timeout: float
    circuit_reset_timeout: float
    restart_backoff: float
    restart_window: float
    start_timeout: float
    stop_timeout: float
    max_pending: int
    namespace: str
    client_name: str | None
    is_failure: Callable[[BaseException], bool] | None
    on_stdout: LineHandler | None
    on_stderr: LineHandler | None
    args: Sequence[str]
    cwd: str | Path | None
    env: Mapping[str, str]
    registry: Registry
    app: str
    limits: Limits
    transport: str


DEFAULT: Any = object()
"""Marks a timeout that is not given. None means no limit."""


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """Options of calls: see `ParentWorker.with_options`.

    Raises:
        MultifrostError: ``INVALID_OPTION`` for an invalid value.
    """

    timeout: float | None = DEFAULT
    """How long a call may take, in seconds; None for no limit. Default: the option `default_timeout`."""

    namespace: str | None = None
    """Default: the option `namespace`."""

    client_name: str | None = None
    """Default: the option `client_name`."""

    def __post_init__(self) -> None:
        if self.timeout is not DEFAULT:
            check("timeout", self.timeout, _TIMEOUT)
        if self.namespace is not None:
            check("namespace", self.namespace, TEXT)
        if self.client_name is not None:
            check("client_name", self.client_name, TEXT)


def make_options(given: Mapping[str, Any]) -> Options:
    """Checks options given by name.

    Raises:
        MultifrostError: ``INVALID_OPTION`` for an unknown name or an invalid value.
    """
    known = {one.name for one in fields(Options)}
    for name in given:
        if name not in known:
            raise MultifrostError("INVALID_OPTION", unknown_name(name, known))
    return Options(**given)


EXECUTABLE = or_none(
    Rule(
        "a program, or a list of a program and its leading arguments",
        lambda value: PATH.accepts(value) or (TEXTS.accepts(value) and bool(value)),
    )
)


def check_call(name: object, args: object) -> None:
    """Checks what `call_function` is given.

    Raises:
        MultifrostError: ``INVALID_OPTION``.
    """
    check("name", name, Rule("a text", lambda value: isinstance(value, str)))
    check(
        "args", args, Rule("a list", lambda value: isinstance(value, Sequence) and not isinstance(value, str | bytes))
    )


def check(name: str, value: object, rule: Rule) -> None:
    """Checks one value.

    Raises:
        MultifrostError: ``INVALID_OPTION``.
    """
    if (wrong := rule.wrong(name, value)) is not None:
        raise MultifrostError("INVALID_OPTION", wrong)
