//! The state that the tasks of a parent share.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::breaker::{Breaker, CircuitState};
use super::link::Link;
use super::metrics::Metrics;
use super::options::Options;
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::zmtp::Limits;

/// The phase of a parent.
#[derive(Clone)]
pub(super) enum Phase {
    New,
    Starting,
    Running(Arc<Link>),
    /// Or reconnecting to a service.
    Restarting,
    Stopping,
    /// `None` means stopped by the user.
    Ended(Option<Error>),
}

/// The state of one parent.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) options: Options,
    pub(super) metrics: Metrics,
    breaker: Mutex<Breaker>,
    pub(super) phase: watch::Sender<Phase>,
    /// True after `stop()` was called.
    pub(super) stop: watch::Sender<bool>,
    /// The id of the worker's process.
    pub(super) pid: Mutex<Option<u32>>,
}

impl Shared {
    pub(super) fn new(name: String, options: Options) -> Arc<Self> {
        Arc::new(Self {
            name,
            metrics: Metrics::default(),
            breaker: Mutex::new(Breaker::new(options.max_restart_attempts)),
            options,
            phase: watch::Sender::new(Phase::New),
            stop: watch::Sender::new(false),
            pid: Mutex::new(None),
        })
    }

    /// Uses the circuit breaker, and counts and logs a change of its state.
    pub(super) fn with_breaker<T>(&self, work: impl FnOnce(&mut Breaker) -> T) -> T {
        // No code that holds this lock can panic.
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.state();
        let result = work(&mut breaker);
        let after = breaker.state();
        drop(breaker);
        if before != after {
            self.metrics.circuit(after);
            self.log(match after {
                CircuitState::Closed => LogEntry::new(LogLevel::Info, LogEvent::CircuitClose),
                CircuitState::Open => LogEntry::new(LogLevel::Warn, LogEvent::CircuitOpen),
                CircuitState::HalfOpen => LogEntry::new(LogLevel::Info, LogEvent::CircuitHalfOpen),
            });
        }
        result
    }

    /// Whether an error counts for the circuit breaker.
    pub(super) fn is_failure(&self, error: &Error) -> bool {
        error.is_worker_failure() && self.options.is_failure.as_ref().is_none_or(|rule| rule(error))
    }

    /// The current link. Waits while the worker starts or restarts.
    pub(super) async fn link(&self) -> Result<Arc<Link>> {
        let mut phases = self.phase.subscribe();
        let settled = phases.wait_for(|phase| !matches!(phase, Phase::Starting | Phase::Restarting)).await;
        match settled.map(|phase| phase.clone()) {
            Ok(Phase::Running(link)) => Ok(link),
            Ok(phase) => Err(not_running(&phase)),
            Err(_) => Err(not_running(&Phase::Ended(None))),
        }
    }

    /// What the worker may send.
    pub(super) fn connection_limits(&self) -> Limits {
        Limits { message_bytes: self.options.limits.message_bytes, skips_larger: true, account: None }
    }

    pub(super) fn set_pid(&self, pid: Option<u32>) {
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner) = pid;
    }

    pub(super) fn log(&self, entry: LogEntry) {
        if self.options.logger.takes(entry.level) {
            self.options.logger.log(entry.with("worker", self.name.as_str()));
        }
    }
}

/// The error of a call in this phase.
pub(super) fn not_running(phase: &Phase) -> Error {
    let (state, advice) = match phase {
        Phase::New => ("not started", "call start() first".to_owned()),
        Phase::Stopping => ("stopping", "it refuses new calls".to_owned()),
        Phase::Ended(Some(error)) => ("failed", format!("make a new parent; the worker failed: {error}")),
        _ => ("stopped", "make a new parent".to_owned()),
    };
    Error::NotRunning { state, advice }
}
