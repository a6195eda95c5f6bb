//! One call: its admission, its answer, its end.

use std::time::{Duration, Instant};

use super::breaker::Ticket;
use super::link::NoAnswer;
use super::shared::{Phase, Shared, not_running};
use crate::codec::{Message, remote_error_of};
use crate::error::{MultifrostError, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};

/// Sends the call when there is somebody to send it to, and waits for its answer. Sends it once at most.
pub(super) async fn answer(shared: &Shared, function: &str, id: &str, payload: Vec<u8>) -> Result<Message> {
    loop {
        let link = shared.link().await?;
        let mut connection = link.connection.subscribe();
        match link.request(id, payload.clone()).await {
            Ok(message) => {
                return match remote_error_of(&message, function) {
                    Some(error) => Err(MultifrostError::Remote(Box::new(error))),
                    None => Ok(message),
                };
            }
            Err(NoAnswer::Failed(error)) => return Err(error),
            // The link is broken: something is about to happen to it.
            Err(NoAnswer::NotSent) => {
                let _ = connection.changed().await;
            }
        }
    }
}

/// A call on its way, from its admission to its end, also where its caller drops it.
pub(super) struct Running<'a> {
    shared: &'a Shared,
    function: &'a str,
    ticket: Ticket,
    began: Instant,
    is_over: bool,
}

impl<'a> Running<'a> {
    pub(super) fn begin(shared: &'a Shared, function: &'a str) -> Result<Self> {
        if let phase @ (Phase::New | Phase::Stopping | Phase::Ended(_)) = &*shared.phase.borrow() {
            return Err(not_running(phase));
        }
        let limit = shared.options.max_pending;
        if !shared.metrics.begin(limit) {
            return Err(MultifrostError::Overload { limit });
        }
        match shared.with_breaker(|breaker| breaker.admit()) {
            Ok(ticket) => {
                shared.log(LogEntry::new(LogLevel::Debug, LogEvent::RequestStart).with("function", function));
                Ok(Self { shared, function, ticket, began: Instant::now(), is_over: false })
            }
            Err(retry_at) => {
                shared.metrics.end(None, Duration::ZERO);
                Err(MultifrostError::CircuitOpen { retry_at })
            }
        }
    }

    pub(super) fn end(mut self, outcome: &Result<Message>) {
        self.is_over = true;
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
            Err(MultifrostError::Timeout { .. }) => LogEvent::RequestTimeout,
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
        if !self.is_over {
            self.shared.metrics.end(None, Duration::ZERO);
            self.shared.with_breaker(|breaker| breaker.ignored(self.ticket));
        }
    }
}
