//! Heartbeats: check that the worker still answers.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::link::{Link, NoAnswer};
use super::shared::Shared;
use crate::codec::Message;
use crate::error::Result;
use crate::log::{LogEntry, LogEvent, LogLevel};

/// Sends a heartbeat and measures the round trip with this process's clock. Returns `None` after the timeout.
pub(super) async fn beat(shared: &Shared, link: &Link, limit: Duration) -> Result<Option<Duration>> {
    let message = Message::heartbeat();
    let payload = shared.options.encode(&message)?;
    let sent = Instant::now();
    match timeout(limit, link.request(&message.id, payload)).await {
        Ok(Ok(_)) => {
            let round_trip = sent.elapsed();
            shared.metrics.heartbeat(Some(round_trip));
            Ok(Some(round_trip))
        }
        Ok(Err(NoAnswer::Failed(error))) => Err(error),
        Ok(Err(NoAnswer::NotSent)) | Err(_) => Ok(None),
    }
}

/// Sends heartbeats over a link. Opens the circuit breaker after too many consecutive misses, and closes it when one is
/// answered again. Returns when the link is closed, or the worker must be restarted.
pub(super) async fn watch(shared: &Shared, link: &Link, restart_when_lost: bool) {
    let options = &shared.options;
    if options.heartbeat_interval.is_zero() {
        return std::future::pending().await;
    }
    let mut misses = 0;
    loop {
        sleep(options.heartbeat_interval).await;
        match beat(shared, link, options.heartbeat_timeout).await {
            Err(_) => return,
            Ok(Some(_)) => {
                if misses >= options.heartbeat_max_misses {
                    shared.with_breaker(|breaker| breaker.close());
                }
                misses = 0;
            }
            Ok(None) => {
                misses += 1;
                missed(shared, misses);
                if misses == options.heartbeat_max_misses && restart_when_lost {
                    return;
                }
            }
        }
    }
}

fn missed(shared: &Shared, misses: u32) {
    shared.metrics.heartbeat(None);
    shared.log(LogEntry::new(LogLevel::Warn, LogEvent::HeartbeatMissed).with("in_a_row", misses));
    if misses == shared.options.heartbeat_max_misses {
        shared.log(LogEntry::new(LogLevel::Warn, LogEvent::HeartbeatTimeout));
        shared.with_breaker(|breaker| breaker.trip());
    }
}
