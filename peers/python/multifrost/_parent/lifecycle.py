"""The lifecycle of a parent: opens a session, watches it, and opens the next one after it ends."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from typing import Literal

from ..errors import (
    ConnectionLostError,
    MultifrostError,
    NotRunningError,
    ProcessExit,
    SpawnError,
    WorkerExitedError,
)
from .circuit_breaker import CircuitBreaker
from .method_circuits import MethodCircuits
from .metrics import Counters
from .options import Options
from .pending_calls import PendingCalls
from .session import OpenSession, Session

logger = logging.getLogger("multifrost")

WorkerState = Literal[
    "idle", "starting", "running", "stalled", "restarting", "reconnecting", "exited", "stopping", "stopped"
]

LONGEST_BACKOFF = 5.0
"""Limit on the doubling of `restart_backoff`, in seconds."""

_NEXT_STEP = {
    "idle": "Call `await worker.start()` first.",
    "starting": "Wait for `await worker.start()` first.",
}


class Lifecycle:
    """Starts, restarts and stops. Has one session at a time.

    Args:
        name: The worker's name in messages.
        options: The parent's options.
        calls: The calls of all sessions.
        breaker: The circuit breaker of the worker.
        methods: Those of methods that raise.
        counters: The parent's counters.
        open_session: Opens a new session.
        is_service: Whether the worker is a service, which this parent cannot restart.
    """

    def __init__(
        self,
        name: str,
        options: Options,
        calls: PendingCalls,
        breaker: CircuitBreaker,
        methods: MethodCircuits,
        counters: Counters,
        open_session: OpenSession,
        is_service: bool,
    ) -> None:
        self.state: WorkerState = "idle"
        self.session: Session | None = None
        self.missed_heartbeats = 0
        """Heartbeats missed in a row."""
        self._name = name
        self._options = options
        self._calls = calls
        self._breaker = breaker
        self._methods = methods
        self._counters = counters
        self._open_session = open_session
        self._is_service = is_service
        self._task: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._exit: ProcessExit | None = None
        self._attempts = 0
        self._opened_at = 0.0

    async def start(self) -> None:
        """Returns when the worker can be reached.

        Raises:
            SpawnError, ConnectionLostError, RegistryError: See `ParentWorker.start`.
            NotRunningError: If `stop` is called meanwhile.
            MultifrostError: ``ALREADY_STARTED``.
        """
        if self.state != "idle":
            text = f"start() was called, but {self._name} is {self.state}. "
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
        self._task = asyncio.create_task(self._supervise())

    def check_running(self, function: str) -> None:
        """Returns if a call can be sent now or after a restart.

        Raises:
            NotRunningError: Before the start and after the stop.
            WorkerExitedError, ConnectionLostError: If the worker is gone for good.
        """
        if self.state in ("running", "stalled", "restarting", "reconnecting"):
            return
        if self.state == "exited":
            raise self._gone(function, self._exit)
        raise self._not_running(f"'{function}' was not sent", self.state)

    async def stop(self) -> None:
        """Ends everything once. Further calls wait for the same end."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    # Called by the heartbeats:

    def answered(self, seconds: float) -> None:
        self._counters.heartbeat_answered(seconds)

    def missed(self, misses: int) -> None:
        self._counters.misses += misses > 0
        self.missed_heartbeats = misses

    def stalled(self, seconds: float) -> None:
        text = "%s has answered no heartbeat for %g s, but is connected: it computes, is suspended, or hangs"
        logger.warning(f"{text}. Calls are still sent.", self._name, seconds)
        if self.state == "running":
            self.state = "stalled"

    def lost(self, seconds: float) -> None:
        logger.warning("%s has answered no heartbeat for %g s (stall_timeout).", self._name, seconds)
        self._breaker.trip()
        if self._options.auto_restart and self.session and self.session.process:
            self.session.stalled = seconds
            self.session.process.signal(signal.SIGKILL)  # `_supervise` handles it like any exit

    def recovered(self, was_lost: bool) -> None:
        logger.info("%s gives signs of life again.", self._name)
        if was_lost:
            self._breaker.close()
        if self.state == "stalled":
            self.state = "running"

    async def _open(self) -> None:
        session = Session(self._name, self._options, self._calls, self._counters, self)
        try:
            await self._open_session(session)
        except BaseException:
            await asyncio.shield(session.close())
            raise
        self.session, self._opened_at = session, time.monotonic()
        self.state, self.missed_heartbeats = "running", 0
        self._calls.resume(session.send)

    async def _supervise(self) -> None:
        while self.session is not None:
            exit = await self.session.ended()
            self._calls.fail_all(lambda name, exit=exit: self._lost(name, exit), sent=True)  # type: ignore[misc]
            if not self._calls.is_leaving:  # a worker that refused calls, as it was stopping, has ended in order
                self._count_failure()
            if exit is None and self.session.process is not None:
                self.session.await_reconnect()
                continue
            await self._close_session()
            if not self._is_service and not self._options.auto_restart:
                self._give_up(exit)
            else:
                await self._recover(exit)

    def _count_failure(self) -> None:
        """Counts one failure of the worker, however many calls were in flight."""
        if ticket := self._breaker.admit():
            self._breaker.failure(ticket)

    async def _close_session(self, asked: bool = False) -> None:
        session, self.session = self.session, None
        self._calls.pause()
        if session is not None:
            await session.close(asked)

    async def _recover(self, exit: ProcessExit | None) -> None:
        self.state = "reconnecting" if self._is_service else "restarting"
        # A session with a service begins with an answered heartbeat.
        if self._is_service or time.monotonic() - self._opened_at >= self._options.restart_window:
            self._attempts = 0
        while self._is_service or self._attempts < self._options.max_restart_attempts:
            longest = min(self._options.restart_backoff * 2 ** min(self._attempts, 20), LONGEST_BACKOFF)
            self._attempts += 1
            await asyncio.sleep(random.uniform(0, longest))
            try:
                await self._open()
            except SpawnError as error:
                exit = ProcessExit(error.exit_code, error.signal, error.stderr_tail, error.command)
            except MultifrostError:
                pass  # the service is not back yet
            else:
                if not self._is_service:
                    self._counters.restarts += 1
                self._breaker.close()
                self._methods.close()
                return
        self._breaker.trip()
        self._give_up(exit)

    def _give_up(self, exit: ProcessExit | None) -> None:
        self.state, self._exit = "exited", exit
        self._calls.fail_all(lambda name: self._gone(name, exit))

    async def _stop(self) -> None:
        name, calls = self._name, self._calls
        opening = self.state in ("starting", "restarting", "reconnecting")
        self.state, calls.sends_again = "stopping", False
        calls.fail_all(lambda function: self._not_running(f"'{function}' was not sent", "stopping"), sent=False)
        if opening:
            await self._end_task()
        await calls.drained(self._options.stop_timeout)
        await self._end_task()
        await self._close_session(asked=True)
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
        return NotRunningError(f"{what}: {self._name} is {doing}. {step}", state)

    def _lost(self, function: str, exit: ProcessExit | None) -> Exception:
        if exit is not None:
            return self._exited(f"'{function}' got no answer: {self._name} ended", function, exit)
        text = f"'{function}' got no answer: the connection to {self._name} was lost. It may have run or not; "
        return ConnectionLostError("CONNECTION_LOST", f"{text}calls made from now on wait for it to come back.")

    def _gone(self, function: str, exit: ProcessExit | None) -> Exception:
        if exit is not None:
            return self._exited(f"'{function}' was not sent: {self._name} has ended", function, exit)
        text = f"'{function}' was not sent: the connection to {self._name} is lost for good."
        return ConnectionLostError("CONNECTION_LOST", text)

    def _exited(self, what: str, function: str, exit: ProcessExit) -> WorkerExitedError:
        hint = "Make a new worker, or have it restarted with the option auto_restart."
        if exit.stalled is not None:
            hint = (
                f"It was killed because it answered no heartbeat for {exit.stalled:g} s: it computed, was suspended, "
                "or hung. Where that is right, give it more time with the option stall_timeout."
            )
        return WorkerExitedError(f"{what} ({exit}): {exit.command}\n{hint} {exit.stderr_report}", function, exit)
