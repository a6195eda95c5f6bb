"""A parent from start to stop: its link is opened, watched, and made anew when it ends."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from typing import Literal

from ..errors import ConnectionLostError, Exit, MultifrostError, NotRunningError, SpawnError, WorkerExitedError
from .live import Live, Open, Surroundings

State = Literal["idle", "starting", "running", "restarting", "reconnecting", "exited", "stopping", "stopped"]

LONGEST_BACKOFF = 5.0
"""Where the doubling of `restart_backoff` ends, in seconds."""

_NEXT_STEP = {
    "idle": "Call `await worker.start()` first.",
    "starting": "Wait for `await worker.start()` first.",
}


class Life:
    """Opens links with `open_link`, one at a time; `is_service` tells that nobody but time brings a worker back."""

    def __init__(self, around: Surroundings, open_link: Open, is_service: bool) -> None:
        self.state: State = "idle"
        self.live: Live | None = None
        self._around = around
        self._options = around.options
        self._open_link = open_link
        self._is_service = is_service
        self._task: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._exit: Exit | None = None
        self._attempts = 0
        self._live_since = 0.0

    async def start(self) -> None:
        """Resolves when the worker can be reached; raises `SpawnError`, `ConnectionLostError`, `RegistryError`."""
        if self.state != "idle":
            text = f"start() was called, but {self._around.name} is {self.state}. "
            raise MultifrostError("ALREADY_STARTED", f"{text}Start it once; after a stop, make a new one.")
        self.state = "starting"
        self._task = asyncio.create_task(self._open())
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if self._stopping is not None:
                raise self._not_running("start() was cut short", "stopping") from None
            await self._end_task()
            self.state = "idle"
            raise
        except BaseException:
            self.state = "idle"
            raise
        self._task = asyncio.create_task(self._watch())

    def check(self, function: str) -> None:
        """Raises why there is no worker to take a call: `NotRunningError`, `WorkerExitedError`."""
        if self.state in ("running", "restarting", "reconnecting"):
            return
        if self.state == "exited":
            raise self._gone(function, self._exit)
        raise self._not_running(f"'{function}' was not sent", self.state)

    async def stop(self) -> None:
        """Ends all of it, once; whoever calls it again waits for the same end."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    def kill(self) -> None:
        """Ends a process that does not answer; what follows is what follows any exit."""
        if self.live and self.live.process:
            self.live.process.signal(signal.SIGKILL)

    async def _open(self) -> None:
        live = Live(self._around)
        try:
            await self._open_link(live)
        except BaseException:
            await asyncio.shield(live.close())
            raise
        self.live, self._live_since = live, time.monotonic()
        self.state = "running"
        self._around.calls.send_waiting(live.link.send)

    async def _watch(self) -> None:
        while self.live is not None:
            exit = await self.live.ended()
            self._around.calls.fail_all(lambda name, exit=exit: self._lost(name, exit), sent=True)  # type: ignore[misc]
            self._count_failure()
            if exit is None and self.live.process is not None:
                self.live.link.down.clear()  # the worker's side connects again
                continue
            await self._drop()
            if not self._is_service and not self._options.auto_restart:
                self._give_up(exit)
            else:
                await self._recover(exit)

    def _count_failure(self) -> None:
        """One failure of the worker, however many calls were waiting for it."""
        breaker = self._around.breaker
        if ticket := breaker.admit():
            breaker.failure(ticket)

    async def _drop(self) -> None:
        live, self.live = self.live, None
        self._around.calls.send = None
        if live is not None:
            await live.close()

    async def _recover(self, exit: Exit | None) -> None:
        self.state = "reconnecting" if self._is_service else "restarting"
        if time.monotonic() - self._live_since >= self._options.restart_window:
            self._attempts = 0
        while self._is_service or self._attempts < self._options.max_restart_attempts:
            bound = min(self._options.restart_backoff * 2 ** min(self._attempts, 20), LONGEST_BACKOFF)
            self._attempts += 1
            await asyncio.sleep(random.uniform(0, bound))
            try:
                await self._open()
            except SpawnError as error:
                exit = Exit(error.exit_code, error.signal, error.stderr_tail, error.command)
            except MultifrostError:
                pass  # not there yet
            else:
                if not self._is_service:
                    self._around.counters.restarts += 1
                self._around.breaker.close()
                return
        self._around.breaker.trip()
        self._give_up(exit)

    def _give_up(self, exit: Exit | None) -> None:
        self.state, self._exit = "exited", exit
        self._around.calls.fail_all(lambda name: self._gone(name, exit))

    async def _stop(self) -> None:
        name, calls = self._around.name, self._around.calls
        opening = self.state in ("starting", "restarting", "reconnecting")
        self.state = "stopping"
        calls.fail_all(lambda function: self._not_running(f"'{function}' was not sent", "stopping"), sent=False)
        if opening:
            await self._end_task()
        await calls.drained(self._options.stop_timeout)
        await self._end_task()
        live, self.live = self.live, None
        calls.send = None
        if live is not None:
            await live.close(asked=True)
        limit = (
            f"calls in flight have {self._options.stop_timeout:g} s to finish (stop_timeout). It may have run or not."
        )
        calls.fail_all(
            lambda function: NotRunningError(f"'{function}' got no answer: {name} was stopped, and {limit}", "stopped")
        )
        self.state = "stopped"

    async def _end_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _not_running(self, what: str, state: str) -> NotRunningError:
        doing = "not started" if state == "idle" else state
        step = _NEXT_STEP.get(state, "stop() was called; make a new worker to go on.")
        return NotRunningError(f"{what}: {self._around.name} is {doing}. {step}", state)

    def _lost(self, function: str, exit: Exit | None) -> Exception:
        if exit is not None:
            return self._exited(f"'{function}' got no answer: {self._around.name} ended", function, exit)
        text = f"'{function}' got no answer: the connection to {self._around.name} was lost. It may have run or not; "
        return ConnectionLostError("CONNECTION_LOST", f"{text}calls made from now on wait for it to come back.")

    def _gone(self, function: str, exit: Exit | None) -> Exception:
        if exit is not None:
            return self._exited(f"'{function}' was not sent: {self._around.name} has ended", function, exit)
        text = f"'{function}' was not sent: the connection to {self._around.name} is lost for good."
        return ConnectionLostError("CONNECTION_LOST", text)

    def _exited(self, what: str, function: str, exit: Exit) -> WorkerExitedError:
        hint = "Make a new worker, or have it restarted with the option auto_restart."
        return WorkerExitedError(f"{what} ({exit}): {exit.command}\n{hint} {exit.last_words}", function, exit)
