//! Starts a worker or connects to one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::heartbeat::beat;
use super::link::{Connection, Link, Task};
use super::options::{ConnectMode, Launch};
use super::process::Process;
use super::shared::Shared;
use crate::error::{Error, ProcessEnd, Result, exit_reason};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::transport::Dealer;

/// How long connecting to a registered service may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// One connection to a worker that has answered, with its process if the parent started it. Dropping it kills the process.
pub(super) struct Session {
    pub(super) link: Arc<Link>,
    pub(super) process: Option<Process>,
    /// Reads from the socket until it is dropped.
    _reader: Task,
}

/// Starts the worker, or finds the service. Only the first time, it waits for the service to be registered.
pub(super) async fn open(shared: &Arc<Shared>, is_first: bool) -> Result<Session> {
    match &shared.options.connect_mode {
        ConnectMode::Spawn(launch) => open_process(shared, launch).await,
        ConnectMode::Connect { service_id, timeout } => {
            open_service(shared, service_id, if is_first { *timeout } else { Duration::ZERO }).await
        }
    }
}

async fn open_process(shared: &Arc<Shared>, launch: &Launch) -> Result<Session> {
    let (dealer, sender, port) = Dealer::bind().await.map_err(|error| cannot_bind(&error))?;
    let (link, reader) = Link::open(dealer, sender, shared.clone());
    let mut process = Process::launch(launch, port, &shared.options)?;
    link.keep_stderr_in(process.stderr_tail());
    shared.set_pid(Some(process.pid));
    shared.log(LogEntry::new(LogLevel::Info, LogEvent::ProcessSpawn).with("pid", process.pid));
    let limit = shared.options.start_timeout;
    tokio::select! {
        answers = timeout(limit, answers(shared, &link)) => match answers {
            Ok(answers) => answers?,
            Err(_) => return Err(too_late(process.end(None, None), limit)),
        },
        end = process.ended() => return Err(exited_early(end)),
    }
    Ok(Session { link, process: Some(process), _reader: reader })
}

/// Waits until the worker is connected and has answered a heartbeat, if heartbeats are on.
async fn answers(shared: &Shared, link: &Link) -> Result<()> {
    let mut connection = link.connection.subscribe();
    let _ = connection.wait_for(|now| *now == Connection::Up).await;
    if !shared.options.heartbeat_interval.is_zero() {
        while beat(shared, link, shared.options.heartbeat_timeout).await?.is_none() {}
    }
    Ok(())
}

async fn open_service(shared: &Arc<Shared>, service_id: &str, timeout: Duration) -> Result<Session> {
    let entry = shared.options.registry()?.discover(service_id, timeout).await?;
    let connected = Dealer::connect(entry.port, CONNECT_TIMEOUT).await;
    let (dealer, sender) = connected.map_err(|error| not_there(service_id, entry.port, &error))?;
    let (link, reader) = Link::open(dealer, sender, shared.clone());
    // Another program may listen on the registered port.
    match beat(shared, &link, shared.options.heartbeat_timeout).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(not_there(service_id, entry.port, &"it does not answer heartbeats")),
        Err(error) => return Err(error),
    }
    shared.set_pid(Some(entry.pid));
    Ok(Session { link, process: None, _reader: reader })
}

fn cannot_bind(error: &dyn std::fmt::Display) -> Error {
    Error::Spawn { code: "SPAWN_FAILED", message: format!("no port could be bound: {error}"), end: None }
}

fn exited_early(end: ProcessEnd) -> Error {
    let message = format!("{} ended ({}) before it connected", end.command, exit_reason(&end));
    Error::Spawn { code: "EXITED_EARLY", message, end: Some(Box::new(end)) }
}

fn too_late(end: ProcessEnd, limit: Duration) -> Error {
    let message = format!(
        "{} did not connect and answer within {} ms; check that it is a worker, or allow more time with start_timeout",
        end.command,
        limit.as_millis()
    );
    Error::Spawn { code: "START_TIMEOUT", message, end: Some(Box::new(end)) }
}

fn not_there(service_id: &str, port: u16, why: &dyn std::fmt::Display) -> Error {
    Error::unreachable(format!(
        "service '{service_id}' is registered with port {port}, but cannot be reached there: {why}; restart it"
    ))
}
