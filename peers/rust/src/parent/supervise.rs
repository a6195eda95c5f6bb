//! Starts, restarts and reconnects a worker, from `start()` to `stop()`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::heartbeat;
use super::link::Connection;
use super::open::{Session, open};
use super::options::ConnectMode;
use super::restart::Restarts;
use super::shared::{Phase, Shared};
use super::stop::stop;
use crate::error::{Error, ProcessEnd, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};

/// How long a lost connection waits for the exit of the process that explains it.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the parent reads the last answers after the process has ended. The connection normally ends at once, unless a
/// forked process holds it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts the worker, reports the result of the start, and restarts or reconnects until it is stopped or fails.
pub(super) async fn supervise(shared: Arc<Shared>, started: oneshot::Sender<Result<()>>) {
    let mut stops = shared.stop.subscribe();
    let mut restarts = Restarts::new(match shared.options.connect_mode {
        ConnectMode::Spawn(_) => shared.options.max_restart_attempts,
        ConnectMode::Connect { .. } => u32::MAX,
    });
    let mut started = Some(started);
    let end = loop {
        let opened = tokio::select! {
            opened = open(&shared, started.is_some()) => opened,
            () = stop_requested(&mut stops) => break None,
        };
        let error = match opened {
            Err(error) if started.is_some() => break Some(error),
            Err(error) => {
                // The loss of a service counts once. Calls wait until it is back.
                if matches!(shared.options.connect_mode, ConnectMode::Spawn(_)) {
                    failed(&shared, &error);
                }
                error
            }
            Ok(mut session) => {
                began(&shared, &session, &mut restarts, started.take());
                let lost = tokio::select! {
                    error = lost(&shared, &mut session) => Some(error),
                    () = stop_requested(&mut stops) => None,
                };
                let Some(lost) = lost else {
                    stop(&shared, session).await;
                    break None;
                };
                session.link.close(&lost);
                if session.link.is_leaving.load(Ordering::Relaxed) {
                    ended_in_order(&shared);
                } else {
                    failed(&shared, &lost);
                }
                lost
            }
        };
        let Some(wait) = next_wait(&shared, &mut restarts) else {
            shared.with_breaker(|breaker| breaker.trip());
            break Some(error);
        };
        shared.phase.send_replace(Phase::Restarting);
        tokio::select! {
            () = sleep(wait) => {}
            () = stop_requested(&mut stops) => break None,
        }
    };
    shared.set_pid(None);
    shared.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStop));
    shared.phase.send_replace(Phase::Ended(end.clone()));
    if let Some(started) = started {
        let stopped = Error::NotRunning { state: "stopped", advice: "stop() was called during the start".to_owned() };
        let _ = started.send(Err(end.unwrap_or(stopped)));
    }
}

/// Waits until `stop()` is called.
async fn stop_requested(stops: &mut watch::Receiver<bool>) {
    let _ = stops.wait_for(|stop| *stop).await;
}

fn began(shared: &Shared, session: &Session, restarts: &mut Restarts, started: Option<oneshot::Sender<Result<()>>>) {
    restarts.began();
    if matches!(shared.options.connect_mode, ConnectMode::Connect { .. }) {
        restarts.renew(); // the service has answered a heartbeat
    }
    shared.phase.send_replace(Phase::Running(session.link.clone()));
    match started {
        Some(started) => {
            shared.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStart));
            let _ = started.send(Ok(()));
        }
        None => {
            shared.metrics.restarted();
            shared.close_circuits();
            shared.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerRestart));
        }
    }
}

fn failed(shared: &Shared, error: &Error) {
    shared.log(LogEntry::new(LogLevel::Warn, loss_event(shared)).with("error", error.to_string()));
    shared.with_breaker(|breaker| breaker.count_failure());
}

/// The worker refused calls because it was stopping: that is no failure.
fn ended_in_order(shared: &Shared) {
    shared.log(LogEntry::new(LogLevel::Info, loss_event(shared)));
}

fn loss_event(shared: &Shared) -> LogEvent {
    match shared.options.connect_mode {
        ConnectMode::Spawn(_) => LogEvent::ProcessExit,
        ConnectMode::Connect { .. } => LogEvent::SocketDisconnect,
    }
}

/// The wait before the next attempt, or `None` to give up: a service is reconnected without end, a process as often as
/// `auto_restart` and its restarts allow.
fn next_wait(shared: &Shared, restarts: &mut Restarts) -> Option<Duration> {
    match shared.options.connect_mode {
        ConnectMode::Spawn(_) => {
            if shared.options.auto_restart {
                restarts.next()
            } else {
                None
            }
        }
        ConnectMode::Connect { .. } => restarts.next(),
    }
}

/// Waits until the worker is lost, and returns the error of the calls in flight.
async fn lost(shared: &Shared, session: &mut Session) -> Error {
    let Session { link, process, .. } = session;
    let Some(process) = process else {
        tokio::select! {
            () = disconnected(link) => {}
            _ = heartbeat::watch(shared, link, false) => {}
        }
        return Error::lost(format!("the connection to service '{}' was lost before it answered", shared.name));
    };
    let ended = tokio::select! {
        end = process.ended() => Some(end),
        () = disconnected(link) => None,
        stalled = heartbeat::watch(shared, link, shared.options.auto_restart) => {
            process.kill();
            return Error::WorkerExited(Box::new(ProcessEnd { stalled, ..process.ended().await }));
        }
    };
    if let Some(end) = ended {
        // Read the last answers first.
        let _ = timeout(ANSWER_TIMEOUT, disconnected(link)).await;
        return Error::WorkerExited(Box::new(end));
    }
    // The process has ended and is about to be reaped, or runs without a connection.
    if let Ok(end) = timeout(EXIT_TIMEOUT, process.ended()).await {
        return Error::WorkerExited(Box::new(end));
    }
    process.kill();
    process.ended().await;
    Error::lost(format!("the connection to the worker '{}' was lost before it answered", shared.name))
}

async fn disconnected(link: &super::link::Link) {
    let mut connection = link.connection.subscribe();
    let _ = connection.wait_for(|now| *now == Connection::Down).await;
}
