//! Is the worker's loop still turning?

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::link::{Link, NoAnswer};
use super::shared::Shared;
use crate::codec::{Message, encode};
use crate::error::Result;
use crate::log::{LogEntry, LogEvent, LogLevel};

/// Sends one heartbeat and measures the time to its answer, on this process's own clock. `None`: none came in time.
pub(super) async fn beat(shared: &Shared, link: &Link, patience: Duration) -> Result<Option<Duration>> {
    let message = Message::heartbeat();
    let payload = encode(&message, &shared.options.limits)?;
    let sent = Instant::now();
    match timeout(patience, link.request(&message.id, payload)).await {
        Ok(Ok(_)) => {
            let round_trip = sent.elapsed();
            shared.metrics.heartbeat(Some(round_trip));
            Ok(Some(round_trip))
        }
        Ok(Err(NoAnswer::Failed(error))) => Err(error),
        Ok(Err(NoAnswer::NotSent)) | Err(_) => Ok(None),
    }
}

/// Sends heartbeats while the link lives. Opens the circuit breaker when too many in a row are missed, and closes it when
/// one is answered again. Returns only where the worker is to be restarted, or the link is closed.
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
