//! The number of restarts, and the waits before them.

use std::time::{Duration, Instant};

/// The first and the longest wait. The actual wait is a random part of it.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A worker that runs for this long gets its restarts back.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// The restarts that are left.
pub(super) struct Restarts {
    used: u32,
    max: u32,
    healthy_since: Option<Instant>,
}

impl Restarts {
    /// Allows `max` restarts.
    pub(super) fn new(max: u32) -> Self {
        Self { used: 0, max, healthy_since: None }
    }

    /// Records that the worker runs from now on.
    pub(super) fn began(&mut self) {
        self.healthy_since = Some(Instant::now());
    }

    /// Gives all restarts back, so that the next wait is the shortest.
    pub(super) fn renew(&mut self) {
        self.used = 0;
    }

    /// Takes a restart and returns the wait before it. `None` means that no restart is left.
    pub(super) fn next(&mut self) -> Option<Duration> {
        if self.healthy_since.take().is_some_and(|since| since.elapsed() >= HEALTHY_AFTER) {
            self.used = 0;
        }
        if self.used >= self.max {
            return None;
        }
        let longest = FIRST_WAIT.saturating_mul(1 << self.used.min(16)).min(LONGEST_WAIT);
        self.used += 1;
        Some(longest.mul_f64(random()))
    }
}

/// At least 0, less than 1.
fn random() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_the_restarts_are_used_up() {
        let mut restarts = Restarts::new(9);
        let waits: Vec<_> = std::iter::from_fn(|| restarts.next()).collect();
        assert_eq!(waits.len(), 9);
        for (index, wait) in waits.iter().enumerate() {
            assert!(*wait <= (FIRST_WAIT * (1 << index)).min(LONGEST_WAIT), "{index}: {wait:?}");
        }
    }

    #[test]
    fn a_service_that_answered_is_reconnected_after_the_shortest_wait() {
        let mut restarts = Restarts::new(u32::MAX);
        for _ in 0..50 {
            restarts.next();
        }
        restarts.began();
        restarts.renew();
        assert!(restarts.next().is_some_and(|wait| wait <= FIRST_WAIT));
    }

    #[test]
    fn a_worker_that_runs_for_a_while_gets_its_restarts_back() {
        let mut restarts = Restarts::new(1);
        assert!(restarts.next().is_some());
        restarts.began();
        assert!(restarts.next().is_none(), "it did not run for long enough");
        restarts.healthy_since = Instant::now().checked_sub(HEALTHY_AFTER);
        assert!(restarts.next().is_some());
    }
}
