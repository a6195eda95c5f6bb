"""What carries messages between a worker and its parents, whatever speaks the protocol below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .._zmtp.reader import Payload

Handle = Any
"""A parent, as its link knows it: what `Link.push` needs to answer it."""

TakeCalls = Callable[[Handle, bytes], int]
"""Called with bytes that begin with a message. Returns how many of them it has taken."""

OnPayload = Callable[[Handle, Payload], None]
"""Called with each payload."""

OnDropped = Callable[[int], None]
"""Called with the number of messages that had the wrong frames."""

OnWake = Callable[[bytes], None]
"""Called with the bytes of a wake-up. Python's signal handling puts the number of the signal in them."""


class Link(Protocol):
    """One thread at a time may call `step`; any thread may call everything else. Nothing but `step` waits."""

    gone: bool
    """Whether the connection to the parent that spawned this process has ended."""

    wake_fd: int
    """A descriptor: a byte written to it makes `step` return."""

    @property
    def has_peers(self) -> bool:
        """Whether a parent has sent a message and is still connected."""

    def step(self, timeout: float | None) -> None:
        """Waits for messages or `wake`, at most `timeout` seconds, and handles what is there."""

    def wake(self) -> None:
        """Makes `step` return."""

    def remember(self, peer: Handle) -> None:
        """Remembers a parent, so that it gets the worker's output. Only within `step`."""

    def push(self, peer: Handle, payload: bytes) -> None:
        """Queues a message. Does nothing if the parent is gone."""

    def broadcast(self, payload: bytes, undelivered: Callable[[], None]) -> None:
        """Queues a message for every known parent. Calls `undelivered` if none is left."""

    def flush(self) -> None:
        """Sends what is queued, as far as it can be sent without waiting."""

    def check(self) -> None:
        """Looks after what happens with time, such as the end of the parent. Only for one thread."""

    def close(self, timeout: float) -> None:
        """Sends what is queued, waiting up to `timeout` seconds, and closes. Later messages are lost."""

    def abandon(self) -> None:
        """Leaves everything to the parent process after a fork. Only in the forked process."""
