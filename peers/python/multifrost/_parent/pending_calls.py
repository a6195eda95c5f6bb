"""Calls in flight: each is admitted, sent, and settled exactly once by an answer, a timeout or an error."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._messages import Message, Messages, new_id
from .._remote_failure import RemoteFailure, read_remote_failure
from ..errors import (
    CallTimeoutError,
    CircuitOpenError,
    ConnectionLostError,
    OverloadError,
    RemoteCallError,
)
from .circuit_breaker import CircuitBreaker, Ticket
from .method_circuits import MethodCircuits
from .metrics import Counters
from .options import DEFAULT, CallOptions, Options


@dataclass(slots=True, eq=False)
class PendingCall:
    """One call that has not ended."""

    id: str
    name: str
    payload: bytes
    ticket: Ticket
    method_ticket: Ticket | None
    """None unless the method's latest calls failed."""
    future: asyncio.Future[Message]
    started: float
    sent: bool = False
    timer: asyncio.TimerHandle | None = None


MakeError = Callable[[str], Exception]

Send = Callable[[bytes], bool]
"""Sends a payload. False: the connection is lost, and nothing was sent."""


class PendingCalls:
    """All calls of one parent that have not ended. They outlive sessions: without one, calls wait for the next.

    Args:
        worker_name: The worker's name in messages.
        options: The parent's options.
        breaker: The circuit breaker of the worker.
        methods: Those of methods that raise.
        counters: The parent's counters.
        sends_again: Whether another session follows a lost one: a call that its worker did not run is sent again then.
    """

    def __init__(
        self,
        worker_name: str,
        options: Options,
        breaker: CircuitBreaker,
        methods: MethodCircuits,
        counters: Counters,
        sends_again: bool,
    ) -> None:
        self._send: Send | None = None
        """Sends on the current session; None while there is none, or its worker is stopping."""
        self.sends_again = sends_again
        self.is_leaving = False
        """Whether the worker of the latest session refused a call because it was stopping."""
        self._methods = methods
        self._worker = worker_name
        self._messages = Messages(options.app, options.limits)
        self._options = options
        self._breaker = breaker
        self._counters = counters
        self._calls: dict[str, PendingCall] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    async def make(self, name: str, args: Sequence[Any], options: CallOptions) -> Message:
        """Sends a call and returns its answer. Raises the error that it ends with."""
        timeout = self._options.default_timeout if options.timeout is DEFAULT else options.timeout
        message_id = new_id()
        namespace = options.namespace or self._options.namespace
        client_name = options.client_name or self._options.client_name
        payload = self._messages.call(message_id, name, args, namespace, client_name)
        ticket = self._admit(name)
        method_ticket = self._admit_method(name, ticket) if self._methods else None
        loop = asyncio.get_running_loop()
        call = PendingCall(message_id, name, payload, ticket, method_ticket, loop.create_future(), time.monotonic())
        self._calls[message_id] = call
        self._empty.clear()
        self._counters.call_started()
        self._send_now(call)
        self._limit_time(call, timeout, loop)
        try:
            return await call.future
        except asyncio.CancelledError:
            self._ignore(call)
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

    def _admit_method(self, name: str, ticket: Ticket) -> Ticket | None:
        admitted = self._methods.admit(name)
        if isinstance(admitted, datetime):
            self._breaker.ignored(ticket)
            text = (
                f"'{name}' was not sent: in {self._worker} it failed again and again, so that its circuit is open; "
                f"other methods can be called. The next trial call is let through at "
                f"{admitted.isoformat(timespec='milliseconds')}; reset_circuit() closes it now. Errors that are no "
                "failure of the method can be exempted with the option is_failure."
            )
            raise CircuitOpenError(text, admitted, name)
        return admitted

    def resume(self, send: Send) -> None:
        """Sends the waiting calls in order, and further calls at once, with `send`."""
        self._send, self.is_leaving = send, False
        for call in list(self._calls.values()):
            if not call.sent:
                self._send_now(call)

    def pause(self) -> None:
        """Lets further calls wait until `resume`."""
        self._send = None

    def _send_now(self, call: PendingCall) -> None:
        if self._send is not None:
            call.sent = self._send(call.payload)

    def answered(self, message: Message) -> bool:
        """Settles a call with a response or an error answer. False: no call with this id is waiting."""
        call = self._calls.get(message["id"])
        if call is None:
            return False
        if message["type"] == "response":
            self._settle(call, message)
            return True
        failure = read_remote_failure(message)
        if failure.refusal == "STOPPING" and self.sends_again:
            self._wait_for_next(call)
        else:
            self._settle(call, self._remote_error(call.name, failure))
        return True

    def _wait_for_next(self, call: PendingCall) -> None:
        """Keeps a call that the worker did not run, as it is stopping, for the next session; and all further calls."""
        self.is_leaving = True
        self.pause()
        call.sent = False
        if call.timer is None:
            loop = asyncio.get_running_loop()
            call.timer = loop.call_later(self._options.start_timeout, self._stop_waiting, call)

    def failed(self, message_id: str, make_error: MakeError) -> None:
        """Settles one call with an error, if it is waiting."""
        if call := self._calls.get(message_id):
            self._settle(call, make_error(call.name))

    def fail_all(self, make_error: MakeError, *, sent: bool | None = None) -> None:
        """Settles all calls with an error each. They do not count as failures for the circuit breaker.

        Args:
            make_error: Makes the error from the method's name.
            sent: True: only calls that were sent; False: only those that were not. Default: both.
        """
        for call in list(self._calls.values()):
            if sent is None or call.sent is sent:
                self._ignore(call)
                self._finish(call, make_error(call.name))

    async def drained(self, seconds: float) -> None:
        """Waits until no call is left, at most `seconds`."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)

    def _remote_error(self, name: str, failure: RemoteFailure) -> RemoteCallError:
        text = f"'{name}' failed in {self._worker}: {failure.name}: {failure.message}"
        return _rebuilt(failure, f"{self._worker}: {failure.message}" if failure.refusal else text, name)

    def _settle(self, call: PendingCall, result: Message | Exception) -> None:
        if not isinstance(result, Exception):
            self._breaker.success(call.ticket)
            if self._methods:
                self._methods.success(call.name, call.method_ticket)
        elif isinstance(result, RemoteCallError) and result.code == "REMOTE_ERROR":
            # It counts against this method alone: the worker answered.
            self._breaker.success(call.ticket)
            if self._is_failure(result):
                self._methods.failure(call.name, call.method_ticket)
            else:
                self._methods.ignored(call.name, call.method_ticket)
        else:
            if isinstance(result, CallTimeoutError) and call.sent and self._is_failure(result):
                self._breaker.failure(call.ticket)
            self._ignore(call)
        self._finish(call, result)

    def _ignore(self, call: PendingCall) -> None:
        """Ends a call without a verdict: the caller's mistake, a lost worker (counted once), one that was not sent."""
        self._breaker.ignored(call.ticket)
        self._methods.ignored(call.name, call.method_ticket)

    def _is_failure(self, error: Exception) -> bool:
        return self._options.is_failure is None or self._options.is_failure(error)

    def _finish(self, call: PendingCall, result: Message | Exception) -> None:
        self._remove(call, ok=not isinstance(result, Exception))
        if call.future.done():  # cancelled in this turn of the loop
            return
        if isinstance(result, Exception):
            call.future.set_exception(result)
        else:
            call.future.set_result(result)

    def _remove(self, call: PendingCall, ok: bool) -> None:
        if self._calls.pop(call.id, None) is None:
            return
        if call.timer is not None:
            call.timer.cancel()
        self._counters.call_ended(ok, time.monotonic() - call.started)
        if not self._calls:
            self._empty.set()

    def _limit_time(self, call: PendingCall, timeout: float | None, loop: asyncio.AbstractEventLoop) -> None:
        if timeout is not None:
            call.timer = loop.call_later(timeout, self._time_out, call, timeout)
        elif not call.sent or self._breaker.is_trial(call.ticket) or call.method_ticket is not None:
            call.timer = loop.call_later(self._options.start_timeout, self._stop_waiting, call)

    def _time_out(self, call: PendingCall, timeout: float) -> None:
        text = f"'{call.name}' timed out after {timeout:g} s. "
        if call.sent:
            text += f"No answer came; {self._worker} may still be running it. "
        else:
            text += "It waited for the worker to come back and was never sent. "
        text += "Allow more time with with_options(timeout=...), or check what the worker is doing."
        self._settle(call, CallTimeoutError(text, call.name, timeout))

    def _stop_waiting(self, call: PendingCall) -> None:
        """Ends the wait of a call without a timeout: for a session, or as the trial that keeps other calls out."""
        if call.sent:
            self._ignore(call)
            call.timer = None
            return
        text = f"'{call.name}' was not sent: {self._worker} did not come back within {self._options.start_timeout:g} s."
        self._settle(call, ConnectionLostError("UNREACHABLE", f"{text} (start_timeout)"))


def _rebuilt(failure: RemoteFailure, text: str, name: str) -> RemoteCallError:
    """Makes the error that a caller gets, with its causes."""

    def nested(part: RemoteFailure) -> RemoteCallError:
        return _rebuilt(part, f"{part.name}: {part.message}", name)

    error = RemoteCallError(
        text,
        name,
        code=failure.refusal or "REMOTE_ERROR",
        remote_name=failure.name,
        remote_message=failure.message,
        remote_stack=failure.stack,
        remote_code=failure.code,
        remote_data=failure.data,
        errors=tuple(nested(part) for part in failure.errors),
    )
    if failure.cause is not None:
        error.__cause__ = nested(failure.cause)
    return error
