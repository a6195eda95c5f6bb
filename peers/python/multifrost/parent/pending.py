"""Calls on their way: admitted, sent, and settled exactly once, by an answer, a timeout or a loss."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import messages
from ..errors import (
    CallTimeoutError,
    CircuitOpenError,
    ConnectionLostError,
    MultifrostError,
    OverloadError,
    RemoteCallError,
)
from ..messages import REFUSALS, Message
from ..remote import read_failure
from .breaker import Breaker, Ticket
from .metrics import Counters
from .options import DEFAULT, CallOptions, Options, check_timeout

NO_FAILURES = {*REFUSALS, "UNSENDABLE_VALUE", "MESSAGE_TOO_LARGE", "LIMIT_EXCEEDED", "MALFORMED_MESSAGE", "NOT_RUNNING"}
"""Codes that say nothing about the worker's health: the caller's own mistakes, and what was never sent."""


@dataclass(slots=True, eq=False)
class Pending:
    """One call that has not ended."""

    id: str
    name: str
    payload: bytes
    ticket: Ticket
    future: asyncio.Future[Message]
    began: float
    sent: bool = False
    timer: asyncio.TimerHandle | None = None


MakeError = Callable[[str], Exception]


class PendingCalls:
    """All calls of one parent. While `send` is None there is no connection, and calls wait for it."""

    def __init__(self, worker_name: str, options: Options, breaker: Breaker, counters: Counters) -> None:
        self.send: Callable[[bytes], None] | None = None
        self._worker = worker_name
        self._options = options
        self._breaker = breaker
        self._counters = counters
        self._calls: dict[str, Pending] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    async def make(self, name: str, args: Sequence[Any], options: CallOptions) -> Message:
        """Sends a call and waits for its answer; raises whatever it ends with."""
        timeout = self._options.default_timeout if options.timeout is DEFAULT else options.timeout
        check_timeout("timeout", timeout)
        message_id = messages.new_id()
        namespace = options.namespace or self._options.namespace
        client_name = options.client_name or self._options.client_name
        payload = messages.call(message_id, name, args, namespace, client_name)
        ticket = self._admit(name)
        loop = asyncio.get_running_loop()
        call = Pending(message_id, name, payload, ticket, loop.create_future(), time.monotonic())
        self._calls[message_id] = call
        self._empty.clear()
        self._counters.call_started()
        self._limit_time(call, timeout, loop)
        if self.send is not None:
            self._send(call, self.send)
        try:
            return await call.future
        except asyncio.CancelledError:
            self._breaker.ignored(ticket)
            self._remove(call, ok=False)
            raise

    def _admit(self, name: str) -> Ticket:
        limit = self._options.max_pending
        if len(self._calls) >= limit:
            text = f"'{name}' was not sent: {limit} calls to {self._worker} are waiting (max_pending). "
            raise OverloadError(text + "Await some of them first, or use more workers.", limit)
        ticket = self._breaker.admit()
        if ticket is None:
            retry_at = self._breaker.retry_at
            text = (
                f"'{name}' was not sent: the circuit to {self._worker} is open after repeated failures. The next trial "
                f"call is let through at {retry_at.isoformat(timespec='milliseconds')}; reset_circuit() closes it now."
            )
            raise CircuitOpenError(text, retry_at)
        return ticket

    def send_waiting(self, send: Callable[[bytes], None]) -> None:
        """There is a connection: sends what waited for it, in order, and all that comes."""
        self.send = send
        for call in list(self._calls.values()):
            if not call.sent:
                self._send(call, send)

    def _send(self, call: Pending, send: Callable[[bytes], None]) -> None:
        call.sent = True
        send(call.payload)

    def answered(self, message: Message) -> bool:
        """Settles a call with a response or an error; False for one that is not waited for."""
        call = self._calls.get(message["id"])
        if call is None:
            return False
        self._settle(call, message if message["type"] == "response" else self._remote_error(call.name, message))
        return True

    def failed(self, message_id: str, make_error: MakeError) -> None:
        """Settles one call, if it is waited for, with what went wrong."""
        if call := self._calls.get(message_id):
            self._settle(call, make_error(call.name))

    def fail_all(self, make_error: MakeError, *, sent: bool | None = None) -> None:
        """Settles all calls, or those that were sent or not; the breaker is not told of each."""
        for call in list(self._calls.values()):
            if sent is None or call.sent is sent:
                self._breaker.ignored(call.ticket)
                self._finish(call, make_error(call.name))

    async def drained(self, seconds: float) -> None:
        """Waits until no call is left, but not longer than this."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)

    def _remote_error(self, name: str, message: Message) -> RemoteCallError:
        failure = read_failure(message)
        text = f"'{name}' failed in {self._worker}: {failure.name}: {failure.message}"
        return RemoteCallError(
            f"{self._worker}: {failure.message}" if failure.refusal else text,
            name,
            code=failure.refusal or "REMOTE_ERROR",
            remote_name=failure.name,
            remote_message=failure.message,
            remote_stack=failure.stack,
            remote_code=failure.code,
        )

    def _settle(self, call: Pending, outcome: Message | Exception) -> None:
        if not isinstance(outcome, Exception):
            self._breaker.success(call.ticket)
        elif self._counts(outcome):
            self._breaker.failure(call.ticket)
        else:
            self._breaker.ignored(call.ticket)
        self._finish(call, outcome)

    def _counts(self, error: Exception) -> bool:
        if isinstance(error, MultifrostError) and error.code in NO_FAILURES:
            return False
        return self._options.is_failure is None or self._options.is_failure(error)

    def _finish(self, call: Pending, outcome: Message | Exception) -> None:
        self._remove(call, ok=not isinstance(outcome, Exception))
        if call.future.done():  # cancelled in this very turn of the loop
            return
        if isinstance(outcome, Exception):
            call.future.set_exception(outcome)
        else:
            call.future.set_result(outcome)

    def _remove(self, call: Pending, ok: bool) -> None:
        if self._calls.pop(call.id, None) is None:
            return
        if call.timer is not None:
            call.timer.cancel()
        self._counters.call_ended(ok, time.monotonic() - call.began)
        if not self._calls:
            self._empty.set()

    def _limit_time(self, call: Pending, timeout: float | None, loop: asyncio.AbstractEventLoop) -> None:
        if timeout is not None:
            call.timer = loop.call_later(timeout, self._time_out, call, timeout)
        elif self.send is None or self._breaker.is_trial(call.ticket):
            call.timer = loop.call_later(self._options.start_timeout, self._stop_holding_up, call)

    def _time_out(self, call: Pending, timeout: float) -> None:
        text = f"'{call.name}' timed out after {timeout:g} s. "
        if call.sent:
            text += f"No answer came; {self._worker} may still be running it. "
        else:
            text += "It waited for the worker to come back; it was never sent. "
        text += "Give it more with with_options(timeout=...), or look at what the worker does."
        self._settle(call, CallTimeoutError(text, call.name, timeout))

    def _stop_holding_up(self, call: Pending) -> None:
        """For a call without a timeout that waits for a connection, or as the trial keeps all others out."""
        if call.sent:
            self._breaker.ignored(call.ticket)
            return
        text = f"'{call.name}' was not sent: {self._worker} did not come back within {self._options.start_timeout:g} s."
        self._settle(call, ConnectionLostError("UNREACHABLE", f"{text} (start_timeout)"))
