"""Heartbeats of one session: the first proves that the worker can be reached, the others that it still can."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from .._messages import Messages, new_id
from .._zmtp.reader import Payload

LATE_REMEMBERED = 16
"""How many missed heartbeats are remembered: a late answer still shows that the worker is back."""

LOOK_PAUSE = 0.001
"""The pause between two looks whether what has arrived was read, in seconds."""


@dataclass(frozen=True)
class Rules:
    """When a worker is stalled, and when it is lost. Times are in seconds."""

    interval: float
    """From one heartbeat to the next; 0 sends only the first."""

    timeout: float
    """A heartbeat not answered within this time is a miss."""

    max_misses: int
    """Misses in a row after which the worker is stalled."""

    stall_timeout: float
    """How long heartbeats may stay unanswered before the worker is lost; counted in whole intervals."""

    @property
    def lost_after(self) -> float:
        """Misses in a row after which the worker is lost."""
        intervals = self.stall_timeout / self.interval
        return max(self.max_misses, math.ceil(intervals) if math.isfinite(intervals) else intervals)


class Listener(Protocol):
    """What is done about answers and misses."""

    def answered(self, seconds: float) -> None:
        """A heartbeat was answered after `seconds`."""

    def missed(self, misses: int) -> None:
        """Heartbeats were missed in a row; 0 after a sign of life."""

    def stalled(self, seconds: float) -> None:
        """The worker has given no sign of life for so long, but is connected."""

    def lost(self, seconds: float) -> None:
        """The worker was stalled for `stall_timeout`."""

    def recovered(self, was_lost: bool) -> None:
        """A stalled or lost worker gave a sign of life."""


class Source(Protocol):
    """What the connection knows of the worker."""

    heard: int
    """Grows whenever something of the worker is read."""

    def has_unread(self) -> bool:
        """Whether something has arrived that is not read yet."""


@dataclass(slots=True)
class _Beat:
    sent: float
    question: bytes
    """As it was sent: the same bytes are an echo."""
    heard: int
    timer: asyncio.TimerHandle | None = None


class Heartbeats:
    """Sends heartbeats, and reports answers, misses, stalls and recoveries.

    Args:
        rules: How often, and what counts.
        send: Sends a payload.
        source: What the connection knows.
        listener: Gets the reports.
        messages: Encodes the heartbeats.
    """

    def __init__(
        self, rules: Rules, send: Callable[[bytes], object], source: Source, listener: Listener, messages: Messages
    ) -> None:
        self._messages = messages
        self._rules = rules
        self._send = send
        self._source = source
        self._listener = listener
        self._misses = 0
        self._health: Literal["alive", "stalled", "lost"] = "alive"
        self._waiting: dict[str, _Beat] = {}
        self._late: dict[str, _Beat] = {}
        """Missed, the oldest first."""
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None
        self.first: asyncio.Future[None] = self._loop.create_future()
        """Done when the first heartbeat was answered."""

    def send_first(self) -> None:
        """Sends the first heartbeat. It never counts as missed; the caller limits the time."""
        self._beat()

    def start(self) -> None:
        """Sends all further heartbeats."""
        if self._rules.interval > 0:
            self._beat_on()

    def answered(self, message_id: str, payload: Payload) -> bool:
        """Handles an answer. False: no heartbeat with this id waits for one, or it is an echo of the heartbeat."""
        beat = self._waiting.get(message_id) or self._late.get(message_id)
        if beat is None or beat.question == bytes(payload):
            return False
        self._waiting.pop(message_id, None)
        self._late.pop(message_id, None)
        if beat.timer is not None:
            beat.timer.cancel()
        if self.first.done():
            self._listener.answered(time.monotonic() - beat.sent)
            self._revive()
        else:
            self.first.set_result(None)  # it waited for the connection, so its time is not a round trip
        return True

    def stop(self) -> None:
        for timer in (self._next, *(beat.timer for beat in self._waiting.values())):
            if timer is not None:
                timer.cancel()
        self._waiting.clear()
        self._late.clear()

    def _beat_on(self) -> None:
        message_id = self._beat()
        self._wait(message_id)
        self._next = self._loop.call_later(self._rules.interval, self._beat_on)

    def _beat(self) -> str:
        message_id = new_id()
        question = self._messages.heartbeat(message_id)
        self._waiting[message_id] = _Beat(time.monotonic(), question, self._source.heard)
        self._send(question)
        return message_id

    def _wait(self, message_id: str) -> None:
        timeout = self._rules.timeout
        began = time.monotonic()
        self._waiting[message_id].timer = self._loop.call_later(timeout, self._due, message_id, began)

    def _due(self, message_id: str, began: float) -> None:
        if time.monotonic() - began >= 2 * self._rules.timeout:
            self._wait(message_id)  # this process was suspended or blocked, and the worker may have been too
        else:
            self._judge(message_id, time.monotonic())

    def _judge(self, message_id: str, due: float) -> None:
        """Counts a miss unless the worker has sent anything since. What has arrived is read before."""
        beat = self._waiting[message_id]
        is_behind = self._source.heard == beat.heard and self._source.has_unread()
        if is_behind and time.monotonic() - due < self._rules.timeout:
            beat.timer = self._loop.call_later(LOOK_PAUSE, self._judge, message_id, due)
            return
        del self._waiting[message_id]
        self._late[message_id] = beat
        if len(self._late) > LATE_REMEMBERED:
            del self._late[next(iter(self._late))]
        if self._source.heard != beat.heard:
            self._revive()
        else:
            self._miss()

    def _miss(self) -> None:
        self._misses += 1
        silent = self._misses * self._rules.interval
        self._listener.missed(self._misses)
        if self._health == "alive" and self._misses >= self._rules.max_misses:
            self._health = "stalled"
            self._listener.stalled(silent)
        if self._health == "stalled" and self._misses >= self._rules.lost_after:
            self._health = "lost"
            self._listener.lost(silent)

    def _revive(self) -> None:
        health, self._health = self._health, "alive"
        if self._misses:
            self._misses = 0
            self._listener.missed(0)
        if health != "alive":
            self._listener.recovered(health == "lost")
