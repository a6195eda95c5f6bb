//! A private connection has one guest: the worker that the parent started. Everything else that connects gets a heartbeat and
//! nothing more, and is refused and counted.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::link::Task;
use super::shared::Shared;
use super::socket_owner::is_held_by;
use crate::child::{ENDPOINT_VARIABLE, MODE_VARIABLE, PORT_VARIABLE, TOKEN_VARIABLE};
use crate::codec::{Body, Message};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::value::Value;
use crate::zmtp::{
    Connection, ConnectionError, Limits, Listener, PrivateSocket, Received, Setup, SocketType, Stream, TOKEN_PROPERTY,
};

/// Connections of each listener that may shake hands at once. More are accepted when one of these is done, or has had
/// [`MIN_GREETING`] for it.
const MAX_GREETING: usize = 256;

/// The time that a connection has for its handshake even if many others wait.
const MIN_GREETING: Duration = Duration::from_millis(50);

/// Connections of each listener that may wait for their proof at once. Of more, the first that has not answered is closed, or else
/// the new one.
const MAX_ASKED: usize = 64;

/// Messages that a connection may send before its proof, such as the first lines of an older worker's output.
const MAX_MESSAGES: usize = 1000;

/// How much may wait for a connection before its proof, such as answers to its PINGs, in bytes.
const MAX_WAITING: usize = 64 * 1024;

/// How long a refused connection may take to close.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Listens until the worker is found, or this is dropped.
pub(super) struct Admission {
    port: u16,
    token: String,
    private: Option<PrivateSocket>,
    pid: watch::Sender<Option<u32>>,
    guest: oneshot::Receiver<Connection>,
    _listeners: Vec<Task>,
}

impl Admission {
    /// Listens on a private socket, and on a port for workers that know only that.
    pub(super) fn open(shared: &Arc<Shared>) -> Result<Self> {
        let (listener, port) = Listener::bind_port().map_err(|error| cannot_listen(&error))?;
        let (private, private_listener) = PrivateSocket::listen().unzip();
        let token = random_token().map_err(|error| cannot_listen(&error))?;
        let (admit, guest) = oneshot::channel();
        let (pid, pids) = watch::channel(None);
        let judge = Judge { shared: shared.clone(), token: token.clone(), pid: pids, admit: Mutex::new(Some(admit)) };
        let judge = Arc::new(judge);
        let listeners = [Some(listener), private_listener].into_iter().flatten();
        let listeners = listeners.map(|listener| Task::spawn(judge.clone().listen(listener))).collect();
        Ok(Self { port, token, private, pid, guest, _listeners: listeners })
    }

    /// The environment variables for the process.
    pub(super) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables = vec![
            (PORT_VARIABLE, self.port.to_string().into()),
            (MODE_VARIABLE, "1".into()),
            (TOKEN_VARIABLE, self.token.clone().into()),
        ];
        if let Some(private) = &self.private {
            let mut endpoint = OsString::from("ipc://");
            endpoint.push(private.path());
            variables.push((ENDPOINT_VARIABLE, endpoint));
        }
        variables
    }

    /// Sets the process that was started.
    pub(super) fn expect(&self, pid: u32) {
        self.pid.send_replace(Some(pid));
    }

    /// Waits for the worker's connection. Then nothing listens any more, and every other connection is closed.
    pub(super) async fn guest(mut self) -> Connection {
        match (&mut self.guest).await {
            Ok(connection) => connection,
            // The listeners have the sender until they have used it.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Decides which connection is the worker's.
struct Judge {
    shared: Arc<Shared>,
    token: String,
    pid: watch::Receiver<Option<u32>>,
    /// Takes the worker's connection.
    admit: Mutex<Option<oneshot::Sender<Connection>>>,
}

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("it brought a wrong token")]
    WrongToken,
    #[error("it brought no token")]
    NoToken,
    #[error("it does not read")]
    DoesNotRead,
    #[error("it did not answer a heartbeat")]
    NoAnswer,
    #[error("it is not the process that this parent started")]
    OtherProcess,
    #[error("another connection is the worker's, or too many wait")]
    Unneeded,
}

