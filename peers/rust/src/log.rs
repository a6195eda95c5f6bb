//! Structured log events.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;

use serde_json::{Value as Json, json};

use crate::registry::iso_time;

/// The level of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// Each request and connection.
    Debug,
    /// Start, restart and stop of workers.
    Info,
    /// A problem that the library handles.
    Warn,
    /// An error.
    Error,
}

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogEvent {
    WorkerStart,
    WorkerStop,
    WorkerRestart,
    RequestStart,
    RequestEnd,
    RequestTimeout,
    RequestError,
    CircuitOpen,
    CircuitClose,
    CircuitHalfOpen,
    SocketConnect,
    SocketDisconnect,
    SocketReconnect,
    ProcessSpawn,
    ProcessExit,
    HeartbeatMissed,
    HeartbeatTimeout,
    WorkerStalled,
    MessageDropped,
    ConnectionRefused,
}

/// A log event.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// When it happened.
    pub timestamp: SystemTime,
    /// The level.
    pub level: LogLevel,
    /// The kind of event.
    pub event: LogEvent,
    /// Details, such as the worker and the duration.
    pub metadata: BTreeMap<String, Json>,
}

impl LogEntry {
    /// An event at the current time, without metadata.
    pub fn new(level: LogLevel, event: LogEvent) -> Self {
        Self { timestamp: SystemTime::now(), level, event, metadata: BTreeMap::new() }
    }

    /// Adds an entry to the metadata.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }
}

/// A function that receives log entries.
pub type LogHandler = Arc<dyn Fn(&LogEntry) + Send + Sync>;

/// Passes entries of its level and above to its handlers. Clones share the level.
#[derive(Clone)]
pub struct StructuredLogger {
    handlers: Vec<LogHandler>,
    level: Arc<AtomicU8>,
}

impl StructuredLogger {
    /// A logger without handlers, for [`LogLevel::Info`] and above.
    pub fn new() -> Self {
        Self { handlers: Vec::new(), level: Arc::new(AtomicU8::new(LogLevel::Info as u8)) }
    }

    /// Adds a handler.
    #[must_use]
    pub fn with_handler(mut self, handler: LogHandler) -> Self {
        self.handlers.push(handler);
        self
    }

    /// Sets the level from which entries are handled, for all clones.
    pub fn set_log_level(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Whether entries of this level are handled.
    pub fn takes(&self, level: LogLevel) -> bool {
        level as u8 >= self.level.load(Ordering::Relaxed)
    }

    /// Passes an entry to the handlers, if its level is handled.
    pub fn log(&self, entry: LogEntry) {
        if self.takes(entry.level) {
            self.handlers.iter().for_each(|handler| handler(&entry));
        }
    }
}

/// Writes warnings and errors to stderr, as readable lines.
impl Default for StructuredLogger {
    fn default() -> Self {
        let logger = Self::new().with_handler(default_pretty_handler());
        logger.set_log_level(LogLevel::Warn);
        logger
    }
}

impl fmt::Debug for StructuredLogger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StructuredLogger({} handlers)", self.handlers.len())
    }
}

/// A handler that writes each entry to stderr as a line of JSON.
pub fn default_json_handler() -> LogHandler {
    Arc::new(|entry| eprintln!("{}", json_line(entry)))
}

/// A handler that writes each entry to stderr as a readable line.
pub fn default_pretty_handler() -> LogHandler {
    Arc::new(|entry| eprintln!("{}", pretty_line(entry)))
}

fn json_line(entry: &LogEntry) -> Json {
    let mut line = json!({
        "timestamp": iso_time(entry.timestamp),
        "level": entry.level.to_string().to_lowercase(),
        "event": entry.event.to_string(),
    });
    for (key, value) in &entry.metadata {
        line[key] = value.clone();
    }
    line
}

fn pretty_line(entry: &LogEntry) -> String {
    let details: Vec<String> = entry.metadata.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    format!("{} {:5} {}{}", iso_time(entry.timestamp), entry.level.to_string(), entry.event, details.concat())
}

impl Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        })
    }
}

/// Writes the name that the other languages use too, such as `worker_start`.
impl Display for LogEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in format!("{self:?}").char_indices() {
            if letter.is_ascii_uppercase() && index > 0 {
                formatter.write_str("_")?;
            }
            write!(formatter, "{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn both_handlers_write_the_event_and_its_metadata() {
        let entry = LogEntry::new(LogLevel::Info, LogEvent::WorkerStart).with("service_id", "my-service");
        assert_eq!(json_line(&entry)["event"], "worker_start");
        assert_eq!(json_line(&entry)["service_id"], "my-service");
        assert!(
            pretty_line(&entry).ends_with("INFO  worker_start service_id=\"my-service\""),
            "{}",
            pretty_line(&entry)
        );
    }

    #[test]
    fn entries_below_the_level_are_left_out() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        let handler: LogHandler = Arc::new(move |entry| into.lock().expect("no panic").push(entry.event));
        let logger = StructuredLogger::new().with_handler(handler);
        logger.log(LogEntry::new(LogLevel::Debug, LogEvent::RequestStart));
        logger.log(LogEntry::new(LogLevel::Error, LogEvent::RequestError));
        logger.clone().set_log_level(LogLevel::Debug);
        logger.log(LogEntry::new(LogLevel::Debug, LogEvent::RequestEnd));
        assert_eq!(*seen.lock().expect("no panic"), [LogEvent::RequestError, LogEvent::RequestEnd]);
    }
}
