//! The errors of this crate.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, SystemTime};

use crate::value::Map;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of a method in a worker, or a refusal of the call. Its [`source`](std::error::Error::source) is its cause.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteError {
    /// The error's name or type, such as `ValueError`.
    pub name: String,
    /// The error's message.
    pub message: String,
    /// The error's own code, if it has one; an integer as its digits.
    pub remote_code: Option<String>,
    /// The stack or traceback, if the worker's language has one.
    pub stack: Option<String>,
    /// The error's other fields that could be sent: own fields of a JavaScript error, attributes of a Python exception.
    pub data: Map,
    /// The error's cause, if it has one.
    pub cause: Option<Box<RemoteError>>,
    /// The errors of an `AggregateError` of JavaScript, of an `ExceptionGroup` of Python, of Go's `errors.Join`.
    pub errors: Vec<RemoteError>,
    /// The method that was called. Empty for a cause, and for an error of an error.
    pub function: String,
    /// The code of a refusal, such as `FUNCTION_NOT_FOUND`. Otherwise `REMOTE_ERROR`.
    pub code: &'static str,
}

impl Display for RemoteError {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        if !self.function.is_empty() {
            write!(to, "{}() failed in the worker: ", self.function)?;
        }
        write!(to, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for RemoteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// How a worker's process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessEnd {
    /// The exit code, if it exited.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended it, if one did.
    pub signal: Option<i32>,
    /// The last 4 KiB of its stderr.
    pub stderr_tail: String,
    /// The command that started it.
    pub command: String,
    /// How long it left heartbeats unanswered, where the parent killed it for that (`stall_timeout`).
    pub stalled: Option<Duration>,
}

/// An error of this crate. [`Error::code`] is stable, the message is not.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The method failed, or the worker refused the call.
    #[error(transparent)]
    Remote(Box<RemoteError>),
    /// The worker's process ended while the call waited.
    #[error("the worker ended ({}) before it answered; command: {}{}{}", exit_reason(.0), .0.command, stall(.0), tail(.0))]
    WorkerExited(Box<ProcessEnd>),
    /// The worker could not be started.
    #[error("{message}{}", .end.as_deref().map(tail).unwrap_or_default())]
    Spawn {
        /// `PROGRAM_NOT_FOUND`, `EXITED_EARLY`, `START_TIMEOUT` or `SPAWN_FAILED`.
        code: &'static str,
        /// What happened, and what to do.
        message: String,
        /// How the process ended, if it ran.
        end: Option<Box<ProcessEnd>>,
    },
    /// No answer came in time. If the call was sent, the worker may still be running it.
    #[error("{function}() {} {} ms{}", late(*.sent).0, .timeout.as_millis(), late(*.sent).1)]
    Timeout {
        /// The method.
        function: String,
        /// The timeout that passed.
        timeout: Duration,
        /// Whether it was sent. Otherwise it waited for the worker to come back.
        sent: bool,
    },
    /// The circuit breaker of the worker, or that of the method, is open; nothing was sent.
    #[error("{}; the next call may go out in {} ms", open_circuit(.function.as_deref()), until(*.retry_at))]
    CircuitOpen {
        /// When the next call may go out, as a trial.
        retry_at: SystemTime,
        /// The method that failed again and again, if it is its circuit. Others can be called.
        function: Option<String>,
    },
    /// The connection to the worker was lost or could not be made.
    #[error("{message}")]
    Connection {
        /// `CONNECTION_LOST` or `UNREACHABLE`.
        code: &'static str,
        /// What happened, and what to do.
        message: String,
    },
    /// The worker is not started, is stopped, or has failed.
    #[error("the worker is {state}: {advice}")]
    NotRunning {
        /// The state of the worker.
        state: &'static str,
        /// What to do.
        advice: String,
    },
    /// A value or a message cannot be encoded or decoded.
    #[error("{}{message}", if .path.is_empty() { String::new() } else { format!("{path}: ") })]
    Serialization {
        /// `UNSENDABLE_VALUE`, `LIMIT_EXCEEDED`, `MESSAGE_TOO_LARGE` or `MALFORMED_MESSAGE`.
        code: &'static str,
        /// The path of the value, such as `args[0].name`. Empty for the whole message.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// Too many calls are waiting. Nothing was sent.
    #[error("{limit} calls are already waiting for this worker (max_pending); call again later")]
    Overload {
        /// The limit, `max_pending`.
        limit: usize,
    },
    /// The service registry refused or failed.
    #[error("{message}")]
    Registry {
        /// `SERVICE_NOT_FOUND`, `SERVICE_EXISTS`, `LOCK_TIMEOUT` or `REGISTRY_UNAVAILABLE`.
        code: &'static str,
        /// What happened, and what to do.
        message: String,
    },
    /// An invalid option, or a second start.
    #[error("{message}")]
    Usage {
        /// `INVALID_OPTION`, `ALREADY_STARTED`, `INVALID_PORT` or `NO_START_MODE`.
        code: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

/// The former name of [`Error`].
#[deprecated(since = "0.1.0", note = "use `multifrost::Error`")]
pub type MultifrostError = Error;

impl Error {
    /// The code of the error. It is stable and the same in every language.
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

pub(crate) fn exit_reason(end: &ProcessEnd) -> String {
    match (end.exit_code, end.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "reason unknown".to_owned(),
    }
}

fn stall(end: &ProcessEnd) -> String {
    end.stalled.map_or_else(String::new, |stalled| {
        format!(
            "; it was killed because it answered no heartbeat for {} s: it computed, was suspended, or hung; where that is right, \
             give it more time with stall_timeout",
            stalled.as_secs_f64()
        )
    })
}

fn late(sent: bool) -> (&'static str, &'static str) {
    if sent {
        ("was not answered within", "; the worker may still be running it")
    } else {
        ("was not sent: it waited for the worker to come back for", "; allow more time")
    }
}

fn open_circuit(function: Option<&str>) -> String {
    match function {
        Some(function) => format!(
            "{function}() was not sent: it failed again and again, so that its circuit is open; other methods can be called; errors \
             that are no failure of the method can be exempted with is_failure"
        ),
        None => "the circuit breaker is open after repeated failures of this worker".to_owned(),
    }
}

fn tail(end: &ProcessEnd) -> String {
    if end.stderr_tail.is_empty() { String::new() } else { format!("; its stderr ends with:\n{}", end.stderr_tail) }
}

fn until(at: SystemTime) -> u128 {
    at.duration_since(SystemTime::now()).unwrap_or_default().as_millis()
}
