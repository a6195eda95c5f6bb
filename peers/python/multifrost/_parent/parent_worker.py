"""`ParentWorker`: calls methods of a worker in another process."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._messages import Message
from .._option_rules import ABOVE_ZERO, PATH, SERVICE_ID
from ..errors import RemoteCallError, WorkerExitedError
from .call_proxy import CallProxy
from .circuit_breaker import CircuitBreaker, CircuitState
from .launch_plan import plan_launch
from .lifecycle import Lifecycle, WorkerState
from .method_circuits import MethodCircuits
from .metrics import Counters, Metrics
from .options import DEFAULT, EXECUTABLE, CallOptions, GivenOptions, Options, check, check_call, make_options
from .pending_calls import PendingCalls
from .session import OpenSession, Session

if TYPE_CHECKING:
    from typing_extensions import Unpack

INTROSPECTION_NAMES = ("listFunctions", "list_functions", "ListFunctions")
"""What parents call to list the methods: in JavaScript and Rust, in Python, and in Go."""


class ParentWorker:
    """A worker as its parent sees it. Create one with `spawn` or `connect`, and use it on one asyncio loop.

        async with ParentWorker.spawn("math_worker.py") as worker:
            print(await worker.call.add(1, 2))

    A method runs at most once for a call. A call raises `RemoteCallError` if the method raised or the worker refused
    the call, `WorkerExitedError`, `ConnectionLostError`, `CallTimeoutError`, `CircuitOpenError`, `SerializationError`,
    `OverloadError` or `NotRunningError`. Cancelling its task drops the call here; the worker may still run it.
    """

    def __init__(self, name: str, options: Options, open_session: OpenSession, is_service: bool) -> None:
        """Used by `spawn` and `connect`."""
        name = options.name or name
        self._counters = Counters()
        circuit = (options.max_restart_attempts, options.circuit_reset_timeout, self._counters.circuit_changed)
        self._breaker = CircuitBreaker(*circuit)
        self._methods = MethodCircuits(*circuit)
        sends_again = is_service or options.auto_restart
        self._calls = PendingCalls(name, options, self._breaker, self._methods, self._counters, sends_again)
        self._lifecycle = Lifecycle(
            name, options, self._calls, self._breaker, self._methods, self._counters, open_session, is_service
        )

    @classmethod
    def spawn(
        cls, script: str | Path, executable: str | Sequence[str] | None = None, **options: Unpack[GivenOptions]
    ) -> ParentWorker:
        """Returns a worker that `start` will run as a process. Nothing runs before that.

        Args:
            script: The worker's file. A relative path starts at the option `cwd`.
            executable: The program that runs the script, or a list of the program and its leading arguments.
                Default: by the script's extension: this Python for ``.py``, ``node`` for ``.js``, ``tsx`` or ``node``
                for ``.ts``, ``go run`` for ``.go``. Any other file is executed itself.
            options: See `Options`.

        Raises:
            MultifrostError: ``INVALID_OPTION``.
        """
        check("script", script, PATH)
        check("executable", executable, EXECUTABLE)
        settings = make_options(options)

        async def open_session(session: Session) -> None:
            await session.spawn(plan_launch(script, executable, settings.args, settings.cwd or Path.cwd()))

        return cls(Path(script).name, settings, open_session, is_service=False)

    @classmethod
    async def connect(cls, service_id: str, timeout: float = 5.0, **options: Unpack[GivenOptions]) -> ParentWorker:
        """Finds a running service by name. `start` connects to it; `stop` does not end it.

        Args:
            service_id: The name of the service.
            timeout: Longest wait for the service to be registered, and later to answer, in seconds. Default: 5.
            options: See `Options`.

        Raises:
            RegistryError: ``SERVICE_NOT_FOUND``.
            MultifrostError: ``INVALID_OPTION``.
        """
        check("service_id", service_id, SERVICE_ID)
        check("timeout", timeout, ABOVE_ZERO)
        settings = make_options({"start_timeout": timeout, **options})

        async def open_session(session: Session) -> None:
            # Looked up each time: the service may come back on another port.
            await session.connect(await settings.registry.discover(service_id, timeout), timeout)

        await settings.registry.discover(service_id, timeout)
        return cls(service_id, settings, open_session, is_service=True)

    async def start(self) -> None:
        """Returns when the worker can be reached: it is connected and has answered a heartbeat.

        Raises:
            SpawnError: The process could not be started; with its exit code and the end of its stderr.
            ConnectionLostError: ``UNREACHABLE``: the service does not answer.
            RegistryError: ``SERVICE_NOT_FOUND``.
            NotRunningError: `stop` was called meanwhile.
            MultifrostError: ``ALREADY_STARTED``.
        """
        await self._lifecycle.start()

    async def stop(self) -> None:
        """Waits for calls in flight (option `stop_timeout`), then ends the process that `start` started.

        The process gets a shutdown message, SIGTERM after 1 s, and SIGKILL after 2 s more. May be called at any time
        and more than once.
        """
        await self._lifecycle.stop()

    async def __aenter__(self) -> ParentWorker:
        if self.state == "idle":
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def call(self) -> CallProxy[Awaitable[Any]]:
        """The worker's methods: ``await worker.call.add(1, 2)``. A call is sent when it is first awaited."""
        return CallProxy(self._call, CallOptions())

    def with_options(
        self, *, timeout: float | None = DEFAULT, namespace: str | None = None, client_name: str | None = None
    ) -> CallProxy[Awaitable[Any]]:
        """Returns the worker's methods with these options: ``await worker.with_options(timeout=5).add(1, 2)``.

        Args:
            timeout: Longest time for a call, in seconds; None for no limit. Default: the option `default_timeout`.
            namespace: The namespace of the call. Default: the option `namespace`.
            client_name: Sent with the call. Default: the option `client_name`.
        """
        return self.call.with_options(timeout=timeout, namespace=namespace, client_name=client_name)

    async def call_function(
        self,
        name: str,
        args: Sequence[Any] = (),
        *,
        timeout: float | None = DEFAULT,
        namespace: str | None = None,
        client_name: str | None = None,
    ) -> Any:
        """Calls a method by its name, which may be any text.

        Args:
            name: The method.
            args: Its arguments. Default: none.
            timeout, namespace, client_name: See `with_options`.

        Raises:
            MultifrostError: ``INVALID_OPTION`` for an invalid value; what a call raises.
        """
        check_call(name, args)
        return await self._call(name, args, CallOptions(timeout=timeout, namespace=namespace, client_name=client_name))

    async def list_functions(self) -> list[str]:
        """Returns the names of the worker's methods. Raises what a call raises."""
        names: list[str] = (await self._introspect()).get("result") or []
        return names

    async def describe(self) -> dict[str, Any] | None:
        """Returns the parameters and types of the worker's methods; None if the worker does not describe them.

        Raises what a call raises.
        """
        interface = (await self._introspect()).get("metadata", {}).get("interface")
        return interface if isinstance(interface, dict) else None

    @property
    def state(self) -> WorkerState:
        """One of ``idle``, ``starting``, ``running``, ``stalled``, ``restarting``, ``reconnecting``, ``exited``,
        ``stopping`` and ``stopped``. After ``exited`` and ``stopped`` nothing follows. A ``stalled`` worker is
        connected but answers no heartbeats; calls are still sent.
        """
        return self._lifecycle.state

    @property
    def pid(self) -> int | None:
        """The worker's process id; None for a service, and while no process runs."""
        session = self._lifecycle.session
        return session.process.pid if session and session.process else None

    @property
    def is_healthy(self) -> bool:
        """Whether the worker runs, the circuit is closed and the last heartbeat was answered."""
        return self.state == "running" and self._breaker.state == "closed" and self._lifecycle.missed_heartbeats == 0

    @property
    def circuit_state(self) -> CircuitState:
        """``closed``, ``open`` (calls are refused) or ``half-open`` (one trial call is let through).

        The circuits of methods that raise do not change it.
        """
        return self._breaker.state

    @property
    def circuit_open(self) -> bool:
        """Whether calls are refused for now."""
        return self._breaker.state == "open"

    def reset_circuit(self) -> None:
        """Closes the circuit now, and those of methods."""
        self._breaker.close()
        self._methods.close()

    @property
    def last_heartbeat_rtt_ms(self) -> float | None:
        """Round trip of the last answered heartbeat, in milliseconds; None before the first."""
        rtt = self._counters.last_rtt
        return None if rtt is None else rtt * 1000

    @property
    def metrics(self) -> Metrics:
        """A snapshot of all metrics."""
        return self._counters.snapshot(self._breaker.state)

    async def _call(self, name: str, args: Sequence[Any], options: CallOptions) -> Any:
        self._lifecycle.check_running(name)
        return (await self._calls.make(name, args, options)).get("result")

    async def _introspect(self) -> Message:
        refusal: RemoteCallError | None = None
        for name in INTROSPECTION_NAMES:
            self._lifecycle.check_running(name)
            try:
                return await self._calls.make(name, (), CallOptions())
            except WorkerExitedError:
                raise
            except RemoteCallError as error:
                refusal = refusal or error
        assert refusal is not None
        raise refusal
