//! One call, from its admission to its end.

use std::time::{Duration, Instant};

use super::breaker::Ticket;
use super::link::NoAnswer;
use super::shared::{Phase, Shared, not_running};
use crate::codec::{Message, remote_error_of};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};

/// Sends the call once the worker is connected, and waits for its answer. Sends it at most once.
pub(super) async fn answer(shared: &Shared, function: &str, id: &str, payload: Vec<u8>) -> Result<Message> {
    loop {
        let link = shared.link().await?;
        let mut connection = link.connection.subscribe();
        match link.request(id, payload.clone()).await {
            Ok(message) => {
                return match remote_error_of(&message, function) {
                    Some(error) => Err(Error::Remote(Box::new(error))),
                    None => Ok(message),
                };
            }
            Err(NoAnswer::Failed(error)) => return Err(error),
            // The connection is lost. Wait until the supervisor has noticed.
            Err(NoAnswer::NotSent) => {
                let _ = connection.changed().await;
            }
        }
    }
}

/// An admitted call. It ends by [`Running::end`], or when its caller drops it.
pub(super) struct Running<'a> {
    shared: &'a Shared,
    function: &'a str,
    ticket: Ticket,
    began: Instant,
    has_ended: bool,
}

impl<'a> Running<'a> {
    pub(super) fn begin(shared: &'a Shared, function: &'a str) -> Result<Self> {
        if let phase @ (Phase::New | Phase::Stopping | Phase::Ended(_)) = &*shared.phase.borrow() {
            return Err(not_running(phase));
        }
        let limit = shared.options.max_pending;
        if !shared.metrics.begin(limit) {
            return Err(Error::Overload { limit });
        }
        match shared.with_breaker(|breaker| breaker.admit()) {
            Ok(ticket) => {
                shared.log(LogEntry::new(LogLevel::Debug, LogEvent::RequestStart).with("function", function));
                Ok(Self { shared, function, ticket, began: Instant::now(), has_ended: false })
            }
            Err(retry_at) => {
                shared.metrics.end(None, Duration::ZERO);
                Err(Error::CircuitOpen { retry_at })
            }
        }
    }

    pub(super) fn end(mut self, outcome: &Result<Message>) {
        self.has_ended = true;
        let Self { shared, ticket, .. } = self;
        shared.metrics.end(Some(outcome.is_ok()), self.began.elapsed());
        match outcome {
            Ok(_) => shared.with_breaker(|breaker| breaker.success(ticket)),
            Err(error) if shared.is_failure(error) => shared.with_breaker(|breaker| breaker.failure(ticket)),
            Err(_) => shared.with_breaker(|breaker| breaker.ignored(ticket)),
        }
        self.log_end(outcome);
    }

    fn log_end(&self, outcome: &Result<Message>) {
        let event = match outcome {
            Ok(_) => LogEvent::RequestEnd,
            Err(Error::Timeout { .. }) => LogEvent::RequestTimeout,
            Err(_) => LogEvent::RequestError,
        };
        let duration = self.began.elapsed().as_secs_f64() * 1000.0;
        let entry = LogEntry::new(LogLevel::Debug, event).with("function", self.function).with("duration_ms", duration);
        self.shared.log(match outcome {
            Ok(_) => entry,
            Err(error) => entry.with("code", error.code()),
        });
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.shared.metrics.end(None, Duration::ZERO);
            self.shared.with_breaker(|breaker| breaker.ignored(self.ticket));
        }
    }
}
