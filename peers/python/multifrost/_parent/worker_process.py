"""A worker's process: starts it, reads its output and notices when it exits."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping

from .._lines import LineSplitter
from .._spawn_variables import ALL_VARIABLES, MODE_VARIABLE
from ..errors import ProcessExit
from .exit_guard import guard, signal_group, unguard
from .launch_plan import LaunchPlan, not_started

STDERR_TAIL = 4096
"""How much of the end of its stderr is kept for errors, in bytes."""

OUTPUT_GRACE = 0.2
"""How long to wait for the rest of its output after its exit, in seconds."""

EXIT_GRACE = 1.0
"""How long it may take to exit after the shutdown message, in seconds."""

TERM_GRACE = 2.0
"""How long it may take to exit after SIGTERM, in seconds."""

_KINDS = {1: "stdout", 2: "stderr"}

OnLine = Callable[[str, str], None]
"""Called with ``stdout`` or ``stderr`` and a line."""


class WorkerProcess(asyncio.SubprocessProtocol):
    """A running process. `exited` is done when it has ended.

    Args:
        plan: What was started.
        on_line: Called with each line that the process writes.
    """

    # Not asyncio.subprocess.Process: its `wait` ends only when the pipes are closed, which a process that the worker
    # left behind can keep open.

    pid: int
    """The process id. The process leads its process group and its session."""

    def __init__(self, plan: LaunchPlan, on_line: OnLine) -> None:
        self.command = str(plan)
        self._tail = bytearray()
        self._on_line = on_line
        self._lines = {1: LineSplitter(), 2: LineSplitter()}
        self._loop = asyncio.get_running_loop()
        self._output_ended = self._loop.create_future()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self.exited: asyncio.Future[ProcessExit] = asyncio.ensure_future(self._wait())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self.pid = transport.get_pid()
        guard(self.pid)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        kind = _KINDS[fd]
        if kind == "stderr":
            self.add_stderr(data)
        for line in self._lines[fd].add(data):
            self._on_line(kind, line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd not in self._lines:
            return
        for line in self._lines.pop(fd).rest():
            self._on_line(_KINDS[fd], line)
        if not self._lines and not self._output_ended.done():
            self._output_ended.set_result(None)

    def process_exited(self) -> None:
        code = self._transport.get_returncode()
        if not self._ended.done():
            self._ended.set_result(-signal.SIGKILL if code is None else code)

    def cancel(self) -> None:
        """Forgets a process that could not be started."""
        self.exited.cancel()

    @property
    def stderr_tail(self) -> str:
        return self._tail.decode("utf-8", "replace").rstrip("\n")

    def add_stderr(self, data: bytes) -> None:
        """Adds to the tail of stderr. Lines that arrive as messages are added too."""
        self._tail += data
        del self._tail[:-STDERR_TAIL]

    async def terminate(self, asked: bool) -> ProcessExit:
        """Ends the process with SIGTERM, then with SIGKILL.

        Args:
            asked: Whether it got a shutdown message. Then it has 1 s to exit before SIGTERM.
        """
        if asked and await self._ends_within(EXIT_GRACE):
            return self.exited.result()
        self.signal(signal.SIGTERM)
        if not await self._ends_within(TERM_GRACE):
            self.signal(signal.SIGKILL)
        return await asyncio.shield(self.exited)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal. Does nothing if the process has ended."""
        if not self._ended.done():
            signal_group(self.pid, number)

    async def _ends_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self.exited], timeout=seconds)
        return bool(done)

    async def _wait(self) -> ProcessExit:
        code = await self._ended
        signal_group(self.pid, signal.SIGKILL)  # its child processes end with it
        unguard(self.pid)
        await asyncio.wait([self._output_ended], timeout=OUTPUT_GRACE)
        for fd in list(self._lines):  # a process that left the group may keep the pipes open forever
            self.pipe_connection_lost(fd, None)
        self._transport.close()
        name = None if code >= 0 else signal.Signals(-code).name
        return ProcessExit(code if code >= 0 else None, name, self.stderr_tail, self.command)


async def start_process(
    plan: LaunchPlan, address: Mapping[str, str], env: Mapping[str, str], on_line: OnLine
) -> WorkerProcess:
    """Starts a worker's process.

    Args:
        address: Variables that tell the worker where to connect.
        env: Variables added to the environment.
        on_line: Called with each line that the process writes.

    Raises:
        SpawnError: ``PROGRAM_NOT_FOUND``, or ``SPAWN_FAILED`` with the system's reason.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in ALL_VARIABLES}
    process = WorkerProcess(plan, on_line)
    try:
        await asyncio.get_running_loop().subprocess_exec(
            lambda: process,
            *plan.words,
            cwd=plan.cwd,
            env={**inherited, **plan.env, **env, **address, MODE_VARIABLE: "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that the program that `go run` starts ends with it
        )
    except FileNotFoundError as error:
        process.cancel()
        text = f"The program '{plan.words[0]}' was not found. Install it, or name another executable."
        raise not_started("PROGRAM_NOT_FOUND", text, plan) from error
    except OSError as error:
        process.cancel()
        text = f"{plan} could not be started: {error.strerror}. Check that it may be executed."
        raise not_started("SPAWN_FAILED", text, plan) from error
    return process
