"""`ChildWorker`: the base class of workers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TextIO

from .._registry import Registry
from ..errors import LaunchError, MultifrostError
from .descriptor_capture import DescriptorCapture
from .line_forwarder import LineForwarder, as_text, write_line
from .method_table import MethodTable
from .server import Server, ServerOptions
from .spawn_port import spawn_port

logger = logging.getLogger("multifrost")


class ChildWorker:
    """A worker. Parents in other processes can call every public method of a subclass.

        class MathWorker(ChildWorker):
            def add(self, a: int, b: int) -> int:
                return a + b

        MathWorker().run()                 # spawned by a parent, which sets COMLINK_ZMQ_PORT
        MathWorker("math-service").run()   # a service, found by name

    Calls run concurrently: ``async def`` methods on one asyncio loop, plain methods in up to 64 threads. Names that
    begin with ``_`` and the names that this class defines cannot be called.

    Set options as class attributes or as arguments of the constructor.

    Args:
        service_id: The name of the service; None for a worker that a parent spawns. Default: None.
        namespace: See the attribute.
        other_namespaces: See the attribute.
        max_concurrency: See the attribute.
    """

    service_id: str | None = None
    """The name that parents find the service by; None for a worker that a parent spawns."""

    namespace: str = "default"
    """The namespace whose calls this worker runs. Default: ``default``."""

    other_namespaces: str = "answer"
    """What to do with calls for another namespace: ``answer`` them with an error (the default) or ``ignore`` them."""

    stop_timeout: float = 5.0
    """How long calls in flight may take after a stop, in seconds. Default: 5."""

    max_concurrency: int | None = None
    """Calls that run at once; 1 runs them strictly in order. Default: no limit, except 64 for plain methods."""

    max_pending: int = 250_000
    """Calls that run or wait at once. More are refused with ``OVERLOADED``. Default: 250,000."""

    __server: Server | None = None
    __stopped_early = False

    def __init__(
        self,
        service_id: str | None = None,
        *,
        namespace: str | None = None,
        other_namespaces: str | None = None,
        max_concurrency: int | None = None,
    ) -> None:
        self.service_id = service_id
        if namespace is not None:
            self.namespace = namespace
        if other_namespaces is not None:
            self.other_namespaces = other_namespaces
        if max_concurrency is not None:
            self.max_concurrency = max_concurrency

    def run(self) -> None:
        """Serves until a shutdown message, SIGTERM or SIGINT. A second signal ends the process at once.

        A worker that cannot start prints the reason as one line to stderr and exits with code 1.
        """
        try:
            with _stopped_by_signals(self):
                self.start()
        except MultifrostError as error:
            print(f"multifrost: {error}", file=sys.stderr)
            sys.exit(1)
        if self.__server and self.__server.orphaned:
            os._exit(1)  # without waiting for methods that still run: their caller is gone

    def start(self) -> None:
        """Serves like `run`, in the calling thread, without signal handlers.

        Raises:
            LaunchError: ``NO_START_MODE``, ``INVALID_PORT`` or ``INVALID_OPTION``.
            RegistryError: ``SERVICE_EXISTS``, ``LOCK_TIMEOUT`` or ``REGISTRY_UNAVAILABLE``.
        """
        port = None if self.service_id else spawn_port()
        self.__server = server = Server(MethodTable(self, ChildWorker), _server_options(self))
        if self.__stopped_early:
            server.stop()
        registry = Registry()
        leaving: list[threading.Thread] = []

        def leave() -> None:
            # In a thread, because it may wait for locks while answers are still being sent.
            thread = threading.Thread(target=_unregister, args=(registry, self.service_id), daemon=True)
            thread.start()
            leaving.append(thread)

        try:
            if port is not None:
                server.connect(port)
            elif self.service_id:
                registry.register(self.service_id, server.bind())
            try:
                with _forwarded_output(server, is_service=bool(self.service_id)):
                    server.run(on_stop=leave)
            finally:
                if not leaving:
                    leave()
        finally:
            server.close()
            for thread in leaving:
                thread.join()

    def stop(self) -> None:
        """Ends `run` or `start` once the calls in flight are answered. Returns at once; may be called in any thread."""
        if self.__server:
            self.__server.stop()
        else:
            self.__stopped_early = True

    def list_functions(self) -> list[str]:
        """Returns the names that parents can call, sorted."""
        return MethodTable(self, ChildWorker).names()


# Functions, not methods: a subclass may use any name with an underscore for its own attributes.


@contextmanager
def _stopped_by_signals(worker: ChildWorker) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    received = 0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal received
        received += 1
        if received > 1:
            os._exit(128 + number)
        worker.stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _server_options(worker: ChildWorker) -> ServerOptions:
    if worker.other_namespaces not in ("answer", "ignore"):
        raise _invalid("other_namespaces", "'answer' or 'ignore'", worker.other_namespaces)
    if worker.max_concurrency is not None and worker.max_concurrency < 1:
        raise _invalid("max_concurrency", "None or a number of at least 1", worker.max_concurrency)
    if worker.max_pending < 1:
        raise _invalid("max_pending", "a number of at least 1", worker.max_pending)
    return ServerOptions(
        worker.namespace, worker.other_namespaces, worker.stop_timeout, worker.max_concurrency, worker.max_pending
    )


def _invalid(name: str, wanted: str, given: object) -> LaunchError:
    return LaunchError("INVALID_OPTION", f"{name} must be {wanted}, not {given!r}.")


@contextmanager
def _forwarded_output(server: Server, is_service: bool) -> Iterator[None]:
    """Sends what is printed to the parents."""
    real = (sys.stdout, sys.stderr)
    with _own_log(server, is_service) as log:
        forwarders = [
            LineForwarder(stream, partial(_forward, server, is_service, kind, out))
            for kind, stream, out in zip(("stdout", "stderr"), real, (log, sys.stderr), strict=True)
        ]
        sys.stdout, sys.stderr = map(as_text, forwarders)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = real
            for forwarder in forwarders:
                forwarder.flush_all()


@contextmanager
def _own_log(server: Server, is_service: bool) -> Iterator[TextIO]:
    """Yields the worker's own log. For a service, also forwards writes to descriptor 1 that bypass Python.

    A spawned worker needs no capture, because its parent reads its pipes. Descriptor 2 is never captured: a process
    that crashes writes its last message there, when no thread is left to copy it.
    """
    if not is_service:
        yield sys.stdout
        return
    try:
        capture = DescriptorCapture(1, lambda line: server.print("stdout", line, undelivered=_nothing))
    except OSError:  # a service may run without a stdout
        yield sys.stdout
        return
    try:
        with open(capture.original, "w", encoding="utf-8", errors="replace", closefd=False) as log:
            yield log
    finally:
        sys.stdout.flush()
        capture.close()


def _forward(server: Server, is_service: bool, kind: str, log: TextIO, line: str) -> None:
    # A service logs every line to its own streams; a spawned worker only those that cannot be sent.
    if is_service:
        write_line(log, line)
    if server.has_peers:
        server.print(kind, line, undelivered=_nothing if is_service else lambda: write_line(log, line))
    elif not is_service:
        write_line(log, line)


def _nothing() -> None:
    pass


def _unregister(registry: Registry, service_id: str | None) -> None:
    if service_id:
        try:
            registry.unregister(service_id)
        except MultifrostError as error:
            logger.warning("Could not remove the service '%s' from the registry: %s", service_id, error)
