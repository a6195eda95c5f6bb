"""`ParentWorker`: calls methods of a worker in another process."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import RemoteCallError, WorkerExitedError
from ..messages import Message
from .breaker import Breaker
from .breaker import State as CircuitState
from .launch import plan
from .life import Life, State
from .live import Live, Open, Surroundings
from .metrics import Counters, Metrics
from .options import DEFAULT, CallOptions, Options, check_timeout, make_options
from .pending import PendingCalls
from .proxy import Calls

INTROSPECTION = ("listFunctions", "list_functions", "ListFunctions")
"""What it is called in JavaScript and Rust, Python, and Go."""


class ParentWorker:
    """A worker as its parent sees it. Made by `spawn` or `connect`, and used on one asyncio loop.

        async with ParentWorker.spawn("math_worker.py") as worker:
            print(await worker.call.add(1, 2))

    A call raises `RemoteCallError` when the method failed or was refused, `WorkerExitedError` when the worker ended,
    `ConnectionLostError`, `CallTimeoutError`, `CircuitOpenError`, `SerializationError`, `OverloadError` or
    `NotRunningError`. Cancelling its task forgets it; the worker may still run it.
    """

    def __init__(self, name: str, options: Options, open_link: Open, is_service: bool) -> None:
        self._name = options.name or name
        self._options = options
        self._counters = Counters()
        self._breaker = Breaker(
            options.max_restart_attempts, options.circuit_reset_timeout, self._counters.circuit_changed
        )
        self._calls = PendingCalls(self._name, options, self._breaker, self._counters)
        around = Surroundings(
            self._name, options, self._calls, self._counters, self._on_line, self._on_beat, self._breaker
        )
        self._life = Life(around, open_link, is_service)
        self._misses = 0

    @classmethod
    def spawn(cls, script: str | Path, executable: str | Sequence[str] | None = None, **options: Any) -> ParentWorker:
        """A worker that `start` will start as a process of its own.

        `executable` is a program, or one with its leading arguments. Left out, it follows the script's extension:
        this Python, ``node``, ``tsx``, ``go run``; anything else is run itself. `options`: see `Options`.
        Raises `MultifrostError` ``INVALID_OPTION``.
        """
        settings = make_options(options)

        async def open_link(live: Live) -> None:
            await live.spawn(plan(script, executable, settings.args, settings.cwd or Path.cwd()))

        return cls(Path(script).name, settings, open_link, is_service=False)

    @classmethod
    async def connect(cls, service_id: str, timeout: float = 5.0, **options: Any) -> ParentWorker:
        """A service that runs by itself, found by name within `timeout` seconds; `start` connects to it.

        Raises `RegistryError` ``SERVICE_NOT_FOUND``, `MultifrostError` ``INVALID_OPTION``. `options`: see `Options`.
        """
        check_timeout("timeout", timeout)
        settings = make_options({"start_timeout": timeout, **options})

        async def open_link(live: Live) -> None:
            # Looked up each time, as it may come back on another port.
            await live.connect(await settings.registry.discover(service_id, timeout), timeout)

        await settings.registry.discover(service_id, timeout)
        return cls(service_id, settings, open_link, is_service=True)

    async def start(self) -> None:
        """Returns when the worker can be reached: it is connected and has answered a heartbeat.

        Raises `SpawnError` with what the process said, `ConnectionLostError` ``UNREACHABLE``, or `RegistryError`.
        """
        await self._life.start()

    async def stop(self) -> None:
        """Lets calls in flight finish, and ends the process that `start` has started. Safe at any moment, and again."""
        await self._life.stop()

    async def __aenter__(self) -> ParentWorker:
        if self.state == "idle":
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def call(self) -> Calls[Awaitable[Any]]:
        """The worker's methods: ``await worker.call.add(1, 2)``."""
        return Calls(self._call, CallOptions())

    def with_options(
        self, *, timeout: float | None = DEFAULT, namespace: str | None = None, client_name: str | None = None
    ) -> Calls[Awaitable[Any]]:
        """The worker's methods with these options: ``await worker.with_options(timeout=5).add(1, 2)``."""
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
        """Calls the method of this name, whatever the name."""
        return await self._call(name, args, CallOptions(timeout=timeout, namespace=namespace, client_name=client_name))

    async def list_functions(self) -> list[str]:
        """The names that can be called."""
        names: list[str] = (await self._introspect()).get("result") or []
        return names

    async def describe(self) -> dict[str, Any] | None:
        """What the worker tells of its methods: parameters and types. None where its implementation does not."""
        interface = (await self._introspect()).get("metadata", {}).get("interface")
        return interface if isinstance(interface, dict) else None

    @property
    def state(self) -> State:
        return self._life.state

    @property
    def pid(self) -> int | None:
        """The worker's process id; None for a service, and while there is no process."""
        process = self._life.live and self._life.live.process
        return process.pid if process else None

    @property
    def is_healthy(self) -> bool:
        """Running, with the circuit closed and the last heartbeat answered."""
        return self.state == "running" and self._breaker.state == "closed" and self._misses == 0

    @property
    def circuit_state(self) -> CircuitState:
        return self._breaker.state

    @property
    def circuit_open(self) -> bool:
        """Whether calls are refused for now."""
        return self._breaker.state == "open"

    def reset_circuit(self) -> None:
        """Closes the circuit now."""
        self._breaker.close()

    @property
    def last_heartbeat_rtt_ms(self) -> float | None:
        """The latest round trip of a heartbeat, in milliseconds; None before the first."""
        rtt = self._counters.last_rtt
        return None if rtt is None else rtt * 1000

    @property
    def metrics(self) -> Metrics:
        """Everything counted, at this moment."""
        return self._counters.snapshot(self._breaker.state)

    async def _call(self, name: str, args: Sequence[Any], options: CallOptions) -> Any:
        self._life.check(name)
        return (await self._calls.make(name, args, options)).get("result")

    async def _introspect(self) -> Message:
        refused: RemoteCallError | None = None
        for name in INTROSPECTION:
            self._life.check(name)
            try:
                return await self._calls.make(name, (), CallOptions())
            except WorkerExitedError:
                raise
            except RemoteCallError as error:
                refused = refused or error
        assert refused is not None
        raise refused

    def _on_beat(self, misses: int) -> None:
        lost = self._options.heartbeat_max_misses
        if misses == 0 and self._misses >= lost:
            self._breaker.close()
        self._misses = misses
        if misses == lost:
            self._breaker.trip()
            if self._options.auto_restart:
                self._life.kill()

    def _on_line(self, kind: str, line: str) -> None:
        handler = self._options.on_stdout if kind == "stdout" else self._options.on_stderr
        if handler is not None:
            handler(line)
        else:
            stream = sys.stdout if kind == "stdout" else sys.stderr
            print(f"[{self._name} {kind.upper()}]: {line}", file=stream)
