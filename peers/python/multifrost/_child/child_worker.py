"""`ChildWorker`: the base class of workers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, TextIO, TypeVar

from .. import _log as log
from .._limits import DEFAULT_LIMITS, Limits, wrong_limit
from .._messages import APP
from .._option_rules import BOOLEAN, SERVICE_ID, TEXT, Rule, count, or_none, seconds
from .._transport_choice import chosen_transport
from ..errors import LaunchError, MultifrostError
from . import spawn_address
from .fork_undo import undone_by_fork
from .line_forwarder import LineForwarder, as_text, write_line
from .method_table import CLASS_OPTIONS, MethodTable
from .server import Server, ServerOptions

Self = TypeVar("Self", bound="ChildWorker")


class ChildWorker:
    """A worker. Parents in other processes can call every public method of a subclass.

        class MathWorker(ChildWorker):
            def add(self, a: int, b: int) -> int:
                return a + b

        MathWorker().run()                 # spawned by a parent, which sets COMLINK_ZMQ_PORT
        MathWorker("math-service").run()   # a service, found by name

    Plain methods run in the main thread, one at a time, where the objects of ``__init__`` were made. ``async def``
    methods run at once, on one asyncio loop in a thread. Heartbeats and a shutdown are answered meanwhile. Names
    that begin with ``_`` and the names that this class defines cannot be called.

    A process has one worker. In the processes that `multiprocessing` starts from the worker's script, `run` and
    `start` do nothing.

    Set options as class attributes or as arguments of the constructor.

    Args:
        service_id: The name of the service; None for a worker that a parent spawns. Default: None.
        namespace: See the attribute.
        other_namespaces: See the attribute.
        max_concurrency: See the attribute.
        threads: See the attribute.
        transport: See the attribute.
        app: See the attribute.
        limits: See the attribute.
    """

    service_id: str | None = None
    """The name that parents find the service by; None for a worker that a parent spawns."""

    namespace: str = "default"
    """The namespace whose calls this worker runs. Default: ``default``."""

    other_namespaces: str = "answer"
    """What to do with calls for another namespace: ``answer`` them with an error (the default) or ``ignore`` them."""

    stop_timeout: float = 5.0
    """How long calls in flight may take after a stop, in seconds. Default: 5."""

    threads: int = 1
    """Plain methods that run at once. 1: they run in the main thread; more: in a pool of threads. Default: 1."""

    max_concurrency: int | None = None
    """Calls that run at once, ``async def`` methods included; 1 runs them strictly in order. Default: no limit."""

    max_pending: int = 250_000
    """Calls that run or wait at once. More are refused with ``OVERLOADED``. Default: 250,000."""

    allow_remote_shutdown: bool = False
    """Whether any parent may end a service by a shutdown message. Default: False: only signals end it."""

    transport: str = "auto"
    """``zmtp``, ``zeromq`` (needs the extra ``multifrost[zeromq]``), or ``auto``: the environment variable
    ``MULTIFROST_TRANSPORT``, else ``zmtp``. Both speak the same protocol. Default: ``auto``."""

    app: str = APP
    """The app id of all messages, which parents must have too. ``comlink_ipc_v4`` has the same wire format. Default:
    ``comlink_ipc_v3``."""

    limits: Limits = DEFAULT_LIMITS
    """What messages and the values in them may have: see `Limits`. Default: the protocol's limits."""

    # These five are read from the class, not from the object: a worker may use the names for its own attributes.

    __threads: int | None = None
    __transport: str | None = None
    __app: str | None = None
    __limits: Limits | None = None
    __server: Server | None = None
    __stopped_early = False

    def __new__(cls: type[Self], *_: Any, **__: Any) -> Self:
        # Before the code of a subclass runs, which may start processes that inherit the environment.
        spawn_address.take_out_of_environment()
        return super().__new__(cls)

    def __init__(
        self,
        service_id: str | None = None,
        *,
        namespace: str | None = None,
        other_namespaces: str | None = None,
        max_concurrency: int | None = None,
        threads: int | None = None,
        transport: str | None = None,
        app: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        if service_id is not None:
            self.service_id = service_id
        if namespace is not None:
            self.namespace = namespace
        if other_namespaces is not None:
            self.other_namespaces = other_namespaces
        if max_concurrency is not None:
            self.max_concurrency = max_concurrency
        self.__threads = threads
        self.__transport = transport
        self.__app = app
        self.__limits = limits

    def run(self) -> None:
        """Serves until a shutdown message, SIGTERM or SIGINT. A second signal ends the process at once.

        A worker that cannot start prints the reason as one line to stderr and exits with code 1.
        """
        try:
            with _stopped_by_signals(self):
                self.__start(owns_process=True)
        except MultifrostError as error:
            print(f"multifrost: {error}", file=sys.stderr)
            sys.exit(1)
        if self.__server and self.__server.orphaned:
            self.__server.end_orphaned()

    def start(self) -> None:
        """Serves like `run`, in the calling thread, without signal handlers, and without ending the process.

        Raises:
            LaunchError: ``NO_START_MODE``, ``INVALID_PORT``, ``UNREACHABLE``, ``INVALID_OPTION`` or
                ``ALREADY_STARTED`` for a second worker in one process.
            RegistryError: ``SERVICE_EXISTS``, ``LOCK_TIMEOUT`` or ``REGISTRY_UNAVAILABLE``.
        """
        self.__start(owns_process=False)

    def __start(self, owns_process: bool) -> None:
        if _is_multiprocessing_child():
            if _is_first_multiprocessing_child():
                sys.stderr.write(_NO_GUARD)
            return
        options = self.__options()
        address = spawn_address.claim(self.service_id)
        service_id = None if address else self.service_id
        if address is None and not service_id:
            raise spawn_address.missing()
        self.__server = server = Server(MethodTable(self, ChildWorker), options)
        server.owns_process = owns_process
        if self.__stopped_early:
            server.stop()
        leaving: list[threading.Thread] = []

        def leave() -> None:
            # In a thread, because it may wait for locks while answers are still being sent.
            if service_id and not leaving:
                leaving.append(threading.Thread(target=_unregister, args=(service_id,), daemon=True))
                leaving[0].start()

        def left() -> None:
            leave()
            for thread in leaving:
                thread.join()

        server.leave = left
        try:
            if address is not None:
                server.connect(address)
            elif service_id:
                _register(service_id, server.bind())
            try:
                with _forwarded_output(server, is_service=service_id is not None):
                    server.run(on_stop=leave)
            finally:
                leave()
        finally:
            server.close()
            for thread in leaving:
                thread.join()

    def __options(self) -> ServerOptions:
        options = {name: getattr(type(self), name) for name in CLASS_OPTIONS}
        for name in CLASS_OPTIONS:
            if callable(options[name]):  # it is a method of the subclass
                options[name] = getattr(ChildWorker, name)
        if self.__threads is not None:
            options["threads"] = self.__threads
        if self.__transport is not None:
            options["transport"] = self.__transport
        if self.__app is not None:
            options["app"] = self.__app
        if self.__limits is not None:
            options["limits"] = self.__limits
        return _server_options(self, **options)

    def stop(self) -> None:
        """Ends `run` or `start` once the calls in flight are answered. Returns at once; may be called in any thread."""
        if self.__server:
            self.__server.stop()
        else:
            self.__stopped_early = True

    def list_functions(self) -> list[str]:
        """Returns the names that parents can call, sorted."""
        return MethodTable(self, ChildWorker).names()


_NO_GUARD = (
    "multifrost: this process was started by multiprocessing and imported the worker's script, so its run() does "
    'nothing here. Put it under `if __name__ == "__main__":`, so that the worker is not even created.\n'
)

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

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        with undone_by_fork(restore):
            yield
    finally:
        restore()


def _is_multiprocessing_child() -> bool:
    """Whether this process was started by multiprocessing and is importing the main script."""
    # In every program that uses multiprocessing there is an alias __mp_main__ of __main__.
    if getattr(sys.modules.get("__mp_main__"), "__name__", "") == "__mp_main__":
        return True
    process = sys.modules.get("multiprocessing.process")
    return process is not None and hasattr(process.current_process(), "_inheriting")


def _is_first_multiprocessing_child() -> bool:
    """Whether no other process of the same worker has said already that the guard is missing."""
    # Processes that have no name of their own are numbered: SpawnPoolWorker-1. A fork server is called MainProcess.
    process = sys.modules.get("multiprocessing.process")
    name = "" if process is None else process.current_process().name
    number = name.rpartition("-")[2]
    return not number.isdigit() or int(number) == 1


def _server_options(
    worker: ChildWorker, app: str, threads: int, transport: str, allow_remote_shutdown: bool, limits: Limits
) -> ServerOptions:
    given = {"app": app, "threads": threads, "allow_remote_shutdown": allow_remote_shutdown, "transport": transport}
    for name, rule in _RULES.items():
        if (wrong := rule.wrong(name, given[name] if name in given else getattr(worker, name))) is not None:
            raise LaunchError("INVALID_OPTION", wrong)
    if (wrong := wrong_limit(limits)) is not None:
        raise LaunchError("INVALID_OPTION", wrong)
    try:
        chosen = chosen_transport(transport)
    except ValueError as error:
        raise LaunchError("INVALID_OPTION", str(error)) from None
    return ServerOptions(
        namespace=worker.namespace,
        other_namespaces=worker.other_namespaces,
        stop_timeout=worker.stop_timeout,
        threads=threads,
        max_concurrency=worker.max_concurrency,
        max_pending=worker.max_pending,
        allow_remote_shutdown=allow_remote_shutdown,
        transport=chosen,
        app=app,
        limits=limits,
    )


_RULES = {
    "service_id": or_none(SERVICE_ID),
    "namespace": TEXT,
    "other_namespaces": Rule("'answer' or 'ignore'", lambda value: value in ("answer", "ignore")),
    "stop_timeout": seconds(0),
    "threads": count(1),
    "max_concurrency": or_none(count(1)),
    "max_pending": count(1),
    "allow_remote_shutdown": BOOLEAN,
    "app": TEXT,
    # `transport` and `limits` have checks that say more.
    "transport": TEXT,
}
"""What the options may be."""


@contextmanager
def _forwarded_output(server: Server, is_service: bool) -> Iterator[None]:
    """Sends what is printed to the parents."""
    real = (sys.stdout, sys.stderr)
    with _own_log(server, is_service) as log:
        forwarders = [
            LineForwarder(stream, partial(_forward, server, is_service, kind, out))
            for kind, stream, out in zip(("stdout", "stderr"), real, (log, sys.stderr), strict=True)
        ]

        def restore() -> None:
            sys.stdout, sys.stderr = real

        with undone_by_fork(restore):
            sys.stdout, sys.stderr = map(as_text, forwarders)
            try:
                yield
            finally:
                restore()
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
    from .descriptor_capture import DescriptorCapture

    try:
        capture = DescriptorCapture(1, lambda line: server.print("stdout", line, undelivered=_nothing))
    except OSError:  # a service may run without a stdout
        yield sys.stdout
        return
    try:
        with (
            undone_by_fork(capture.restore),
            open(capture.original, "w", encoding="utf-8", errors="replace", closefd=False) as log,
        ):
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


def _register(service_id: str, port: int) -> None:
    from .._registry import Registry  # takes 10 ms, which a worker that a parent spawned does not need

    Registry().register(service_id, port)


def _unregister(service_id: str) -> None:
    from .._registry import Registry

    try:
        Registry().unregister(service_id)
    except MultifrostError as error:
        log.warning("Could not remove the service '%s' from the registry: %s", service_id, error)
