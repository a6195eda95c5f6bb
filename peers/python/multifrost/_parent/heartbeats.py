"""Heartbeats of one session: the first proves that the worker can be reached, the others that it still can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .._messages import Messages, new_id
from .._zmtp.reader import Payload


class Heartbeats:
    """Sends heartbeats and counts the misses in a row.

    Args:
        interval: From one heartbeat to the next, in seconds; 0 sends only the first.
        timeout: A heartbeat not answered within this time is a miss, in seconds.
        send: Sends a payload.
        on_answer: Called with the round trip in seconds.
        on_miss: Called with the number of misses in a row.
        messages: Encodes the heartbeats.
    """

    def __init__(
        self,
        interval: float,
        timeout: float,
        send: Callable[[bytes], None],
        on_answer: Callable[[float], None],
        on_miss: Callable[[int], None],
        messages: Messages,
    ) -> None:
        self._messages = messages
        self._interval = interval
        self._timeout = timeout
        self._send = send
        self._on_answer = on_answer
        self._on_miss = on_miss
        self._misses = 0
        self._sent: dict[str, tuple[float, bytes]] = {}
        """When each heartbeat was sent that is not answered, and its bytes."""
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._next: asyncio.TimerHandle | None = None
        self.first: asyncio.Future[None] = self._loop.create_future()
        """Done when the first heartbeat was answered."""

    def send_first(self) -> None:
        """Sends the first heartbeat. It never counts as missed; the caller limits the time."""
        self._beat()

    def start(self) -> None:
        """Sends all further heartbeats."""
        if self._interval > 0:
            self._beat_on()

    def answered(self, message_id: str, payload: Payload) -> bool:
        """Handles an answer. False: no heartbeat with this id waits for one, or it is an echo of the heartbeat."""
        sent, question = self._sent.get(message_id, (0.0, b""))
        if not question or question == bytes(payload):
            return False
        del self._sent[message_id]
        if timer := self._timers.pop(message_id, None):
            timer.cancel()
        if self.first.done():
            self._misses = 0
            self._on_answer(time.monotonic() - sent)
        else:
            self.first.set_result(None)  # it waited for the connection, so its time is not a round trip
        return True

    def stop(self) -> None:
        for timer in (self._next, *self._timers.values()):
            if timer is not None:
                timer.cancel()
        self._timers.clear()
        self._sent.clear()

    def _beat_on(self) -> None:
        message_id = self._beat()
        self._timers[message_id] = self._loop.call_later(self._timeout, self._miss, message_id)
        self._next = self._loop.call_later(self._interval, self._beat_on)

    def _beat(self) -> str:
        message_id = new_id()
        question = self._messages.heartbeat(message_id)
        self._sent[message_id] = (time.monotonic(), question)
        self._send(question)
        return message_id

    def _miss(self, message_id: str) -> None:
        del self._timers[message_id], self._sent[message_id]
        self._misses += 1
        self._on_miss(self._misses)
