//! From nothing to a worker that answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::heartbeat::beat;
use super::link::{Connection, Link, Task};
use super::options::{Launch, Way};
use super::process::Process;
use super::shared::Shared;
use crate::error::{MultifrostError, ProcessEnd, Result, outcome};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::transport::Dealer;

/// How long a service that is in the registry may take to be connected to.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// A worker that answers. Dropping it ends its process.
pub(super) struct Session {
    pub(super) link: Arc<Link>,
    pub(super) process: Option<Process>,
    /// Reads from the socket until dropped.
    _reader: Task,
}

/// Starts or finds the worker. `is_first`: a service may take its time to appear, as its user has asked for.
pub(super) async fn open(shared: &Arc<Shared>, is_first: bool) -> Result<Session> {
    match &shared.options.way {
        Way::Spawn(launch) => open_process(shared, launch).await,
        Way::Connect { service_id, timeout } => {
            open_service(shared, service_id, if is_first { *timeout } else { Duration::ZERO }).await
        }
    }
}

async fn open_process(shared: &Arc<Shared>, launch: &Launch) -> Result<Session> {
    let (dealer, sender, port) = Dealer::bind().await.map_err(|error| cannot_bind(&error))?;
    let (link, reader) = Link::open(dealer, sender, shared.clone());
    let mut process = Process::launch(launch, port, &shared.options)?;
    link.keep_stderr_in(process.tail());
    shared.set_pid(Some(process.pid));
    shared.log(LogEntry::new(LogLevel::Info, LogEvent::ProcessSpawn).with("pid", process.pid));
    let patience = shared.options.start_timeout;
    tokio::select! {
        answers = timeout(patience, answers(shared, &link)) => match answers {
            Ok(answers) => answers?,
            Err(_) => return Err(too_late(process.end(None, None), patience)),
        },
        end = process.ended() => return Err(exited_early(end)),
    }
    Ok(Session { link, process: Some(process), _reader: reader })
}

/// Waits until the worker is connected and, where heartbeats are on, has answered one.
async fn answers(shared: &Shared, link: &Link) -> Result<()> {
    let mut connection = link.connection.subscribe();
    let _ = connection.wait_for(|now| *now == Connection::Up).await;
    if !shared.options.heartbeat_interval.is_zero() {
        while beat(shared, link, shared.options.heartbeat_timeout).await?.is_none() {}
    }
    Ok(())
}

async fn open_service(shared: &Arc<Shared>, service_id: &str, patience: Duration) -> Result<Session> {
    let entry = shared.options.registry()?.discover(service_id, patience).await?;
    let connected = Dealer::connect(entry.port, CONNECT_PATIENCE).await;
    let (dealer, sender) = connected.map_err(|error| not_there(service_id, entry.port, &error))?;
    let (link, reader) = Link::open(dealer, sender, shared.clone());
    // An entry is a claim: another program may have its port by now.
    match beat(shared, &link, shared.options.heartbeat_timeout).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(not_there(service_id, entry.port, &"it answers no heartbeat")),
        Err(error) => return Err(error),
    }
    shared.set_pid(Some(entry.pid));
    Ok(Session { link, process: None, _reader: reader })
}

fn cannot_bind(error: &dyn std::fmt::Display) -> MultifrostError {
    MultifrostError::Spawn { code: "SPAWN_FAILED", message: format!("no port could be bound: {error}"), end: None }
}

fn exited_early(end: ProcessEnd) -> MultifrostError {
    let message = format!("{} ended ({}) before it connected", end.command, outcome(&end));
    MultifrostError::Spawn { code: "EXITED_EARLY", message, end: Some(Box::new(end)) }
}

fn too_late(end: ProcessEnd, patience: Duration) -> MultifrostError {
    let message = format!(
        "{} did not connect and answer within {} ms; is it a worker? start_timeout gives it longer",
        end.command,
        patience.as_millis()
    );
    MultifrostError::Spawn { code: "START_TIMEOUT", message, end: Some(Box::new(end)) }
}

fn not_there(service_id: &str, port: u16, why: &dyn std::fmt::Display) -> MultifrostError {
    MultifrostError::unreachable(format!(
        "service '{service_id}' is in the registry with port {port}, but cannot be reached there: {why}; restart it"
    ))
}
