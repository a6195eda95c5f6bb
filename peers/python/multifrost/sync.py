"""`ParentWorker` for programs without asyncio: the same calls, which return when they are done.

    from multifrost.sync import ParentWorker

    with ParentWorker.spawn("math_worker.py") as worker:
        print(worker.call.add(1, 2))

The real parent runs on an asyncio loop in a thread of its own, one for all workers. Any thread may call.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from . import ParentWorker as AsyncParentWorker
from .parent.breaker import State as CircuitState
from .parent.life import State
from .parent.metrics import Metrics
from .parent.options import DEFAULT, CallOptions
from .parent.proxy import Calls

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
    except BaseException:  # Ctrl-C: whatever was waited for is forgotten
        future.cancel()
        raise


class ParentWorker:
    """See the class of this name in `multifrost`; what is ``async`` there, blocks here and raises the same errors."""

    def __init__(self, worker: AsyncParentWorker) -> None:
        self._worker = worker

    @classmethod
    def spawn(cls, script: str | Path, executable: str | Sequence[str] | None = None, **options: Any) -> ParentWorker:
        """A worker that `start` will start as a process of its own."""
        return cls(AsyncParentWorker.spawn(script, executable, **options))

    @classmethod
    def connect(cls, service_id: str, timeout: float = 5.0, **options: Any) -> ParentWorker:
        """A service that runs by itself, found by name within `timeout` seconds; `start` connects to it."""
        return cls(_wait(AsyncParentWorker.connect(service_id, timeout, **options)))

    def start(self) -> None:
        """Returns when the worker can be reached."""
        _wait(self._worker.start())

    def stop(self) -> None:
        """Lets calls in flight finish, and ends the process that `start` has started."""
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
    def call(self) -> Calls[Any]:
        """The worker's methods: ``worker.call.add(1, 2)``."""
        return Calls(self._call, CallOptions())

    def with_options(
        self, *, timeout: float | None = DEFAULT, namespace: str | None = None, client_name: str | None = None
    ) -> Calls[Any]:
        """The worker's methods with these options."""
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
        """Calls the method of this name, whatever the name."""
        return self._call(name, args, CallOptions(timeout=timeout, namespace=namespace, client_name=client_name))

    def list_functions(self) -> list[str]:
        """The names that can be called."""
        return _wait(self._worker.list_functions())

    def describe(self) -> dict[str, Any] | None:
        """What the worker tells of its methods; None where its implementation does not."""
        return _wait(self._worker.describe())

    def reset_circuit(self) -> None:
        """Closes the circuit now."""
        _running_loop().call_soon_threadsafe(self._worker.reset_circuit)

    @property
    def state(self) -> State:
        return self._worker.state

    @property
    def pid(self) -> int | None:
        return self._worker.pid

    @property
    def is_healthy(self) -> bool:
        return self._worker.is_healthy

    @property
    def circuit_state(self) -> CircuitState:
        return self._worker.circuit_state

    @property
    def circuit_open(self) -> bool:
        return self._worker.circuit_open

    @property
    def last_heartbeat_rtt_ms(self) -> float | None:
        return self._worker.last_heartbeat_rtt_ms

    @property
    def metrics(self) -> Metrics:
        return _wait(self._metrics())

    async def _metrics(self) -> Metrics:
        return self._worker.metrics

    def _call(self, name: str, args: Sequence[Any], options: CallOptions) -> Any:
        return _wait(self._worker._call(name, args, options))
