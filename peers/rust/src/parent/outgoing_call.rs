//! One call, from its admission to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::breaker::Ticket;
use super::link::{Link, NoAnswer};
use super::shared::{Phase, Shared, not_running};
use crate::codec::{Message, remote_error_of};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};

/// Sends the call once the worker is connected, and waits for its answer. One that was not sent, or that the worker did not run
/// because it is stopping, is sent to the next session. `is_bounded` says whether the caller limits the time; otherwise a call waits
/// for a session for at most `start_timeout`.
pub(super) async fn answer(call: &Running<'_>, id: &str, payload: Vec<u8>, is_bounded: bool) -> Result<Message> {
    let shared = call.shared;
    let mut lost = None;
    loop {
        let link = next_link(call, lost.as_ref(), is_bounded).await?;
        call.sent.store(true, Ordering::Relaxed);
        match link.request(id, payload.clone()).await {
            Ok(message) => match remote_error_of(&message, call.function) {
                None => return Ok(message),
                Some(error) if error.code == "STOPPING" && shared.options.sends_again() && !*shared.stop.borrow() => {
                    link.is_leaving.store(true, Ordering::Relaxed);
                }
                Some(error) => return Err(Error::Remote(Box::new(error))),
            },
            Err(NoAnswer::Failed(error)) => return Err(error),
            Err(NoAnswer::NotSent | NoAnswer::Closed(_)) => {}
        }
        call.sent.store(false, Ordering::Relaxed);
        lost = Some(link);
    }
}

async fn next_link(call: &Running<'_>, lost: Option<&Arc<Link>>, is_bounded: bool) -> Result<Arc<Link>> {
    let shared = call.shared;
    let link = shared.link_after(lost);
    if is_bounded {
        return link.await;
    }
    let limit = shared.options.start_timeout;
    timeout(limit, link).await.unwrap_or_else(|_| {
        let (function, name, limit) = (call.function, &shared.name, limit.as_millis());
        Err(Error::unreachable(format!(
            "{function}() was not sent: '{name}' did not come back within {limit} ms (start_timeout)"
        )))
    })
}

/// An admitted call. It ends by [`Running::end`], or when its caller drops it.
pub(super) struct Running<'a> {
    shared: &'a Shared,
    function: &'a str,
    ticket: Ticket,
    /// `None` unless the method's latest call failed.
    method_ticket: Option<Ticket>,
    /// Whether it was sent; otherwise it waits for a session.
    sent: AtomicBool,
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
        let refused = |retry_at, function| {
            shared.metrics.end(None, Duration::ZERO);
            Error::CircuitOpen { retry_at, function }
        };
        let ticket = shared.with_breaker(|breaker| breaker.admit()).map_err(|retry_at| refused(retry_at, None))?;
        let method_ticket = if shared.has_failing_methods() {
            shared.with_methods(function, |methods| methods.admit(function)).map_err(|retry_at| {
                shared.with_breaker(|breaker| breaker.ignored(ticket));
                refused(retry_at, Some(function.to_owned()))
            })?
        } else {
            None
        };
        shared.log(LogEntry::new(LogLevel::Debug, LogEvent::RequestStart).with("function", function));
        let sent = AtomicBool::new(false);
        Ok(Self { shared, function, ticket, method_ticket, sent, began: Instant::now(), has_ended: false })
    }

    /// Whether it was sent.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether other calls are refused until it ends.
    pub(super) fn is_trial(&self) -> bool {
        self.shared.with_breaker(|breaker| breaker.is_trial(self.ticket)) || self.method_ticket.is_some()
    }

    /// Says nothing about the worker and the method. If it is the trial, the next call becomes the trial.
    pub(super) fn ignore(&self) {
        self.shared.with_breaker(|breaker| breaker.ignored(self.ticket));
        if self.method_ticket.is_some() {
            self.shared.with_methods(self.function, |methods| methods.ignored(self.function, self.method_ticket));
        }
    }

    pub(super) fn end(mut self, outcome: &Result<Message>) {
        self.has_ended = true;
        self.shared.metrics.end(Some(outcome.is_ok()), self.began.elapsed());
        self.judge(outcome);
        self.log_end(outcome);
    }

    /// What a method returns as its error counts against this method alone: the worker answered. An exit or a lost connection is
    /// counted once, by the supervisor, and not for each call in flight.
    fn judge(&self, outcome: &Result<Message>) {
        let Self { shared, function, ticket, method_ticket, .. } = self;
        match outcome {
            Ok(_) => {
                shared.with_breaker(|breaker| breaker.success(*ticket));
                if shared.has_failing_methods() {
                    shared.with_methods(function, |methods| methods.success(function, *method_ticket));
                }
            }
            Err(error @ Error::Remote(remote)) if remote.code == "REMOTE_ERROR" => {
                shared.with_breaker(|breaker| breaker.success(*ticket));
                let counts = shared.is_failure(error);
                shared.with_methods(function, |methods| {
                    if counts {
                        methods.failure(function, *method_ticket);
                    } else {
                        methods.ignored(function, *method_ticket);
                    }
                });
            }
            Err(error @ Error::Timeout { sent: true, .. }) if shared.is_failure(error) => {
                shared.with_breaker(|breaker| breaker.failure(*ticket));
                self.ignore();
            }
            Err(_) => self.ignore(),
        }
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
            self.ignore();
        }
    }
}
