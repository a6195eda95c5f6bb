//! Heartbeats: check that the worker still answers.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::link::{Link, NoAnswer};
use super::pulse::Pulse;
use super::shared::Shared;
use crate::codec::Message;
use crate::error::Result;
use crate::log::{LogEntry, LogEvent, LogLevel};

/// The pause between two looks whether what has arrived was read.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

/// Sends a heartbeat and measures the round trip with this process's clock. Returns `None` after the timeout.
pub(super) async fn beat(shared: &Shared, link: &Link, limit: Duration) -> Result<Option<Duration>> {
    let message = Message::heartbeat();
    let payload = shared.options.encode(&message)?;
    let sent = Instant::now();
    let mut answer = pin!(link.request(&message.id, payload));
    loop {
        let began = Instant::now();
        match timeout(limit, &mut answer).await {
            Ok(Ok(_)) => {
                let round_trip = sent.elapsed();
                shared.metrics.heartbeat(Some(round_trip));
                return Ok(Some(round_trip));
            }
            Ok(Err(NoAnswer::Failed(error) | NoAnswer::Closed(error))) => return Err(error),
            Ok(Err(NoAnswer::NotSent)) => return Ok(None),
            // This process was suspended, and the worker may have been too.
            Err(_) if began.elapsed() >= limit * 2 && !limit.is_zero() => {}
            Err(_) => return Ok(None),
        }
    }
}

/// Sends heartbeats over a link. A worker that answers none is stalled, and lost after `stall_timeout`: then the circuit breaker
/// opens, until there is a sign of life. Returns when the link is closed, or when a lost worker must be restarted: with the time that
/// it was silent.
pub(super) async fn watch(shared: &Shared, link: &Link, restart_when_lost: bool) -> Option<Duration> {
    let options = &shared.options;
    if options.heartbeat_interval.is_zero() {
        return std::future::pending().await;
    }
    let period = options.heartbeat_interval.max(options.heartbeat_timeout);
    let mut pulse = Pulse::new(period, options.heartbeat_max_misses, options.stall_timeout);
    let mut ticks = interval(options.heartbeat_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let heard = link.heard();
        let answer = beat(shared, link, options.heartbeat_timeout).await.ok()?;
        if answer.is_some() || has_heard(link, heard, options.heartbeat_timeout).await {
            let sign = pulse.alive();
            if sign.was_lost {
                shared.with_breaker(|breaker| breaker.close());
            }
            link.is_stalled.store(false, Ordering::Relaxed);
            continue;
        }
        let miss = pulse.missed();
        shared.metrics.heartbeat(None);
        shared.log(LogEntry::new(LogLevel::Info, LogEvent::HeartbeatMissed).with("in_a_row", miss.misses));
        if miss.is_stalled {
            link.is_stalled.store(true, Ordering::Relaxed);
            let entry = LogEntry::new(LogLevel::Warn, LogEvent::WorkerStalled);
            shared.log(entry.with("silent_ms", miss.silent.as_millis() as u64));
        }
        if miss.is_lost {
            let entry = LogEntry::new(LogLevel::Warn, LogEvent::HeartbeatTimeout);
            shared.log(entry.with("silent_ms", miss.silent.as_millis() as u64));
            shared.with_breaker(|breaker| breaker.trip());
            if restart_when_lost {
                return Some(miss.silent);
            }
        }
    }
}

/// Whether the worker has sent anything since, which is a sign of life as an answer is. What has arrived is read first: this process
/// may have been busy itself.
async fn has_heard(link: &Link, heard: u64, limit: Duration) -> bool {
    let began = Instant::now();
    while link.heard() == heard && link.has_unread() && began.elapsed() < limit {
        sleep(LOOK_PAUSE).await;
    }
    link.heard() != heard
}
