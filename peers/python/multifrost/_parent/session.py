"""A session: one connection to a worker, together with the worker's process if this parent started it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from .._messages import Messages
from .._zmtp.reader import Payload
from ..errors import ConnectionLostError, MalformedMessageError, ProcessExit, SerializationError, SpawnError
from .connection import make_connection
from .heartbeats import Heartbeats, Listener, Rules
from .launch_plan import LaunchPlan
from .metrics import Counters
from .options import Options
from .pending_calls import PendingCalls
from .worker_process import WorkerProcess, start_process

LOSS_GRACE = 1.0
"""After a process exits, how long to wait for the end of its connection, and the other way round, in seconds."""


class Session:
    """One connection to a worker, opened by `spawn` or `connect` and proven by a heartbeat.

    Args:
        name: The worker's name in messages.
        options: The parent's options.
        calls: Gets the answers.
        counters: Counts dropped messages.
        listener: Is called with answers to heartbeats, and misses.
    """

    process: WorkerProcess | None = None
    """The worker's process; None for a service."""

    stalled: float | None = None
    """How long the worker was stalled, in seconds, where that is why its process was killed."""

    def __init__(
        self,
        name: str,
        options: Options,
        calls: PendingCalls,
        counters: Counters,
        listener: Listener,
    ) -> None:
        self._name = name
        self._messages = Messages(options.app, options.limits)
        self._options = options
        self._calls = calls
        self._counters = counters
        self._connection = make_connection(
            options.chosen_transport, self._on_payload, counters.connection_refused, self._messages
        )
        self.send = self._connection.send
        """Sends a payload. Never blocks. False: the connection is lost, and nothing was sent."""
        rules = Rules(
            options.heartbeat_interval, options.heartbeat_timeout, options.heartbeat_max_misses, options.stall_timeout
        )
        self._heartbeats = Heartbeats(rules, self.send, self._connection, listener, self._messages)

    async def spawn(self, plan: LaunchPlan) -> None:
        """Starts the process and waits until it answers a heartbeat.

        Raises:
            SpawnError: ``PROGRAM_NOT_FOUND``, ``SPAWN_FAILED``, ``EXITED_EARLY`` or ``START_TIMEOUT``.
        """
        timeout = self._options.start_timeout
        address = self._connection.bind()
        self.process = process = await start_process(plan, address, self._options.env, self._print_line)
        self._connection.expect(process.pid)
        self._heartbeats.send_first()
        either: list[asyncio.Future[Any]] = [process.exited, self._heartbeats.first]
        await asyncio.wait(either, timeout=timeout, return_when="FIRST_COMPLETED")
        if self._heartbeats.first.done():
            self._heartbeats.start()
            return
        if process.exited.done():
            raise _exited_early(process.exited.result())
        raise SpawnError(
            "START_TIMEOUT",
            f"The worker did not connect within {timeout:g} s (start_timeout) and was ended: {plan}\n"
            "Check that the script runs its worker; a slow start needs a larger start_timeout.",
            ProcessExit(None, None, process.stderr_tail, process.command),
        )

    async def connect(self, port: int, timeout: float) -> None:
        """Connects to a service and waits until it answers a heartbeat.

        Args:
            port: The service's loopback port.
            timeout: Longest wait, in seconds.

        Raises:
            ConnectionLostError: ``UNREACHABLE``.
        """
        self._connection.connect(port)
        self._heartbeats.send_first()
        down = asyncio.ensure_future(self._connection.down.wait())
        either: list[asyncio.Future[Any]] = [self._heartbeats.first, down]
        await asyncio.wait(either, timeout=timeout, return_when="FIRST_COMPLETED")
        down.cancel()
        if not self._heartbeats.first.done():
            refused = self._connection.down.is_set()
            what = "refused the connection" if refused else f"answered no heartbeat within {timeout:g} s"
            raise ConnectionLostError(
                "UNREACHABLE",
                f"Port {port}, where {self._name} should be, {what}. The service may have ended and another "
                "program may use its port: start the service again.",
            )
        self._heartbeats.start()

    async def ended(self) -> ProcessExit | None:
        """Waits for the end. Returns how the process ended, or None if the connection was lost but it may still run."""
        down = asyncio.ensure_future(self._connection.down.wait())
        try:
            if self.process is None:
                await down
                return None
            exited = self.process.exited
            either: list[asyncio.Future[Any]] = [exited, down]
            await asyncio.wait(either, return_when="FIRST_COMPLETED")
            # Both usually happen together. Wait for both: an exit has a code and a signal, and the connection may
            # still deliver the last answers.
            await asyncio.wait(either, timeout=LOSS_GRACE)
            if not exited.done() and not self._connection.reconnects:
                self.process.signal(signal.SIGKILL)  # nothing can reach it any more
                await asyncio.wait([exited])
            return exited.result()._replace(stalled=self.stalled) if exited.done() else None
        finally:
            down.cancel()

    def await_reconnect(self) -> None:
        """Goes on after a lost connection while the process runs: the worker's side connects again."""
        self._connection.down.clear()

    async def close(self, asked: bool = False) -> None:
        """Ends the process, if there is one, and closes the connection.

        Args:
            asked: Whether to send a shutdown message first.
        """
        self._heartbeats.stop()
        if self.process is not None:
            if asked:
                self.send(self._messages.shutdown())
            await self.process.terminate(asked)
        self._connection.close()

    def _on_payload(self, payload: Payload | None) -> None:
        try:
            if payload is None:
                raise MalformedMessageError("MALFORMED_MESSAGE", "it has the wrong frames")
            message = self._messages.read(payload)
        except MalformedMessageError as error:
            self._on_malformed(error)
            return
        if message is None:
            return
        kind = message["type"]
        if kind in ("response", "error"):
            self._calls.answered(message)
        elif kind == "heartbeat":
            self._heartbeats.answered(message["id"], payload)
        elif kind in ("stdout", "stderr"):
            if kind == "stderr" and self.process is not None:
                self.process.add_stderr(f"{message['output']}\n".encode("utf-8", "replace"))
            self._print_line(kind, message["output"])

    def _on_malformed(self, error: MalformedMessageError) -> None:
        """Counts the message. If it has the id of a call, that call fails: no other answer will come."""
        self._counters.dropped += 1
        if error.message_id and error.message_type in ("response", "error", None):
            text = f"{self._name} sent an answer that cannot be read: {error}"
            self._calls.failed(error.message_id, lambda name: SerializationError(error.code, f"'{name}': {text}"))

    def _print_line(self, kind: str, line: str) -> None:
        handler = self._options.on_stdout if kind == "stdout" else self._options.on_stderr
        if handler is not None:
            handler(line)
        else:
            stream = sys.stdout if kind == "stdout" else sys.stderr
            print(f"[{self._name} {kind.upper()}]: {line}", file=stream)


def _exited_early(exit: ProcessExit) -> SpawnError:
    hint = exit.stderr_report if exit.stderr_tail else f"{exit.stderr_report} Check that the script runs its worker."
    text = f"The worker ended before it could be reached ({exit}): {exit.command}\n{hint}"
    return SpawnError("EXITED_EARLY", text, exit)


OpenSession = Callable[[Session], Awaitable[None]]
"""Opens a new session with `Session.spawn` or `Session.connect`."""
