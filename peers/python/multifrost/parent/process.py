"""The worker's process and nothing else: started, its output always read, its end noticed at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping

from ..errors import Exit
from ..lines import LineSplitter
from .exit_guard import guard, signal_group, unguard
from .launch import Command, refused

TAIL = 4096
"""How much of its stderr is kept for errors, in bytes."""

OUTPUT_GRACE = 0.2
"""How long after its exit the rest of its output and its last answers are waited for, in seconds."""

EXIT_GRACE = 1.0
"""How long it may take to exit by itself after the shutdown message, in seconds."""

TERM_GRACE = 2.0
"""How long it may take to exit after SIGTERM, in seconds."""

OnLine = Callable[[str, str], None]


class WorkerProcess:
    """A running worker; `exited` is done when it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, command: Command, on_line: OnLine) -> None:
        self.pid = process.pid
        self.command = str(command)
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

    def note_stderr(self, data: bytes) -> None:
        """Adds to the tail of stderr, also what reached the parent as messages."""
        self._tail += data
        del self._tail[:-TAIL]

    async def terminate(self, asked: bool) -> Exit:
        """Makes it end: by SIGTERM, then by SIGKILL. `asked`: it got a shutdown message, and may end by itself."""
        if asked and await self._ends_within(EXIT_GRACE):
            return self.exited.result()
        self.signal(signal.SIGTERM)
        if not await self._ends_within(TERM_GRACE):
            self.signal(signal.SIGKILL)
        return await asyncio.shield(self.exited)

    def signal(self, number: signal.Signals) -> None:
        """No effect once it has ended."""
        if self._process.returncode is None:
            signal_group(self.pid, number)

    async def _ends_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self.exited], timeout=seconds)
        return bool(done)

    async def _wait(self) -> Exit:
        code = await self._process.wait()
        signal_group(self.pid, signal.SIGKILL)  # whatever it has started ends with it
        unguard(self.pid)
        await asyncio.wait(self._output, timeout=OUTPUT_GRACE)
        for reading in self._output:  # somebody who has left the group may hold the pipes for ever
            reading.cancel()
        name = None if code >= 0 else signal.Signals(-code).name
        return Exit(code if code >= 0 else None, name, self.stderr_tail, self.command)

    async def _read(self, kind: str, stream: asyncio.StreamReader) -> None:
        lines = LineSplitter()
        while chunk := await stream.read(65536):
            if kind == "stderr":
                self.note_stderr(chunk)
            for line in lines.add(chunk):
                self._on_line(kind, line)
        for line in lines.rest():
            self._on_line(kind, line)


async def start_process(command: Command, port: int, env: Mapping[str, str], on_line: OnLine) -> WorkerProcess:
    """Raises `SpawnError`: ``PROGRAM_NOT_FOUND``, or ``SPAWN_FAILED`` with the system's reason."""
    ours = {"COMLINK_ZMQ_PORT": str(port), "COMLINK_WORKER_MODE": "1"}
    try:
        process = await asyncio.create_subprocess_exec(
            *command.words,
            cwd=command.cwd,
            env={**os.environ, **command.env, **env, **ours},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # so that what `go run` starts in turn can be ended along with it
        )
    except FileNotFoundError as error:
        text = f"The program '{command.words[0]}' was not found. Install it, or name another executable."
        raise refused("PROGRAM_NOT_FOUND", text, command) from error
    except OSError as error:
        text = f"{command} could not be started: {error.strerror}. Check that it may be executed."
        raise refused("SPAWN_FAILED", text, command) from error
    return WorkerProcess(process, command, on_line)
