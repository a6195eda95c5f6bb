//! The state that the tasks of a parent share.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::breaker::{Breaker, CircuitState};
use super::link::Link;
use super::method_breakers::MethodBreakers;
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
    methods: Mutex<MethodBreakers>,
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
            methods: Mutex::new(MethodBreakers::new(options.max_restart_attempts.max(1))),
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
            self.log(circuit_changed(after));
        }
        result
    }

    /// Uses the circuit breakers of methods, and counts and logs a change of that of `function`.
    pub(super) fn with_methods<T>(&self, function: &str, work: impl FnOnce(&mut MethodBreakers) -> T) -> T {
        // No code that holds this lock can panic.
        let mut methods = self.methods.lock().unwrap_or_else(PoisonError::into_inner);
        let before = methods.state(function);
        let result = work(&mut methods);
        let after = methods.state(function);
        drop(methods);
        if before != after {
            self.metrics.circuit(after);
            self.log(circuit_changed(after).with("function", function));
        }
        result
    }

    /// Whether any method's latest call failed.
    pub(super) fn has_failing_methods(&self) -> bool {
        !self.methods.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Closes every circuit breaker.
    pub(super) fn close_circuits(&self) {
        self.with_breaker(Breaker::close);
        self.methods.lock().unwrap_or_else(PoisonError::into_inner).close();
    }

    /// Whether an error that counts by default counts for a circuit breaker.
    pub(super) fn is_failure(&self, error: &Error) -> bool {
        self.options.is_failure.as_ref().is_none_or(|rule| rule(error))
    }

    /// The current link, if it is not the one that was found lost. Waits while the worker starts or restarts, or is stopping where
    /// another follows.
    pub(super) async fn link_after(&self, lost: Option<&Arc<Link>>) -> Result<Arc<Link>> {
        let mut phases = self.phase.subscribe();
        let settled = phases
            .wait_for(|phase| match phase {
                Phase::Starting | Phase::Restarting => false,
                Phase::Running(link) => {
                    !link.is_leaving.load(Ordering::Relaxed) && lost.is_none_or(|lost| !Arc::ptr_eq(link, lost))
                }
                _ => true,
            })
            .await;
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

fn circuit_changed(to: CircuitState) -> LogEntry {
    match to {
        CircuitState::Closed => LogEntry::new(LogLevel::Info, LogEvent::CircuitClose),
        CircuitState::Open => LogEntry::new(LogLevel::Warn, LogEvent::CircuitOpen),
        CircuitState::HalfOpen => LogEntry::new(LogLevel::Info, LogEvent::CircuitHalfOpen),
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
