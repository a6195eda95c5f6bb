//! The measurements of a parent, with constant cost per call and bounded memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::breaker::CircuitState;

/// How many of the last latencies, round trips and circuit events are kept.
const WINDOW: usize = 1000;

/// The measurements of a parent. [`Metrics::snapshot`] returns them.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    total: u64,
    success: u64,
    failed: u64,
    pending: usize,
    most_pending: usize,
    latencies: VecDeque<f64>,
    round_trips: VecDeque<f64>,
    misses: u64,
    restarts: u64,
    dropped: u64,
    refused: u64,
    circuit: VecDeque<CircuitBreakerEvent>,
}

/// The measurements at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// The time of the snapshot.
    pub timestamp: SystemTime,
    /// Calls and their latencies.
    pub request_metrics: RequestMetrics,
    /// The ratio of failed calls to finished calls, from 0 to 1.
    pub error_rate: f64,
    /// The number of calls that wait for an answer.
    pub queue_depth: usize,
    /// The highest queue depth so far.
    pub queue_max_depth: usize,
    /// The last 1000 changes of the circuit breaker, the oldest first.
    pub circuit_breaker_events: Vec<CircuitBreakerEvent>,
    /// Round trips of heartbeats.
    pub heartbeat_rtt_ms: HeartbeatRtt,
    /// The number of heartbeats that were not answered in time.
    pub heartbeat_misses: u64,
    /// How often the worker was restarted or reconnected.
    pub restarts: u64,
    /// The number of messages that could not be decoded.
    pub dropped_messages: u64,
    /// The number of connections to a private endpoint that were refused, because they were not the worker's.
    pub refused_connections: u64,
}

/// Counts of calls, and latencies of the last 1000 successful ones in milliseconds. Latencies are 0 before the first.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub struct RequestMetrics {
    pub total: u64,
    pub success: u64,
    pub failed: u64,
    pub avg: f64,
    pub min: f64,
    pub max: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub last: f64,
}

/// Round trips of the last 1000 heartbeats in milliseconds. They are 0 before the first.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub struct HeartbeatRtt {
    pub avg: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
    /// The number of measured heartbeats, at most 1000.
    pub count: usize,
}

/// A change of the circuit breaker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CircuitBreakerEvent {
    /// The time of the change.
    pub timestamp: SystemTime,
    /// The new state.
    pub state: CircuitState,
}

impl Metrics {
    /// Returns the measurements at this moment.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let counts = self.counts();
        let ended = counts.success + counts.failed;
        MetricsSnapshot {
            timestamp: SystemTime::now(),
            request_metrics: counts.requests(),
            error_rate: if ended == 0 { 0.0 } else { counts.failed as f64 / ended as f64 },
            queue_depth: counts.pending,
            queue_max_depth: counts.most_pending,
            circuit_breaker_events: counts.circuit.iter().cloned().collect(),
            heartbeat_rtt_ms: counts.heartbeats(),
            heartbeat_misses: counts.misses,
            restarts: counts.restarts,
            dropped_messages: counts.dropped,
            refused_connections: counts.refused,
        }
    }

    /// Counts a new call. Returns `false` if `max_pending` calls are already waiting.
    pub(super) fn begin(&self, max_pending: usize) -> bool {
        let mut counts = self.counts();
        if counts.pending >= max_pending {
            return false;
        }
        counts.total += 1;
        counts.pending += 1;
        counts.most_pending = counts.most_pending.max(counts.pending);
        true
    }

    /// Counts the end of a call. `None` means that its caller cancelled it.
    pub(super) fn end(&self, success: Option<bool>, latency: Duration) {
        let mut counts = self.counts();
        counts.pending -= 1;
        match success {
            Some(true) => {
                counts.success += 1;
                remember(&mut counts.latencies, millis(latency));
            }
            Some(false) => counts.failed += 1,
            None => {}
        }
    }

    pub(super) fn heartbeat(&self, round_trip: Option<Duration>) {
        let mut counts = self.counts();
        match round_trip {
            Some(round_trip) => remember(&mut counts.round_trips, millis(round_trip)),
            None => counts.misses += 1,
        }
    }

    pub(super) fn circuit(&self, state: CircuitState) {
        remember(&mut self.counts().circuit, CircuitBreakerEvent { timestamp: SystemTime::now(), state });
    }

    pub(super) fn restarted(&self) {
        self.counts().restarts += 1;
    }

    /// Counts a dropped message, and returns the number of them.
    pub(super) fn dropped(&self) -> u64 {
        let mut counts = self.counts();
        counts.dropped += 1;
        counts.dropped
    }

    /// Counts a refused connection, and returns the number of them.
    pub(super) fn refused(&self) -> u64 {
        let mut counts = self.counts();
        counts.refused += 1;
        counts.refused
    }

    /// The last round trip.
    pub(super) fn last_round_trip(&self) -> Option<Duration> {
        self.counts().round_trips.back().map(|millis| Duration::from_secs_f64(millis / 1000.0))
    }

    /// No code that holds this lock can panic.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn requests(&self) -> RequestMetrics {
        let mut sorted: Vec<f64> = self.latencies.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        RequestMetrics {
            total: self.total,
            success: self.success,
            failed: self.failed,
            avg: average(&sorted),
            min: percentile(&sorted, 0.0),
            max: percentile(&sorted, 1.0),
            p50: percentile(&sorted, 0.5),
            p95: percentile(&sorted, 0.95),
            p99: percentile(&sorted, 0.99),
            last: self.latencies.back().copied().unwrap_or_default(),
        }
    }

    fn heartbeats(&self) -> HeartbeatRtt {
        let mut sorted: Vec<f64> = self.round_trips.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        HeartbeatRtt {
            avg: average(&sorted),
            min: percentile(&sorted, 0.0),
            max: percentile(&sorted, 1.0),
            last: self.round_trips.back().copied().unwrap_or_default(),
            count: sorted.len(),
        }
    }
}

fn remember<T>(window: &mut VecDeque<T>, latest: T) {
    if window.len() == WINDOW {
        window.pop_front();
    }
    window.push_back(latest);
}

fn average(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The smallest value that at least this part of the values does not exceed.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_and_their_latencies_summarized() {
        let metrics = Metrics::default();
        for latency in 1..=100 {
            assert!(metrics.begin(1));
            assert!(!metrics.begin(1), "one waits already");
            metrics.end(Some(latency % 4 != 0), Duration::from_millis(latency));
        }
        let snapshot = metrics.snapshot();
        let requests = snapshot.request_metrics;
        assert_eq!((requests.total, requests.success, requests.failed), (100, 75, 25));
        assert_eq!((requests.min, requests.max, requests.last), (1.0, 99.0, 99.0));
        assert_eq!((requests.p50, requests.p95, requests.p99), (50.0, 95.0, 99.0));
        assert!((snapshot.error_rate - 0.25).abs() < 1e-9);
        assert_eq!((snapshot.queue_depth, snapshot.queue_max_depth), (0, 1));
    }

    #[test]
    fn measurements_are_zero_before_the_first_call() {
        let snapshot = Metrics::default().snapshot();
        assert_eq!(snapshot.request_metrics.p99, 0.0);
        assert_eq!((snapshot.error_rate, snapshot.heartbeat_rtt_ms.count), (0.0, 0));
    }

    #[test]
    fn the_window_is_bounded() {
        let metrics = Metrics::default();
        for _ in 0..WINDOW * 2 {
            metrics.heartbeat(Some(Duration::from_millis(1)));
        }
        assert_eq!(metrics.snapshot().heartbeat_rtt_ms.count, WINDOW);
    }
}
