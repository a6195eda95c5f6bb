//! Judges heartbeats: a worker is alive, stalled, or lost.

use std::time::Duration;

/// Counts the heartbeats that a worker leaves unanswered.
#[derive(Debug)]
pub(super) struct Pulse {
    /// The time from one heartbeat to the next.
    period: Duration,
    max_misses: u32,
    lost_after: u128,
    misses: u32,
    health: Health,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Alive,
    Stalled,
    Lost,
}

/// What a missed heartbeat changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Miss {
    /// Misses in a row.
    pub(super) misses: u32,
    /// The worker is stalled from now on.
    pub(super) is_stalled: bool,
    /// The worker is lost from now on.
    pub(super) is_lost: bool,
    /// How long the worker has given no sign of life, in whole periods: time in which this process did not run does not count.
    pub(super) silent: Duration,
}

/// What a sign of life changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    /// The worker was stalled or lost.
    pub(super) recovers: bool,
    pub(super) was_lost: bool,
}

impl Pulse {
    /// The worker is stalled after `max_misses` in a row, and lost after as many as take `stall_timeout`.
    pub(super) fn new(period: Duration, max_misses: u32, stall_timeout: Duration) -> Self {
        let periods = stall_timeout.as_nanos().div_ceil(period.as_nanos().max(1));
        let lost_after = periods.max(max_misses.into());
        Self { period, max_misses, lost_after, misses: 0, health: Health::Alive }
    }

    /// The worker gave no sign of life after a heartbeat.
    pub(super) fn missed(&mut self) -> Miss {
        self.misses = self.misses.saturating_add(1);
        let is_stalled = self.health == Health::Alive && self.misses >= self.max_misses;
        if is_stalled {
            self.health = Health::Stalled;
        }
        let is_lost = self.health == Health::Stalled && u128::from(self.misses) >= self.lost_after;
        if is_lost {
            self.health = Health::Lost;
        }
        Miss { misses: self.misses, is_stalled, is_lost, silent: self.period.saturating_mul(self.misses) }
    }

    /// The worker gave a sign of life.
    pub(super) fn alive(&mut self) -> Sign {
        let sign = Sign { recovers: self.health != Health::Alive, was_lost: self.health == Health::Lost };
        (self.misses, self.health) = (0, Health::Alive);
        sign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(5);

    /// After how many misses the worker is stalled and lost, out of 100.
    fn limits(stall_timeout: Duration) -> (Vec<u32>, Vec<u32>) {
        let mut pulse = Pulse::new(PERIOD, 3, stall_timeout);
        let misses: Vec<_> = (0..100).map(|_| pulse.missed()).collect();
        let those = |is: fn(&Miss) -> bool| misses.iter().filter(|miss| is(miss)).map(|miss| miss.misses).collect();
        (those(|miss| miss.is_stalled), those(|miss| miss.is_lost))
    }

    #[test]
    fn a_worker_is_stalled_before_it_is_lost() {
        // 40 s are 8 misses.
        assert_eq!(limits(Duration::from_secs(60)), (vec![3], vec![12]));
        assert_eq!(limits(Duration::ZERO), (vec![3], vec![3]));
        assert_eq!(limits(Duration::from_millis(15_001)), (vec![3], vec![4]));
        assert_eq!(limits(Duration::MAX), (vec![3], vec![]));
    }

    #[test]
    fn a_sign_of_life_ends_both() {
        let mut pulse = Pulse::new(PERIOD, 1, PERIOD * 2);
        assert_eq!(pulse.missed().silent, PERIOD);
        assert_eq!(pulse.alive(), Sign { recovers: true, was_lost: false });
        pulse.missed();
        assert_eq!(pulse.missed(), Miss { misses: 2, is_stalled: false, is_lost: true, silent: PERIOD * 2 });
        assert_eq!(pulse.alive(), Sign { recovers: true, was_lost: true });
        assert_eq!(pulse.alive(), Sign { recovers: false, was_lost: false });
    }
}
