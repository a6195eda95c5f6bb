//! The circuit breaker: refuses calls to a worker that keeps failing, until a trial call succeeds.

use std::time::{Duration, Instant, SystemTime};

/// The first wait before a trial. It doubles with each trial that fails.
const FIRST_RESET: Duration = Duration::from_secs(1);

/// The longest wait before a trial.
const LONGEST_RESET: Duration = Duration::from_secs(30);

/// The state of a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// Calls go out.
    Closed,
    /// Calls are refused.
    Open,
    /// One call goes out as a trial.
    HalfOpen,
}

/// Belongs to an admitted call. The outcome of a call that was admitted before a change of state does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The circuit breaker of one worker.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    phase: Phase,
    /// The ticket of calls admitted since the last change of state.
    ticket: u64,
}

#[derive(Debug)]
enum Phase {
    Closed { failures: u32 },
    Open { due: Instant, wait: Duration },
    HalfOpen { trial: bool, wait: Duration },
}

impl Breaker {
    /// A closed breaker that opens after `threshold` consecutive failures.
    pub(super) fn new(threshold: u32) -> Self {
        Self { threshold: threshold.max(1), phase: Phase::Closed { failures: 0 }, ticket: 0 }
    }

    pub(super) fn state(&self) -> CircuitState {
        match &self.phase {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Open { due, .. } if Instant::now() < *due => CircuitState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Whether no failure is remembered.
    pub(super) fn is_fresh(&self) -> bool {
        matches!(self.phase, Phase::Closed { failures: 0 })
    }

    /// Whether the outcome of this call decides if the breaker closes. Other calls are refused until then.
    pub(super) fn is_trial(&self, ticket: Ticket) -> bool {
        matches!(self.phase, Phase::HalfOpen { trial: true, .. }) && ticket.0 == self.ticket
    }

    /// Admits a call, or returns the time at which the next one may go out.
    pub(super) fn admit(&mut self) -> Result<Ticket, SystemTime> {
        if let Phase::Open { due, wait } = self.phase {
            let left = due.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(SystemTime::now() + left);
            }
            self.phase = Phase::HalfOpen { trial: false, wait };
        }
        match &mut self.phase {
            Phase::HalfOpen { trial: true, .. } => Err(SystemTime::now()),
            Phase::HalfOpen { trial, .. } => {
                *trial = true;
                self.ticket += 1;
                Ok(Ticket(self.ticket))
            }
            _ => Ok(Ticket(self.ticket)),
        }
    }

    /// Records that a call succeeded.
    pub(super) fn success(&mut self, ticket: Ticket) {
        if ticket.0 == self.ticket {
            match &mut self.phase {
                Phase::Closed { failures } => *failures = 0,
                Phase::HalfOpen { .. } => self.close(),
                Phase::Open { .. } => {}
            }
        }
    }

    /// Records that a call failed, with an error that counts.
    pub(super) fn failure(&mut self, ticket: Ticket) {
        if ticket.0 == self.ticket {
            self.count_failure();
        }
    }

    /// Records an outcome that does not count, so that another call can be the trial.
    pub(super) fn ignored(&mut self, ticket: Ticket) {
        if let Phase::HalfOpen { trial, .. } = &mut self.phase
            && ticket.0 == self.ticket
        {
            *trial = false;
        }
    }

    /// Counts a failure of the worker.
    pub(super) fn count_failure(&mut self) {
        match &mut self.phase {
            Phase::Closed { failures } => {
                *failures += 1;
                if *failures >= self.threshold {
                    self.open(FIRST_RESET);
                }
            }
            Phase::HalfOpen { wait, .. } => {
                let longer = (*wait * 2).min(LONGEST_RESET);
                self.open(longer);
            }
            Phase::Open { .. } => {}
        }
    }

    /// Opens the breaker, whatever the count of failures.
    pub(super) fn trip(&mut self) {
        if matches!(self.phase, Phase::Closed { .. }) {
            self.open(FIRST_RESET);
        } else {
            self.count_failure();
        }
    }

    /// Closes the breaker.
    pub(super) fn close(&mut self) {
        self.ticket += 1;
        self.phase = Phase::Closed { failures: 0 };
    }

    fn open(&mut self, wait: Duration) {
        self.ticket += 1;
        self.phase = Phase::Open { due: Instant::now() + wait, wait };
    }
}

#[cfg(test)]
impl Breaker {
    /// Makes a trial due now.
    pub(super) fn make_due(&mut self) {
        if let Phase::Open { due, .. } = &mut self.phase {
            *due = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(2);
        for _ in 0..2 {
            let ticket = breaker.admit().expect("closed");
            breaker.failure(ticket);
        }
        breaker
    }

    #[test]
    fn consecutive_failures_open_it() {
        let mut breaker = Breaker::new(2);
        let ticket = breaker.admit().expect("closed");
        breaker.failure(ticket);
        breaker.success(ticket);
        breaker.failure(ticket);
        assert_eq!(breaker.state(), CircuitState::Closed);
        breaker.failure(ticket);
        assert_eq!(breaker.state(), CircuitState::Open);
        assert!(breaker.admit().is_err());
    }

    #[test]
    fn one_trial_closes_it_or_opens_it_for_longer() {
        let mut breaker = opened();
        breaker.make_due();
        let trial = breaker.admit().expect("a trial");
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        assert!(breaker.admit().is_err(), "there is a trial already");
        breaker.failure(trial);
        assert!(matches!(breaker.phase, Phase::Open { wait, .. } if wait == FIRST_RESET * 2));

        breaker.make_due();
        let trial = breaker.admit().expect("a trial");
        breaker.ignored(trial);
        let trial = breaker.admit().expect("the next trial");
        breaker.success(trial);
        assert_eq!(breaker.state(), CircuitState::Closed);
    }

    #[test]
    fn outcomes_from_before_a_change_of_state_do_not_count() {
        let mut breaker = Breaker::new(1);
        let late = breaker.admit().expect("closed");
        breaker.trip();
        breaker.close();
        breaker.failure(late);
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}
