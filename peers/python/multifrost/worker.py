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

from .dispatch import Methods
from .errors import MultifrostError
from .launch import spawn_port
from .loop import SocketLoop
from .output import LineForwarder, as_text, write_line
from .registry import Registry

logger = logging.getLogger("multifrost")


class ChildWorker:
    """A worker: every public method of a subclass can be called by a parent in another process.

        class MathWorker(ChildWorker):
            def add(self, a: int, b: int) -> int:
                return a + b

        MathWorker().run()                 # started by a parent, which sets COMLINK_ZMQ_PORT
        MathWorker("math-service").run()   # on its own, found by name

    Plain methods run one at a time, in a thread of their own; ``async def`` methods run concurrently on one asyncio
    loop. Names that begin with ``_``, and this class's own, cannot be called.
    """

    service_id: str | None = None
    """The name to be found under, or None for a worker that a parent starts."""

    namespace: str = "default"
    """Calls for another namespace are refused."""

    stop_timeout: float = 5.0
    """How long calls in flight may still take after a stop, in seconds."""

    _loop: SocketLoop | None = None
    _stopped_early = False

    def __init__(self, service_id: str | None = None, *, namespace: str | None = None) -> None:
        self.service_id = service_id
        if namespace is not None:
            self.namespace = namespace

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
        if self._loop and self._loop.orphaned:
            os._exit(1)  # at once: nobody waits for what a method is still doing

    def start(self) -> None:
        """Serves like `run`, in the calling thread, without signal handlers.

        Raises `LaunchError` for a missing or wrong port and `RegistryError` when the service cannot be registered.
        """
        port = None if self.service_id else spawn_port()
        self._loop = loop = SocketLoop(Methods(self, ChildWorker), self.namespace, self.stop_timeout)
        if self._stopped_early:
            loop.stop()
        registry = Registry()
        leaving: list[threading.Thread] = []

        def leave() -> None:
            # In a thread, because it may have to wait for locks, while answers are still being sent.
            thread = threading.Thread(target=_unregister, args=(registry, self.service_id), daemon=True)
            thread.start()
            leaving.append(thread)

        try:
            if port is not None:
                loop.connect(port)
            elif self.service_id:
                registry.register(self.service_id, loop.bind())
            try:
                with self._forwarded_output(loop):
                    loop.run(on_stop=leave)
            finally:
                if not leaving:
                    leave()
        finally:
            loop.close()
            for thread in leaving:
                thread.join()

    def stop(self) -> None:
        """Ends `run` and `start` once the calls in flight are answered; returns at once. From any thread."""
        if self._loop:
            self._loop.stop()
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

    @contextmanager
    def _forwarded_output(self, loop: SocketLoop) -> Iterator[None]:
        real = (sys.stdout, sys.stderr)
        forwarders = [
            LineForwarder(stream, partial(self._forward, loop, kind, stream))
            for kind, stream in zip(("stdout", "stderr"), real, strict=True)
        ]
        sys.stdout, sys.stderr = map(as_text, forwarders)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = real
            for forwarder in forwarders:
                forwarder.flush_all()

    def _forward(self, loop: SocketLoop, kind: str, real: TextIO, line: str) -> None:
        # A service's own streams are its log; a spawned worker's are for what cannot be sent.
        if self.service_id or not loop.has_peers:
            write_line(real, line)
        if loop.has_peers:
            loop.print(kind, line, undelivered=lambda lost: None if self.service_id else write_line(real, lost))


def _unregister(registry: Registry, service_id: str | None) -> None:
    if service_id:
        try:
            registry.unregister(service_id)
        except MultifrostError as error:
            logger.warning("The service '%s' stays in the registry: %s", service_id, error)
