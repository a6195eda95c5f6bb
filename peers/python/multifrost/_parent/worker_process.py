"""A worker's process: starts it, reads its output and notices when it exits."""

from __future__ import annotations

import asyncio
import os
import signal
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

OnLine = Callable[[str, str], None]
"""Called with ``stdout`` or ``stderr`` and a line."""


class WorkerProcess:
    """A running process. `exited` is done when it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, plan: LaunchPlan, on_line: OnLine) -> None:
        self.pid = process.pid
        self.command = str(plan)
        self._process = process
        self._tail = bytearray()
        self._on_line = on_line
        guard(self.pid)
        assert process.stdout and process.stderr
        self._output = [
            asyncio.ensure_future(self._read("stdout", process.stdout)),
            asyncio.ensure_future(self._read("stderr", process.stderr)),
        ]
        self.exited = asyncio.ensure_future(self._wait())

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
        if self._process.returncode is None:
            signal_group(self.pid, number)

    async def _ends_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self.exited], timeout=seconds)
        return bool(done)

    async def _wait(self) -> ProcessExit:
        code = await self._process.wait()
        signal_group(self.pid, signal.SIGKILL)  # its child processes end with it
        unguard(self.pid)
        await asyncio.wait(self._output, timeout=OUTPUT_GRACE)
        for reading in self._output:  # a process that left the group may keep the pipes open forever
            reading.cancel()
        name = None if code >= 0 else signal.Signals(-code).name
        return ProcessExit(code if code >= 0 else None, name, self.stderr_tail, self.command)

    async def _read(self, kind: str, stream: asyncio.StreamReader) -> None:
        lines = LineSplitter()
        while chunk := await stream.read(65536):
            if kind == "stderr":
                self.add_stderr(chunk)
            for line in lines.add(chunk):
                self._on_line(kind, line)
        for line in lines.rest():
            self._on_line(kind, line)


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
    try:
        process = await asyncio.create_subprocess_exec(
            *plan.words,
            cwd=plan.cwd,
            env={**inherited, **plan.env, **env, **address, MODE_VARIABLE: "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # so that the program that `go run` starts ends with it
        )
    except FileNotFoundError as error:
        text = f"The program '{plan.words[0]}' was not found. Install it, or name another executable."
        raise not_started("PROGRAM_NOT_FOUND", text, plan) from error
    except OSError as error:
        text = f"{plan} could not be started: {error.strerror}. Check that it may be executed."
        raise not_started("SPAWN_FAILED", text, plan) from error
    return WorkerProcess(process, plan, on_line)
