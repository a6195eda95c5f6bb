//! What can go wrong, on either side.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use thiserror::Error;

/// The crate's result.
pub type Result<T, E = MultifrostError> = std::result::Result<T, E>;

/// What a worker's method failed with, as its caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteError {
    /// The error's name or type, such as `ValueError`.
    pub name: String,
    /// What it says.
    pub message: String,
    /// The error's own code, where it has one.
    pub remote_code: Option<String>,
    /// Its stack or traceback, where the worker's language tells one.
    pub stack: Option<String>,
    /// The method that was called.
    pub function: String,
    /// `FUNCTION_NOT_FOUND` and the like where the call was refused, otherwise `REMOTE_ERROR`.
    pub code: &'static str,
}

/// How a worker's process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessEnd {
    /// Its exit code, where it exited.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended it, where one did.
    pub signal: Option<i32>,
    /// The last 4 KiB of its stderr.
    pub stderr_tail: String,
    /// The command it was started with.
    pub command: String,
}

/// Every error of this crate. [`MultifrostError::code`] is stable; the wording is not.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum MultifrostError {
    /// The method failed, or the worker refused the call.
    #[error("{}() failed in the worker: {}: {}", .0.function, .0.name, .0.message)]
    Remote(Box<RemoteError>),
    /// The worker's process ended while the call waited.
    #[error("the worker ended ({}) before it answered; command: {}{}", outcome(.0), .0.command, tail(.0))]
    WorkerExited(Box<ProcessEnd>),
    /// The worker could not be started.
    #[error("{message}{}", .end.as_deref().map(tail).unwrap_or_default())]
    Spawn {
        /// `PROGRAM_NOT_FOUND`, `EXITED_EARLY`, `START_TIMEOUT` or `SPAWN_FAILED`.
        code: &'static str,
        /// What happened, to what, and what to do.
        message: String,
        /// How the process ended, where it ran at all.
        end: Option<Box<ProcessEnd>>,
    },
    /// No answer came in time. The worker may still be at it.
    #[error("{function}() gave no answer within {} ms; the worker may still be running it", .timeout.as_millis())]
    Timeout {
        /// The method.
        function: String,
        /// The timeout that ran out.
        timeout: Duration,
    },
    /// The circuit breaker is open; nothing was sent.
    #[error("the circuit breaker is open after repeated failures of this worker; the next trial is in {} ms", until(*.retry_at))]
    CircuitOpen {
        /// When the next call is let through as a trial.
        retry_at: SystemTime,
    },
    /// The way to the worker is lost, or was never there.
    #[error("{message}")]
    Connection {
        /// `CONNECTION_LOST` or `UNREACHABLE`.
        code: &'static str,
        /// What happened, and what to do.
        message: String,
    },
    /// The worker is not started, is stopped, or has ended for good.
    #[error("the worker is {state}: {advice}")]
    NotRunning {
        /// What it is instead.
        state: &'static str,
        /// What to do.
        advice: String,
    },
    /// A value or a message cannot be sent or read.
    #[error("{}{message}", if .path.is_empty() { String::new() } else { format!("{path}: ") })]
    Serialization {
        /// `UNSENDABLE_VALUE`, `LIMIT_EXCEEDED`, `MESSAGE_TOO_LARGE` or `MALFORMED_MESSAGE`.
        code: &'static str,
        /// Where in the call the value is, such as `args[0].name`; empty for the message as a whole.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// Too many calls wait already; nothing was sent.
    #[error("{limit} calls wait for this worker already (max_pending); call again later")]
    Overload {
        /// The bound that was reached.
        limit: usize,
    },
    /// The service registry refused or failed.
    #[error("{message}")]
    Registry {
        /// `SERVICE_NOT_FOUND`, `SERVICE_EXISTS`, `LOCK_TIMEOUT` or `REGISTRY_UNAVAILABLE`.
        code: &'static str,
        /// What happened, to what, and what to do.
        message: String,
    },
    /// An option has a value that cannot be used, or something was done twice.
    #[error("{message}")]
    Usage {
        /// `INVALID_OPTION`, `ALREADY_STARTED`, `INVALID_PORT` or `NO_START_MODE`.
        code: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl MultifrostError {
    /// The stable code, the same as in the other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Remote(error) => error.code,
            Self::WorkerExited(_) => "WORKER_EXITED",
            Self::Timeout { .. } => "TIMEOUT",
            Self::CircuitOpen { .. } => "CIRCUIT_OPEN",
            Self::NotRunning { .. } => "NOT_RUNNING",
            Self::Overload { .. } => "OVERLOADED",
            Self::Spawn { code, .. }
            | Self::Connection { code, .. }
            | Self::Serialization { code, .. }
            | Self::Registry { code, .. }
            | Self::Usage { code, .. } => code,
        }
    }

    /// Whether it speaks against the worker, and so counts for the circuit breaker: exits, lost connections, timeouts
    /// and failed methods do; the caller's own mistakes and overload do not.
    pub(crate) fn is_worker_failure(&self) -> bool {
        match self {
            Self::Remote(error) => error.code == "REMOTE_ERROR",
            Self::WorkerExited(_) | Self::Spawn { .. } | Self::Timeout { .. } | Self::Connection { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn unsendable(what: &dyn Display) -> Self {
        Self::Serialization {
            code: "UNSENDABLE_VALUE",
            path: String::new(),
            message: format!("cannot be sent: {what}"),
        }
    }

    pub(crate) fn unreadable(what: &dyn Display) -> Self {
        Self::Serialization {
            code: "MALFORMED_MESSAGE",
            path: String::new(),
            message: format!("cannot be read: {what}"),
        }
    }

    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::Usage { code, message: message.into() }
    }

    pub(crate) fn lost(message: impl Into<String>) -> Self {
        Self::Connection { code: "CONNECTION_LOST", message: message.into() }
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::Connection { code: "UNREACHABLE", message: message.into() }
    }
}

pub(crate) fn outcome(end: &ProcessEnd) -> String {
    match (end.exit_code, end.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown outcome".to_owned(),
    }
}

fn tail(end: &ProcessEnd) -> String {
    if end.stderr_tail.is_empty() { String::new() } else { format!("; its stderr ends with:\n{}", end.stderr_tail) }
}

fn until(at: SystemTime) -> u128 {
    at.duration_since(SystemTime::now()).unwrap_or_default().as_millis()
}
