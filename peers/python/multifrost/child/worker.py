"""`ChildWorker`: what a worker's author extends."""

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

from ..errors import LaunchError, MultifrostError
from ..registry import Registry
from .capture import Capture
from .dispatch import Methods
from .launch import spawn_port
from .output import LineForwarder, as_text, write_line
from .server import Server, Settings

logger = logging.getLogger("multifrost")


class ChildWorker:
    """A worker: every public method of a subclass can be called by a parent in another process.

        class MathWorker(ChildWorker):
            def add(self, a: int, b: int) -> int:
                return a + b

        MathWorker().run()                 # started by a parent, which sets COMLINK_ZMQ_PORT
        MathWorker("math-service").run()   # on its own, found by name

    Calls run concurrently: ``async def`` methods on one asyncio loop, plain ones in up to 64 threads. Names that begin
    with ``_``, and this class's own, cannot be called.
    """

    service_id: str | None = None
    """The name to be found under, or None for a worker that a parent starts."""

    namespace: str = "default"
    """Which calls are meant for this worker."""

    other_namespaces: str = "answer"
    """What happens to calls for another namespace: ``answer`` them with an error, or ``ignore`` them."""

    stop_timeout: float = 5.0
    """How long calls in flight may still take after a stop, in seconds."""

    max_concurrency: int | None = None
    """Calls that run at the same time; 1 gives strict order. None: any number, of plain methods 64."""

    max_pending: int = 250_000
    """Calls running and waiting; beyond, a call is answered with an error at once."""

    _server: Server | None = None
    _stopped_early = False

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
        """Serves until a shutdown message, SIGTERM or SIGINT; a second signal ends the process at once.

        A worker that cannot start says why in one line on stderr and exits with code 1.
        """
        try:
            with self._signals():
                self.start()
        except MultifrostError as error:
            print(f"multifrost: {error}", file=sys.stderr)
            sys.exit(1)
        if self._server and self._server.orphaned:
            os._exit(1)  # at once: nobody waits for what a method is still doing

    def start(self) -> None:
        """Serves like `run`, in the calling thread, without signal handlers.

        Raises `LaunchError` for a missing or wrong port or option, and `RegistryError` when the service cannot be
        registered.
        """
        port = None if self.service_id else spawn_port()
        self._server = server = Server(Methods(self, ChildWorker), self._settings())
        if self._stopped_early:
            server.stop()
        registry = Registry()
        leaving: list[threading.Thread] = []

        def leave() -> None:
            # In a thread, because it may have to wait for locks, while answers are still being sent.
            thread = threading.Thread(target=_unregister, args=(registry, self.service_id), daemon=True)
            thread.start()
            leaving.append(thread)

        try:
            if port is not None:
                server.connect(port)
            elif self.service_id:
                registry.register(self.service_id, server.bind())
            try:
                with self._forwarded_output(server):
                    server.run(on_stop=leave)
            finally:
                if not leaving:
                    leave()
        finally:
            server.close()
            for thread in leaving:
                thread.join()

    def stop(self) -> None:
        """Ends `run` and `start` once the calls in flight are answered; returns at once. From any thread."""
        if self._server:
            self._server.stop()
        else:
            self._stopped_early = True

    def list_functions(self) -> list[str]:
        """The names that can be called, sorted. Parents get the same by ``listFunctions``."""
        return Methods(self, ChildWorker).names()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        received = 0

        def handle(number: int, _: FrameType | None) -> None:
            nonlocal received
            received += 1
            if received > 1:
                os._exit(128 + number)
            self.stop()

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _settings(self) -> Settings:
        if self.other_namespaces not in ("answer", "ignore"):
            raise _invalid("other_namespaces", "'answer' or 'ignore'", self.other_namespaces)
        if self.max_concurrency is not None and self.max_concurrency < 1:
            raise _invalid("max_concurrency", "None or a number of at least 1", self.max_concurrency)
        if self.max_pending < 1:
            raise _invalid("max_pending", "a number of at least 1", self.max_pending)
        return Settings(
            self.namespace, self.other_namespaces, self.stop_timeout, self.max_concurrency, self.max_pending
        )

    @contextmanager
    def _forwarded_output(self, server: Server) -> Iterator[None]:
        real = (sys.stdout, sys.stderr)
        with self._log(server) as log:
            forwarders = [
                LineForwarder(stream, partial(self._forward, server, kind, out))
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
    def _log(self, server: Server) -> Iterator[TextIO]:
        """Where printed lines go beside the parents. Of a service, what is written past Python goes to the parents too.

        The parent of a spawned worker has its pipes. File descriptor 2 stays as it is: a process that crashes writes
        its last words there, and nobody would be left to copy them.
        """
        if not self.service_id:
            yield sys.stdout
            return
        try:
            capture = Capture(1, lambda line: server.print("stdout", line, undelivered=_nothing))
        except OSError:  # a service may run without a stdout
            yield sys.stdout
            return
        try:
            with open(capture.original, "w", encoding="utf-8", errors="replace", closefd=False) as log:
                yield log
        finally:
            sys.stdout.flush()
            capture.close()

    def _forward(self, server: Server, kind: str, log: TextIO, line: str) -> None:
        # A service's own streams are its log; a spawned worker's are for what cannot be sent.
        if self.service_id:
            write_line(log, line)
        if server.has_peers:
            server.print(kind, line, undelivered=_nothing if self.service_id else lambda: write_line(log, line))
        elif not self.service_id:
            write_line(log, line)


def _nothing() -> None:
    pass


def _invalid(name: str, wanted: str, given: object) -> LaunchError:
    return LaunchError("INVALID_OPTION", f"{name} must be {wanted}, not {given!r}.")


def _unregister(registry: Registry, service_id: str | None) -> None:
    if service_id:
        try:
            registry.unregister(service_id)
        except MultifrostError as error:
            logger.warning("The service '%s' stays in the registry: %s", service_id, error)
