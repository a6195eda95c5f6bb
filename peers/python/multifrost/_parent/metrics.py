"""Metrics of a parent's calls, heartbeats and restarts."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

WINDOW = 60.0
"""Latencies older than this are not counted, in seconds."""

MAX_LATENCIES = 4096
"""Latencies kept at most; the oldest are dropped."""


@dataclass(frozen=True)
class Latency:
    """Latency in milliseconds of the calls that ended within the last minute; None if there were none."""

    avg: float | None = None
    min: float | None = None
    max: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    last: float | None = None


@dataclass(frozen=True)
class Metrics:
    """A snapshot of a parent's metrics. Counts start at zero when the parent is created."""

    requests_total: int
    requests_success: int
    requests_failed: int
    error_rate: float
    """Failed calls divided by ended calls, from 0 to 1."""
    latency_ms: Latency
    queue_depth: int
    """Calls that have not ended yet."""
    queue_max_depth: int
    circuit_breaker_trips: int
    circuit_breaker_resets: int
    circuit_breaker_state: str
    heartbeat_rtt_last_ms: float | None
    heartbeat_rtt_avg_ms: float | None
    heartbeat_misses: int
    restarts: int
    dropped_messages: int
    refused_connections: int
    """Connections that were not the worker's and were closed."""
    timestamp: float
    """When the snapshot was taken, in seconds since 1970."""


class Counters:
    """Counts what `Metrics` reports. Each step costs the same however long the worker runs."""

    def __init__(self) -> None:
        self.started = self.succeeded = self.failed = self.most_at_once = 0
        self.trips = self.resets = self.misses = self.restarts = self.dropped = self.refused = 0
        self.last_rtt: float | None = None
        """The latest round trip of a heartbeat, in seconds."""
        self._rtt_sum, self._rtt_count = 0.0, 0
        self._latencies: deque[tuple[float, float]] = deque(maxlen=MAX_LATENCIES)

    def call_started(self) -> None:
        self.started += 1
        self.most_at_once = max(self.most_at_once, self.in_flight)

    def call_ended(self, ok: bool, seconds: float) -> None:
        if ok:
            self.succeeded += 1
        else:
            self.failed += 1
        self._latencies.append((time.monotonic(), seconds))

    def heartbeat_answered(self, seconds: float) -> None:
        self.last_rtt = seconds
        self._rtt_sum += seconds
        self._rtt_count += 1

    def circuit_changed(self, state: str) -> None:
        self.trips += state == "open"
        self.resets += state == "closed"

    def connection_refused(self) -> None:
        self.refused += 1

    @property
    def in_flight(self) -> int:
        return self.started - self.succeeded - self.failed

    def snapshot(self, circuit: str) -> Metrics:
        ended = self.succeeded + self.failed
        return Metrics(
            requests_total=self.started,
            requests_success=self.succeeded,
            requests_failed=self.failed,
            error_rate=self.failed / ended if ended else 0.0,
            latency_ms=self._latency(),
            queue_depth=self.in_flight,
            queue_max_depth=self.most_at_once,
            circuit_breaker_trips=self.trips,
            circuit_breaker_resets=self.resets,
            circuit_breaker_state=circuit,
            heartbeat_rtt_last_ms=None if self.last_rtt is None else self.last_rtt * 1000,
            heartbeat_rtt_avg_ms=self._rtt_sum / self._rtt_count * 1000 if self._rtt_count else None,
            heartbeat_misses=self.misses,
            restarts=self.restarts,
            dropped_messages=self.dropped,
            refused_connections=self.refused,
            timestamp=time.time(),
        )

    def _latency(self) -> Latency:
        since = time.monotonic() - WINDOW
        recent = [seconds * 1000 for when, seconds in self._latencies if when >= since]
        if not recent:
            return Latency()
        ranked = sorted(recent)

        def rank(share: float) -> float:
            return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

        average = sum(recent) / len(recent)
        return Latency(average, ranked[0], ranked[-1], rank(0.5), rank(0.95), rank(0.99), recent[-1])
