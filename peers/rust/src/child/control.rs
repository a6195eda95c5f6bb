//! The thread of the sockets: reads messages, answers heartbeats, and stops the worker.

use std::fmt::Display;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::calls::{Call, Calls};
use super::context::ChildWorkerContext;
use super::exit_flush::EXIT_FLUSH;
use super::output;
use super::parent_watch::watch_parent;
use super::parents::Parents;
use super::start_mode::{Address, Mode, PORT_VARIABLE};
use super::worker::ChildWorker;
use crate::codec::{Body, Message, Unread, UnreadKind, answer_heartbeat_for, decode_within, wire_time};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::zmtp::{
    Account, Connection, ConnectionError, Limits, Listener, Outbox, Received, Setup, SocketType, Stream, TOKEN_PROPERTY,
};

/// How long a worker tries to reach the parent that spawned it, at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it tries after the connection was lost. A live parent accepts at once.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How long a parent may take to read the last answers and close, at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a worker that was ended by a signal still refuses calls before it closes: a call that gets no answer may have run, as
/// far as its caller knows.
const REFUSAL_TIME: Duration = Duration::from_millis(100);

/// The most parents of a service. More wait until others leave.
const MAX_PARENTS: usize = 4096;

/// A running worker.
pub(super) struct Control<W> {
    mode: Mode,
    calls: Arc<Calls<W>>,
    parents: Arc<Parents>,
    context: ChildWorkerContext,
    /// The number of messages that were not handled.
    dropped: AtomicU64,
    /// Whether a call has arrived.
    is_called: AtomicBool,
    /// Why the worker must end, once it must.
    end: watch::Sender<Option<End>>,
    /// True when the connections must be closed.
    is_closing: watch::Sender<bool>,
}

/// Why a worker stops serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By a shutdown message or a signal.
    Asked,
    /// The connection to its parent is lost.
    ParentGone,
    /// The process exits, on another thread.
    Exiting,
}

impl<W: ChildWorker> Control<W> {
    pub(super) fn new(
        mode: Mode,
        calls: Arc<Calls<W>>,
        parents: Arc<Parents>,
        context: ChildWorkerContext,
    ) -> Arc<Self> {
        Arc::new(Self {
            mode,
            calls,
            parents,
            context,
            dropped: AtomicU64::new(0),
            is_called: AtomicBool::new(false),
            end: watch::Sender::new(None),
            is_closing: watch::Sender::new(false),
        })
    }

