//! Keeps one worker alive, from `start()` to `stop()`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::heartbeat;
use super::link::Connection;
use super::open::{Session, open};
use super::options::Way;
use super::restart::Restarts;
use super::shared::{Phase, Shared};
use super::stop::stop;
use crate::error::{MultifrostError, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};

/// How long a worker whose connection broke may take to connect again, or to be seen to have ended.
const REPAIR_PATIENCE: Duration = Duration::from_secs(1);

/// How long answers that a worker sent before its end may take to be read: until its connection ends, which it does at once
/// unless a program that the worker has become (by `fork` alone) holds it.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Starts the worker, tells of it, and keeps it alive until it is stopped or cannot be kept alive.
pub(super) async fn supervise(shared: Arc<Shared>, started: oneshot::Sender<Result<()>>) {
    let mut stops = shared.stop.subscribe();
    let mut restarts = Restarts::new(shared.options.max_restart_attempts);
    let mut started = Some(started);
    let end = loop {
        let opened = tokio::select! {
            opened = open(&shared, started.is_some()) => opened,
            () = asked(&mut stops) => break None,
        };
        let error = match opened {
            Err(error) if started.is_some() => break Some(error),
            Err(error) => {
                // A service that is away has failed once: calls wait until it is back.
                if matches!(shared.options.way, Way::Spawn(_)) {
                    failed(&shared, &error);
                }
                error
            }
            Ok(mut session) => {
                began(&shared, &session, &mut restarts, started.take());
                let lost = tokio::select! {
                    error = lose(&shared, &mut session) => Some(error),
                    () = asked(&mut stops) => None,
                };
                let Some(lost) = lost else {
                    stop(&shared, session).await;
                    break None;
                };
                session.link.close(&lost);
                failed(&shared, &lost);
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
            () = asked(&mut stops) => break None,
        }
    };
    shared.set_pid(None);
    shared.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStop));
    shared.phase.send_replace(Phase::Ended(end.clone()));
    if let Some(started) = started {
        let stopped =
            MultifrostError::NotRunning { state: "stopped", advice: "stop() came before it had started".to_owned() };
        let _ = started.send(Err(end.unwrap_or(stopped)));
    }
}

/// Waits until the user wants an end.
async fn asked(stops: &mut watch::Receiver<bool>) {
    let _ = stops.wait_for(|stop| *stop).await;
}

fn began(shared: &Shared, session: &Session, restarts: &mut Restarts, started: Option<oneshot::Sender<Result<()>>>) {
    restarts.began();
    shared.phase.send_replace(Phase::Running(session.link.clone()));
    match started {
        Some(started) => {
            shared.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStart));
            let _ = started.send(Ok(()));
        }
        None => {
            shared.metrics.restarted();
            shared.with_breaker(|breaker| breaker.close());
            shared.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerRestart));
        }
    }
}

fn failed(shared: &Shared, error: &MultifrostError) {
    let event =
        if matches!(shared.options.way, Way::Spawn(_)) { LogEvent::ProcessExit } else { LogEvent::SocketDisconnect };
    shared.log(LogEntry::new(LogLevel::Warn, event).with("error", error.to_string()));
    shared.with_breaker(|breaker| breaker.count_failure());
}

/// A service is looked up for as long as its user wants it; a process is restarted where that was asked for.
fn next_wait(shared: &Shared, restarts: &mut Restarts) -> Option<Duration> {
    match shared.options.way {
        Way::Spawn(_) => {
            if shared.options.auto_restart {
                restarts.next()
            } else {
                None
            }
        }
        Way::Connect { .. } => Some(restarts.next().unwrap_or(Duration::from_secs(5))),
    }
}

/// Waits until the worker is lost; gives the error for everything that waits for it.
async fn lose(shared: &Shared, session: &mut Session) -> MultifrostError {
    let Session { link, process, .. } = session;
    let Some(process) = process else {
        tokio::select! {
            () = disconnected(link) => {}
            () = heartbeat::watch(shared, link, false) => {}
        }
        return MultifrostError::lost(format!("the connection to service '{}' broke before it answered", shared.name));
    };
    let is_over = tokio::select! {
        end = process.ended() => Some(end),
        () = disconnected(link) => None,
        () = heartbeat::watch(shared, link, shared.options.auto_restart) => {
            process.kill();
            return MultifrostError::WorkerExited(Box::new(process.ended().await));
        }
    };
    if let Some(end) = is_over {
        // What it sent before its end is read first.
        let _ = timeout(LAST_ANSWERS, disconnected(link)).await;
        return MultifrostError::WorkerExited(Box::new(end));
    }
    // It has ended and is about to be reaped, or is alive without a connection and of no more use.
    if let Ok(end) = timeout(REPAIR_PATIENCE, process.ended()).await {
        return MultifrostError::WorkerExited(Box::new(end));
    }
    process.kill();
    process.ended().await;
    MultifrostError::lost(format!("the connection to the worker '{}' broke before it answered", shared.name))
}

async fn disconnected(link: &super::link::Link) {
    let mut connection = link.connection.subscribe();
    let _ = connection.wait_for(|now| *now == Connection::Down).await;
}