/// The connections of one listener that are not decided about. They are closed when this is dropped.
#[derive(Default)]
struct Candidates {
    greeting: JoinSet<Option<Greeted>>,
    /// The oldest first.
    greeting_since: VecDeque<(Instant, AbortHandle)>,
    asked: JoinSet<()>,
    /// The first asked first, and whether it has answered.
    asked_first: VecDeque<(AbortHandle, Arc<AtomicBool>)>,
}

/// A connection whose handshake is complete.
type Greeted = (Connection, Candidate);

impl Candidates {
    /// When the oldest connection has had its time for the handshake.
    fn patience(&self) -> Instant {
        self.greeting_since.front().map_or_else(Instant::now, |(since, _)| *since) + MIN_GREETING
    }

    fn close_oldest(&mut self) {
        if let Some((_, oldest)) = self.greeting_since.pop_front() {
            oldest.abort();
        }
    }

    fn greet(&mut self, judge: Arc<Judge>, stream: Stream) {
        let handle = self.greeting.spawn(judge.greet(stream));
        self.greeting_since.push_back((Instant::now(), handle));
    }

    fn greeted(&mut self) {
        self.greeting_since.retain(|(_, handle)| !handle.is_finished());
    }

    /// Asks for a proof, or drops the connection if all places are taken by others that have answered.
    fn ask(&mut self, judge: Arc<Judge>, (connection, candidate): Greeted) {
        self.asked_first.retain(|(handle, _)| !handle.is_finished());
        if self.asked_first.len() >= MAX_ASKED {
            let silent = self.asked_first.iter().position(|(_, has_answered)| !has_answered.load(Ordering::Relaxed));
            let Some((handle, _)) = silent.and_then(|index| self.asked_first.remove(index)) else { return };
            handle.abort();
        }
        let has_answered = Arc::new(AtomicBool::new(false));
        let handle = self.asked.spawn(judge.judge(connection, candidate, has_answered.clone()));
        self.asked_first.push_back((handle, has_answered));
    }
}

impl Judge {
    /// Accepts connections until it is dropped, and judges each in a separate task.
    async fn listen(self: Arc<Self>, listener: Listener) {
        let mut candidates = Candidates::default();
        loop {
            let has_room = candidates.greeting.len() < MAX_GREETING;
            let patience = candidates.patience();
            tokio::select! {
                Some(greeted) = candidates.greeting.join_next() => {
                    candidates.greeted();
                    match greeted {
                        Ok(Some((connection, candidate))) if self.has_token(&connection) => {
                            self.admit(connection, candidate);
                        }
                        Ok(Some(greeted)) => candidates.ask(self.clone(), greeted),
                        _ => {}
                    }
                }
                Some(_) = candidates.asked.join_next() => {}
                stream = listener.accept(), if has_room => candidates.greet(self.clone(), stream),
                () = sleep_until(patience), if !has_room => candidates.close_oldest(),
            }
        }
    }

    async fn greet(self: Arc<Self>, stream: Stream) -> Option<Greeted> {
        let mut candidate = Candidate { judge: self, refusal: Some(Refusal::Unneeded) };
        let setup = Setup { own: SocketType::Dealer, property: None, limits: Limits::of_strangers() };
        match Connection::open(stream, setup).await {
            Ok(connection) => Some((connection, candidate)),
            Err(error) => {
                candidate.refusal = Some(error.into());
                None
            }
        }
    }

    async fn judge(self: Arc<Self>, mut connection: Connection, mut candidate: Candidate, answered: Arc<AtomicBool>) {
        match self.proof(&mut connection, &answered).await {
            Ok(()) => self.admit(connection, candidate),
            Err(refusal) => {
                // It makes room for others.
                answered.store(false, Ordering::Relaxed);
                let reason = refusal.to_string();
                candidate.refusal = Some(refusal);
                drop(candidate);
                connection.refuse(&reason, REFUSAL_TIMEOUT).await;
            }
        }
    }

