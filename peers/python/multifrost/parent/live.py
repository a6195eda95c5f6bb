"""One link to a worker, proven by a heartbeat, with the worker's process where this parent started it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .. import messages
from ..errors import ConnectionLostError, Exit, MalformedMessageError, SerializationError, SpawnError
from .breaker import Breaker
from .heartbeats import Heartbeats
from .launch import Command
from .link import Link
from .metrics import Counters
from .options import Options
from .pending import PendingCalls
from .process import OnLine, WorkerProcess, start_process

LOSS_GRACE = 1.0
"""How long the end of a process waits for that of its connection, and the other way round, in seconds."""


@dataclass(frozen=True)
class Surroundings:
    """What a link tells, and whom."""

    name: str
    options: Options
    calls: PendingCalls
    counters: Counters
    on_line: OnLine
    """Called with the stream's name and each line that the worker prints."""
    on_beat: Callable[[int], None]
    """Called with the number of heartbeats missed in a row: 0 for an answer."""
    breaker: Breaker


class Live:
    """A link; `process` is None where the worker runs by itself."""

    process: WorkerProcess | None = None

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.link = Link(self._take)
        options = around.options
        self.heartbeats = Heartbeats(
            options.heartbeat_interval, options.heartbeat_timeout, self.link.send, self._beat, self._missed
        )

    async def spawn(self, command: Command) -> None:
        """Starts the process and waits until it can be reached. Raises `SpawnError`."""
        around, timeout = self._around, self._around.options.start_timeout
        self.process = process = await start_process(command, self.link.bind(), around.options.env, around.on_line)
        self.heartbeats.prove()
        either: list[asyncio.Future[Any]] = [process.exited, self.heartbeats.first]
        await asyncio.wait(either, timeout=timeout, return_when="FIRST_COMPLETED")
        if self.heartbeats.first.done():
            self.heartbeats.start()
            return
        if process.exited.done():
            raise _exited_early(process.exited.result())
        raise SpawnError(
            "START_TIMEOUT",
            f"The worker did not connect within {timeout:g} s (start_timeout) and was ended: {command}\n"
            "Check that the script runs its worker; a slow start needs a larger start_timeout.",
            Exit(None, None, process.stderr_tail, process.command),
        )

    async def connect(self, port: int, timeout: float) -> None:
        """Connects to a service. Raises `ConnectionLostError` ``UNREACHABLE``."""
        self.link.connect(port)
        self.heartbeats.prove()
        down = asyncio.ensure_future(self.link.down.wait())
        either: list[asyncio.Future[Any]] = [self.heartbeats.first, down]
        await asyncio.wait(either, timeout=timeout, return_when="FIRST_COMPLETED")
        down.cancel()
        if not self.heartbeats.first.done():
            what = (
                "refused the connection" if self.link.down.is_set() else f"answered no heartbeat within {timeout:g} s"
            )
            raise ConnectionLostError(
                "UNREACHABLE",
                f"Port {port}, where {self._around.name} should be, {what}. The service may have ended and another "
                "program may have its port: start the service again.",
            )
        self.heartbeats.start()

    async def ended(self) -> Exit | None:
        """Waits for the end: how the process ended, or None when the connection broke and the worker may live."""
        down = asyncio.ensure_future(self.link.down.wait())
        try:
            if self.process is None:
                await down
                return None
            exited = self.process.exited
            await asyncio.wait([exited, down], return_when="FIRST_COMPLETED")
            # The two come together, mostly: an exit says more, and the connection may still bring the last answers.
            await asyncio.wait([exited, down], timeout=LOSS_GRACE)
            return exited.result() if exited.done() else None
        finally:
            down.cancel()

    async def close(self, asked: bool = False) -> None:
        """Ends the process, if there is one, and the link. `asked`: tell the worker to end first."""
        self.heartbeats.stop()
        if self.process is not None:
            if asked:
                self.link.send(messages.shutdown())
            await self.process.terminate(asked)
        self.link.close()

    def _beat(self, seconds: float) -> None:
        self._around.counters.heartbeat_answered(seconds)
        self._around.on_beat(0)

    def _missed(self, misses: int) -> None:
        self._around.counters.misses += 1
        self._around.on_beat(misses)

    def _take(self, payload: bytes | None) -> None:
        try:
            if payload is None:
                raise MalformedMessageError("MALFORMED_MESSAGE", "it has the wrong frames")
            message = messages.read(payload)
        except MalformedMessageError as error:
            self._drop(error)
            return
        if message is None:
            return
        kind = message["type"]
        if kind in ("response", "error"):
            self._around.calls.answered(message)
        elif kind == "heartbeat":
            self.heartbeats.answered(message["id"])
        elif kind in ("stdout", "stderr"):
            if kind == "stderr" and self.process is not None:
                self.process.note_stderr(f"{message['output']}\n".encode("utf-8", "replace"))
            self._around.on_line(kind, message["output"])

    def _drop(self, error: MalformedMessageError) -> None:
        """An answer that cannot be read ends its call all the same, where its id can: else it would wait in vain."""
        self._around.counters.dropped += 1
        if error.message_id and error.message_type in ("response", "error", None):
            told = f"{self._around.name} answered with something that cannot be read: {error}"
            self._around.calls.failed(
                error.message_id, lambda name: SerializationError(error.code, f"'{name}': {told}")
            )


def _exited_early(exit: Exit) -> SpawnError:
    hint = exit.last_words if exit.stderr_tail else f"{exit.last_words} Check that the script runs its worker."
    text = f"The worker ended before it could be reached ({exit}): {exit.command}\n{hint}"
    return SpawnError("EXITED_EARLY", text, exit)


Open = Callable[[Live], Awaitable[None]]
"""Makes a new link stand: by `Live.spawn` or `Live.connect`."""