    /// Serves until the end, and returns the exit code.
    pub(super) async fn run(self: Arc<Self>) -> Result<i32> {
        let mut signals = Signals::listen().map_err(|error| cannot_start(&error))?;
        if let Mode::Spawned(_) = self.mode {
            watch_parent().map_err(|error| cannot_start(&error))?;
        }
        let mut connections = self.open().await?;
        let is_service = matches!(self.mode, Mode::Service(_));
        output::capture(&self.context.app, &self.parents, is_service).map_err(|error| cannot_start(&error))?;
        self.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStart));

        let end = tokio::select! {
            end = self.ended() => end,
            () = signals.next() => End::Asked,
            () = EXIT_FLUSH.requested() => End::Exiting,
        };
        match end {
            End::ParentGone => {
                EXIT_FLUSH.done();
                Ok(1)
            }
            End::Asked => {
                self.stop(&mut signals).await;
                self.close(&mut connections).await;
                Ok(0)
            }
            End::Exiting => {
                self.close(&mut connections).await;
                std::future::pending().await
            }
        }
    }

    async fn ended(&self) -> End {
        let mut ends = self.end.subscribe();
        let end = ends.wait_for(Option::is_some).await.ok().and_then(|end| *end);
        end.expect("the sender is in `self`, and waits for an end")
    }

    /// Closes all connections after they have sent everything.
    async fn close(&self, connections: &mut JoinSet<()>) {
        self.is_closing.send_replace(true);
        while connections.join_next().await.is_some() {}
        EXIT_FLUSH.done();
    }

    /// Connects to the parent, or listens and registers the service.
    async fn open(self: &Arc<Self>) -> Result<JoinSet<()>> {
        let mut connections = JoinSet::new();
        match &self.mode {
            Mode::Spawned(address) => {
                let connected = self.connect(address, CONNECT_TIMEOUT).await;
                let connection = connected.map_err(|error| no_parent(address, &error))?;
                connections.spawn(self.clone().serve_parent(connection, address.clone()));
            }
            Mode::Service(service_id) => {
                let (listener, port) = Listener::bind_port().map_err(|error| cannot_start(&error))?;
                self.context.registry()?.register(service_id, port)?;
                connections.spawn(self.clone().serve_parents(listener));
            }
        }
        Ok(connections)
    }

    /// Connects to the private socket, or else to the port. Retries until the timeout.
    async fn connect(&self, address: &Address, limit: Duration) -> Result<Connection, ConnectionError> {
        let until = Instant::now() + limit;
        loop {
            match self.connect_once(address).await {
                Err(_) if Instant::now() < until => sleep(RETRY_PAUSE).await,
                connected => return connected,
            }
        }
    }

    async fn connect_once(&self, address: &Address) -> Result<Connection, ConnectionError> {
        let stream = match (&address.path, address.port) {
            (Some(path), Some(port)) => match Stream::connect_path(path).await {
                Ok(stream) => stream,
                // For example, this process has another file system than the parent.
                Err(_) => Stream::connect_port(port).await?,
            },
            (Some(path), None) => Stream::connect_path(path).await?,
            (None, port) => Stream::connect_port(port.unwrap_or_default()).await?,
        };
        let limits = Limits { message_bytes: self.context.limits.message_bytes, skips_larger: true, account: None };
        let property = address.token.as_deref().map(|token| (TOKEN_PROPERTY, token));
        Connection::open(stream, Setup { own: SocketType::Router, property, limits }).await
    }

    /// Serves the parent that spawned this worker. One that has no private connection may be reached again.
    async fn serve_parent(self: Arc<Self>, mut connection: Connection, address: Address) {
        loop {
            self.send(connection.outbox(), &Message::new(Body::Ready));
            self.serve(connection).await;
            if address.token.is_some() || *self.is_closing.borrow() {
                break;
            }
            match self.reconnect(&address).await {
                Ok(again) => connection = again,
                Err(_) => break,
            }
        }
        self.end_by(End::ParentGone);
    }

    /// Connects again. Before the first call it tries for [`CONNECT_TIMEOUT`] as long as the parent listens, which may have many
    /// strangers to refuse before it finds its worker.
    async fn reconnect(&self, address: &Address) -> Result<Connection, ConnectionError> {
        let until = Instant::now() + CONNECT_TIMEOUT;
        loop {
            // The parent may end each connection at once.
            sleep(RETRY_PAUSE).await;
            match self.connect(address, RECONNECT_TIMEOUT).await {
                Err(error)
                    if !is_refused(&error) && !self.is_called.load(Ordering::Relaxed) && Instant::now() < until => {}
                connected => return connected,
            }
        }
    }

    /// Accepts the parents of a service.
    async fn serve_parents(self: Arc<Self>, listener: Listener) {
        let account = Account::new(self.context.max_held_bytes);
        let seats = Arc::new(Semaphore::new(MAX_PARENTS));
        let mut parents = JoinSet::new();
        let mut closing = self.is_closing.subscribe();
        loop {
            let accepted = async {
                let seat = seats.clone().acquire_owned().await;
                (listener.accept().await, seat)
            };
            tokio::select! {
                (stream, seat) = accepted => {
                    let (control, account) = (self.clone(), account.clone());
                    parents.spawn(async move {
                        control.serve_stranger(stream, account).await;
                        drop(seat);
                    });
                }
                Some(_) = parents.join_next() => {}
                () = is_true(&mut closing) => break,
            }
        }
        while parents.join_next().await.is_some() {}
    }

    async fn serve_stranger(&self, stream: Stream, account: Arc<Account>) {
        let limits =
            Limits { message_bytes: self.context.limits.message_bytes, skips_larger: false, account: Some(account) };
        let mut closing = self.is_closing.subscribe();
        let opened = tokio::select! {
            opened = Connection::open(stream, Setup { own: SocketType::Router, property: None, limits }) => opened,
            () = is_true(&mut closing) => return,
        };
        match opened {
            Ok(connection) => self.serve(connection).await,
            Err(error) => self.refused(&error),
        }
    }

    /// Serves one parent until it is gone, or the connections must be closed.
    async fn serve(&self, mut connection: Connection) {
        let parent = connection.outbox().clone();
        let mut closing = self.is_closing.subscribe();
        let ended = loop {
            // Some may have come together with READY.
            if let Err(error) = self.receive_all(&mut connection, &parent) {
                break error;
            }
            tokio::select! {
                received = connection.receive() => if let Err(error) = received { break error },
                () = is_true(&mut closing) => {
                    connection.finish(CLOSE_TIMEOUT).await;
                    self.parents.lost(&parent);
                    return;
                }
            }
        };
        if let ConnectionError::Protocol(_) = &ended {
            self.refused(&ended);
        }
        parent.close();
        self.parents.lost(&parent);
    }

    /// Handles the messages that have arrived completely.
    fn receive_all(&self, connection: &mut Connection, parent: &Outbox) -> Result<(), ConnectionError> {
        while let Some(received) = connection.next()? {
            match received {
                Received::Message(payload) => self.receive(parent, payload),
                Received::Malformed => self.dropped("it does not have the frames of a message"),
                Received::TooLarge => self.dropped("it is larger than the limit message_bytes"),
            }
        }
        Ok(())
    }

    fn end_by(&self, end: End) {
        self.end.send_if_modified(|now| {
            let is_first = now.is_none();
            now.get_or_insert(end);
            is_first
        });
    }

    /// Refuses new calls, lets those in flight finish, and leaves the registry. Meanwhile the connections are read, to answer
    /// heartbeats and refuse late calls. A second signal ends the process at once.
    async fn stop(&self, signals: &mut Signals) {
        let drain = async {
            if timeout(self.context.stop_timeout, self.calls.drain()).await.is_err() {
                self.calls.abandon();
            }
        };
        // A parent that asked for the end makes no more calls.
        let refuse = sleep(if signals.count > 0 { REFUSAL_TIME } else { Duration::ZERO });
        let finish = async { tokio::join!(self.leave_registry(), drain, refuse) };
        let impatient = async {
            loop {
                signals.next().await;
                if signals.count > 1 {
                    EXIT_FLUSH.done();
                    process::exit(1)
                }
            }
        };
        tokio::select! {
            _ = finish => {}
            () = impatient => {}
            () = EXIT_FLUSH.requested() => {}
        }
        self.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStop));
        output::finish();
    }

    /// Unregisters a service, so that parents do not find one that refuses calls. Uses another thread, as it may wait for
    /// locks.
    async fn leave_registry(&self) {
        if let Mode::Service(service_id) = &self.mode {
            let (context, service_id) = (self.context.clone(), service_id.clone());
            let left = tokio::task::spawn_blocking(move || context.registry()?.unregister(&service_id)).await;
            if let Ok(Err(error)) = left {
                eprintln!("multifrost: {error}");
            }
        }
    }

    /// Handles one message.
    fn receive(&self, parent: &Outbox, payload: &[u8]) {
        let (message, bytes) =
            match decode_within(&self.context.app, payload, &self.context.limits, self.calls.bytes_left()) {
                Ok(decoded) => decoded,
                Err(unread) => return self.refuse(parent, unread),
            };
        self.parents.saw(parent);
        let is_answer = message.is_heartbeat_answer();
        match message.body {
            Body::Call { function, args, namespace, .. } => {
                if !self.is_called.load(Ordering::Relaxed) {
                    self.is_called.store(true, Ordering::Relaxed);
                }
                self.calls.take(Call { parent: parent.clone(), id: message.id, function, args, namespace, bytes });
            }
            Body::Heartbeat { .. } if !is_answer => self.answer(parent, payload),
            Body::Shutdown => self.shut_down(),
            _ => {}
        }
    }

    fn answer(&self, parent: &Outbox, heartbeat: &[u8]) {
        let (app, limits) = (&self.context.app, &self.context.limits);
        // Only the metadata of a peer's heartbeat can be too large to be sent back.
        if let Some(answer) = answer_heartbeat_for(app, heartbeat, limits, wire_time()) {
            parent.send_urgent(&answer);
        }
    }

    /// Obeys the parent that spawned this worker. Parents of a service must be allowed to end it.
    fn shut_down(&self) {
        if matches!(self.mode, Mode::Spawned(_)) || self.context.allow_remote_shutdown {
            self.end_by(End::Asked);
        } else {
            self.dropped("A parent asked this service to end; it goes on, because allow_remote_shutdown is false.");
        }
    }

    fn refuse(&self, parent: &Outbox, unread: Unread) {
        if unread.kind == UnreadKind::Ignored {
            return;
        }
        self.dropped(&unread.reason);
        if let (Some(id), Some("call")) = (&unread.id, unread.message_type.as_deref()) {
            self.calls.refuse_unread(parent, id.clone(), unread);
        }
    }

    /// Sends a heartbeat's answer or `ready`, ahead of the answers to calls.
    fn send(&self, parent: &Outbox, message: &Message) {
        // Only the metadata of a peer's heartbeat can be too large to be sent back.
        if let Ok(bytes) = self.context.encode(message) {
            parent.send_urgent(&bytes);
        }
    }

    /// Counts a dropped message. Logs the first, the second, the fourth and so on, as a peer may send any number of them.
    fn dropped(&self, reason: &str) {
        let count = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            let entry = LogEntry::new(LogLevel::Warn, LogEvent::MessageDropped).with("reason", reason);
            self.log(entry.with("dropped_messages", count));
        }
    }

    fn refused(&self, why: &ConnectionError) {
        let entry = LogEntry::new(LogLevel::Info, LogEvent::ConnectionRefused);
        self.log(entry.with("reason", why.to_string()));
    }

    fn log(&self, entry: LogEntry) {
        let entry = match &self.mode {
            Mode::Service(service_id) => entry.with("service_id", service_id.as_str()),
            Mode::Spawned(_) => entry,
        };
        self.context.logger.log(entry.with("pid", process::id()));
    }
}

async fn is_true(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|flag| *flag).await;
}

/// SIGTERM and SIGINT.
struct Signals {
    term: Signal,
    int: Signal,
    count: u32,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())?, count: 0 })
    }

    /// Waits for the next signal. Cancel safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
        self.count += 1;
    }
}

fn cannot_start(why: &dyn Display) -> Error {
    Error::unreachable(format!("this worker cannot start: {why}"))
}

fn no_parent(address: &Address, why: &dyn Display) -> Error {
    let place = match (&address.path, address.port) {
        (Some(path), _) => path.display().to_string(),
        (None, port) => format!("port {}", port.unwrap_or_default()),
    };
    Error::unreachable(format!(
        "no parent could be reached on {place} ({why}); the parent sets {PORT_VARIABLE} when it spawns a worker: unset it to \
         run this one as a service"
    ))
}

/// Whether nothing listens.
fn is_refused(why: &ConnectionError) -> bool {
    matches!(why, ConnectionError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused)
}
