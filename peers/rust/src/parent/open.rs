//! Starts a worker or connects to one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::admission::Admission;
use super::heartbeat::beat;
use super::link::{Link, Task};
use super::options::{ConnectMode, Launch};
use super::process::Process;
use super::shared::Shared;
use crate::error::{Error, ProcessEnd, Result, exit_reason};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::zmtp::{Connection, ConnectionError, Setup, SocketType, Stream};

/// How long connecting to a registered service may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

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
    let admission = Admission::open(shared)?;
    let mut process = Process::launch(launch, admission.variables(), &shared.options)?;
    admission.expect(process.pid);
    shared.set_pid(Some(process.pid));
    shared.log(LogEntry::new(LogLevel::Info, LogEvent::ProcessSpawn).with("pid", process.pid));
    let limit = shared.options.start_timeout;
    let stderr_tail = process.stderr_tail();
    let started = async {
        let (link, reader) = Link::open(admission.guest().await, Some(stderr_tail), shared.clone());
        answers(shared, &link).await?;
        Ok((link, reader))
    };
    let (link, reader) = tokio::select! {
        started = timeout(limit, started) => match started {
            Ok(started) => started?,
            Err(_) => return Err(too_late(process.end(None, None), limit)),
        },
        end = process.ended() => return Err(exited_early(end)),
    };
    Ok(Session { link, process: Some(process), _reader: reader })
}

/// Waits until the worker has answered a heartbeat, if heartbeats are on.
async fn answers(shared: &Shared, link: &Link) -> Result<()> {
    if !shared.options.heartbeat_interval.is_zero() {
        while beat(shared, link, shared.options.heartbeat_timeout).await?.is_none() {}
    }
    Ok(())
}

async fn open_service(shared: &Arc<Shared>, service_id: &str, limit: Duration) -> Result<Session> {
    let entry = shared.options.registry()?.discover(service_id, limit).await?;
    let connected = timeout(CONNECT_TIMEOUT, connect(shared, entry.port)).await;
    let connection = match connected.unwrap_or(Err(ConnectionError::Silent)) {
        Ok(connection) => connection,
        Err(error) => return Err(not_there(service_id, entry.port, &error)),
    };
    let (link, reader) = Link::open(connection, None, shared.clone());
    // Another program may listen on the registered port.
    match beat(shared, &link, shared.options.heartbeat_timeout).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(not_there(service_id, entry.port, &"it does not answer heartbeats")),
        Err(error) => return Err(error),
    }
    shared.set_pid(Some(entry.pid));
    Ok(Session { link, process: None, _reader: reader })
}

/// Connects to a port. Retries without end, as a service may be about to listen again.
async fn connect(shared: &Shared, port: u16) -> Result<Connection, ConnectionError> {
    let stream = loop {
        match Stream::connect_port(port).await {
            Ok(stream) => break stream,
            Err(_) => sleep(RETRY_PAUSE).await,
        }
    };
    let setup = Setup { own: SocketType::Dealer, property: None, limits: shared.connection_limits() };
    Connection::open(stream, setup).await
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