    /// Makes a connection the worker's, unless another one is.
    fn admit(&self, mut connection: Connection, mut candidate: Candidate) {
        let admit = self.admit.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(admit) = admit {
            candidate.refusal = None;
            connection.set_limits(self.shared.connection_limits());
            // Fails if the start was given up.
            let _ = admit.send(connection);
        }
    }

    fn has_token(&self, connection: &Connection) -> bool {
        connection.property(TOKEN_PROPERTY).is_some_and(|token| self.check_token(token).is_ok())
    }

    /// Waits until the connection has proven that it is the worker's: by the token in its READY; or by the answer to a
    /// heartbeat, with the token or, from older workers, from the process that was started.
    async fn proof(&self, connection: &mut Connection, has_answered: &AtomicBool) -> Result<(), Refusal> {
        if let Some(token) = connection.property(TOKEN_PROPERTY) {
            return self.check_token(token);
        }
        let heartbeat = Message::heartbeat();
        let question = self.shared.options.encode(&heartbeat).map_err(|_| Refusal::NoAnswer)?;
        connection.outbox().send_urgent(&question);
        let answer = self.answer(connection, &heartbeat.id, &question).await?;
        has_answered.store(true, Ordering::Relaxed);
        let token = answer.metadata.as_ref().and_then(|metadata| metadata.get("token"));
        match (token.and_then(Value::as_str), connection.ports()) {
            (Some(token), _) => self.check_token(token.as_bytes()),
            (None, None) => Err(Refusal::NoToken),
            (None, Some((own, peer))) => {
                let pid = self.pid.clone().wait_for(Option::is_some).await.ok().and_then(|pid| *pid);
                let pid = pid.ok_or(Refusal::OtherProcess)?;
                let is_worker = spawn_blocking(move || is_held_by(own, peer, pid)).await;
                if matches!(is_worker, Ok(true)) { Ok(()) } else { Err(Refusal::OtherProcess) }
            }
        }
    }

    /// Waits for the answer to a heartbeat. The question itself, which an echo server sends back, is none.
    async fn answer(&self, connection: &mut Connection, id: &str, question: &[u8]) -> Result<Message, Refusal> {
        for _ in 0..MAX_MESSAGES {
            let received = loop {
                match connection.next()? {
                    Some(Received::Message(payload)) if payload != question => {
                        break self.shared.options.decode(payload).ok();
                    }
                    Some(_) => break None,
                    None => {}
                }
                connection.receive().await?;
                if connection.outbox().waiting() > MAX_WAITING {
                    return Err(Refusal::DoesNotRead);
                }
            };
            match received {
                Some(message) if matches!(message.body, Body::Heartbeat { .. }) && message.id == id => {
                    return Ok(message);
                }
                _ => {}
            }
        }
        Err(Refusal::NoAnswer)
    }

    /// Compares in constant time, so that the time does not reveal how much of a guess was right.
    fn check_token(&self, guess: &[u8]) -> Result<(), Refusal> {
        let token = self.token.as_bytes();
        let differences = token.iter().zip(guess).fold(0, |all, (is, guess)| all | (is ^ guess));
        if differences == 0 && token.len() == guess.len() { Ok(()) } else { Err(Refusal::WrongToken) }
    }
}

/// Counts a connection that is not the worker's at its end.
struct Candidate {
    judge: Arc<Judge>,
    refusal: Option<Refusal>,
}

impl Drop for Candidate {
    fn drop(&mut self) {
        if let Some(refusal) = &self.refusal {
            let count = self.judge.shared.metrics.refused();
            let entry = LogEntry::new(LogLevel::Info, LogEvent::ConnectionRefused).with("reason", refusal.to_string());
            self.judge.shared.log(entry.with("refused_connections", count));
        }
    }
}

/// 128 random bits in hexadecimal.
fn random_token() -> std::result::Result<String, getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bits)))
}

fn cannot_listen(error: &dyn std::fmt::Display) -> Error {
    Error::Spawn { code: "SPAWN_FAILED", message: format!("the parent cannot listen for a worker: {error}"), end: None }
}
