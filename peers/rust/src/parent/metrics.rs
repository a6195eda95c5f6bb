//! What a parent counts and measures. The cost per call is constant, the memory bounded.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::breaker::CircuitState;

/// How many of the latest latencies, round trips and circuit events are kept.
const WINDOW: usize = 1000;

/// Counts and measures; [`Metrics::snapshot`] reads them.
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
    circuit: VecDeque<CircuitBreakerEvent>,
}

/// All figures at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// When it was taken.
    pub timestamp: SystemTime,
    /// Calls and their latencies.
    pub request_metrics: RequestMetrics,
    /// Failed calls as a part of all that have ended: 0 to 1.
    pub error_rate: f64,
    /// Calls that wait for their answer.
    pub queue_depth: usize,
    /// The most that ever did at once.
    pub queue_max_depth: usize,
    /// The latest changes of the circuit breaker, oldest first.
    pub circuit_breaker_events: Vec<CircuitBreakerEvent>,
    /// Round trips of heartbeats.
    pub heartbeat_rtt_ms: HeartbeatRtt,
    /// Heartbeats that got no answer in time.
    pub heartbeat_misses: u64,
    /// How often the worker was restarted, or found again.
    pub restarts: u64,
    /// Messages that could not be read.
    pub dropped_messages: u64,
}

/// Calls. Latencies are those of the latest thousand that were answered, in milliseconds; 0 where there are none.
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

/// Round trips of the latest thousand heartbeats, in milliseconds; 0 where there are none.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub struct HeartbeatRtt {
    pub avg: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
    /// How many have been answered, at most a thousand.
    pub count: usize,
}

/// The circuit breaker has changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CircuitBreakerEvent {
    /// When.
    pub timestamp: SystemTime,
    /// To what.
    pub state: CircuitState,
}

impl Metrics {
    /// All figures now.
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
        }
    }

    /// A call begins, unless so many wait already.
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

    /// A call has ended; `None`: it was given up by its caller.
    pub(super) fn end(&self, outcome: Option<bool>, latency: Duration) {
        let mut counts = self.counts();
        counts.pending -= 1;
        match outcome {
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

    /// How many have been dropped now.
    pub(super) fn dropped(&self) -> u64 {
        let mut counts = self.counts();
        counts.dropped += 1;
        counts.dropped
    }

    /// The latest round trip.
    pub(super) fn last_round_trip(&self) -> Option<Duration> {
        self.counts().round_trips.back().map(|millis| Duration::from_secs_f64(millis / 1000.0))
    }

    /// Nothing that holds the lock can panic.
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

/// The value that so many, as a part of all, are not above.
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
    fn figures_of_a_hundred_calls() {
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
    fn nothing_measured_is_nothing() {
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
