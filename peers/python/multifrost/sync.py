"""`ParentWorker` for programs without asyncio: the same methods, but they block.

    from multifrost.sync import ParentWorker

    with ParentWorker.spawn("math_worker.py") as worker:
        print(worker.call.add(1, 2))

One background thread runs an asyncio loop for all workers. Any thread may call.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import ParentWorker as AsyncParentWorker
from ._parent.call_proxy import CallProxy
from ._parent.circuit_breaker import CircuitState
from ._parent.lifecycle import WorkerState
from ._parent.metrics import Metrics
from ._parent.options import DEFAULT, CallOptions, GivenOptions, check_call

if TYPE_CHECKING:
    from typing_extensions import Unpack

Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="multifrost-parents", daemon=True).start()
        return _loop


def _wait(coroutine: Coroutine[Any, Any, Result]) -> Result:
    future = asyncio.run_coroutine_threadsafe(coroutine, _running_loop())
    try:
        return future.result()
    except BaseException:  # Ctrl-C: drop the call
        future.cancel()
        raise


class ParentWorker:
    """The blocking form of `multifrost.ParentWorker`: same methods, options and errors.

    Create one with `spawn` or `connect`. Any thread may use it.
    """

    def __init__(self, worker: AsyncParentWorker) -> None:
        """Used by `spawn` and `connect`."""
        self._worker = worker

    @classmethod
    def spawn(
        cls, script: str | Path, executable: str | Sequence[str] | None = None, **options: Unpack[GivenOptions]
    ) -> ParentWorker:
        """Returns a worker that `start` will run as a process. See `multifrost.ParentWorker.spawn`."""
        return cls(AsyncParentWorker.spawn(script, executable, **options))

    @classmethod
    def connect(cls, service_id: str, timeout: float = 5.0, **options: Unpack[GivenOptions]) -> ParentWorker:
        """Finds a running service by name, within `timeout` seconds (default: 5); `start` connects to it.

        Raises:
            RegistryError: ``SERVICE_NOT_FOUND``.
            MultifrostError: ``INVALID_OPTION``.
        """
        return cls(_wait(AsyncParentWorker.connect(service_id, timeout, **options)))

    def start(self) -> None:
        """Returns when the worker can be reached. Raises the same errors as `multifrost.ParentWorker.start`."""
        _wait(self._worker.start())

    def stop(self) -> None:
        """Waits for calls in flight (option `stop_timeout`), then ends the process that `start` started."""
        _wait(self._worker.stop())

    def __enter__(self) -> ParentWorker:
        if self.state == "idle":
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def call(self) -> CallProxy[Any]:
        """The worker's methods: ``worker.call.add(1, 2)``."""
        return CallProxy(self._call, CallOptions())

    def with_options(
        self, *, timeout: float | None = DEFAULT, namespace: str | None = None, client_name: str | None = None
    ) -> CallProxy[Any]:
        """Returns the worker's methods with these options: ``worker.with_options(timeout=5).add(1, 2)``.

        Args:
            timeout: Longest time for a call, in seconds; None for no limit. Default: the option `default_timeout`.
            namespace: The namespace of the call. Default: the option `namespace`.
            client_name: Sent with the call. Default: the option `client_name`.
        """
        return self.call.with_options(timeout=timeout, namespace=namespace, client_name=client_name)

    def call_function(
        self,
        name: str,
        args: Sequence[Any] = (),
        *,
        timeout: float | None = DEFAULT,
        namespace: str | None = None,
        client_name: str | None = None,
    ) -> Any:
        """Calls a method by its name, which may be any text. For the arguments see `with_options`."""
        check_call(name, args)
        return self._call(name, args, CallOptions(timeout=timeout, namespace=namespace, client_name=client_name))

    def list_functions(self) -> list[str]:
        """Returns the names of the worker's methods."""
        return _wait(self._worker.list_functions())

    def describe(self) -> dict[str, Any] | None:
        """Returns the parameters and types of the worker's methods; None if the worker does not describe them."""
        return _wait(self._worker.describe())

    def reset_circuit(self) -> None:
        """Closes the circuit now, and those of methods."""
        _running_loop().call_soon_threadsafe(self._worker.reset_circuit)

    @property
    def state(self) -> WorkerState:
        """One of ``idle``, ``starting``, ``running``, ``stalled``, ``restarting``, ``reconnecting``, ``exited``,
        ``stopping`` and ``stopped``. After ``exited`` and ``stopped`` nothing follows. A ``stalled`` worker is
        connected but answers no heartbeats; calls are still sent.
        """
        return self._worker.state

    @property
    def pid(self) -> int | None:
        """The worker's process id; None for a service, and while no process runs."""
        return self._worker.pid

    @property
    def is_healthy(self) -> bool:
        """Whether the worker runs, the circuit is closed and the last heartbeat was answered."""
        return self._worker.is_healthy

    @property
    def circuit_state(self) -> CircuitState:
        """``closed``, ``open`` (calls are refused) or ``half-open`` (one trial call is let through)."""
        return self._worker.circuit_state

    @property
    def circuit_open(self) -> bool:
        """Whether calls are refused for now."""
        return self._worker.circuit_open

    @property
    def last_heartbeat_rtt_ms(self) -> float | None:
        """Round trip of the last answered heartbeat, in milliseconds; None before the first."""
        return self._worker.last_heartbeat_rtt_ms

    @property
    def metrics(self) -> Metrics:
        """A snapshot of all metrics."""
        return _wait(self._metrics())

    async def _metrics(self) -> Metrics:
        return self._worker.metrics

    def _call(self, name: str, args: Sequence[Any], options: CallOptions) -> Any:
        return _wait(self._worker._call(name, args, options))
