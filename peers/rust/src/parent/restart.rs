//! How often, and after what wait, a worker is started again.

use std::time::{Duration, Instant};

/// First and longest wait; the actual one is a random part of it.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A worker that was well for so long has all its restarts again.
const WELL: Duration = Duration::from_secs(30);

/// The restarts that are left.
pub(super) struct Restarts {
    used: u32,
    most: u32,
    well_since: Option<Instant>,
}

impl Restarts {
    /// So many in a row.
    pub(super) fn new(most: u32) -> Self {
        Self { used: 0, most, well_since: None }
    }

    /// The worker runs.
    pub(super) fn began(&mut self) {
        self.well_since = Some(Instant::now());
    }

    /// The wait before the next try; `None` when there is none left.
    pub(super) fn next(&mut self) -> Option<Duration> {
        if self.well_since.take().is_some_and(|since| since.elapsed() >= WELL) {
            self.used = 0;
        }
        if self.used >= self.most {
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
    fn waits_grow_and_come_to_an_end() {
        let mut restarts = Restarts::new(9);
        let waits: Vec<_> = std::iter::from_fn(|| restarts.next()).collect();
        assert_eq!(waits.len(), 9);
        for (index, wait) in waits.iter().enumerate() {
            assert!(*wait <= (FIRST_WAIT * (1 << index)).min(LONGEST_WAIT), "{index}: {wait:?}");
        }
    }

    #[test]
    fn a_worker_that_was_well_has_all_of_them_again() {
        let mut restarts = Restarts::new(1);
        assert!(restarts.next().is_some());
        restarts.began();
        assert!(restarts.next().is_none(), "it was not well for long");
        restarts.well_since = Instant::now().checked_sub(WELL);
        assert!(restarts.next().is_some());
    }
}
