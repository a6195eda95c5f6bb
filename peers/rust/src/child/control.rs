//! The thread of the socket: reads messages, answers heartbeats, and stops the worker.

use std::convert::Infallible;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use zeromq::util::PeerIdentity;

use super::calls::{Call, Calls};
use super::context::ChildWorkerContext;
use super::exit_flush::EXIT_FLUSH;
use super::outbound::Outbound;
use super::output;
use super::parent_watch::watch_parent;
use super::run::Mode;
use super::worker::ChildWorker;
use crate::codec::{Body, Message, Unread, UnreadKind, decode, encode};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::transport::{Router, RouterEvent, flushed};

/// How long a worker tries to reach the parent that spawned it, at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it tries after the connection was lost. A live parent accepts at once.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the thread stays awake for an answer. This makes a sequential call about 10 % faster.
const AWAKE: Duration = Duration::from_micros(30);

/// A running worker.
pub(super) struct Control<W> {
    pub(super) mode: Mode,
    pub(super) calls: Arc<Calls<W>>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) context: ChildWorkerContext,
    /// The number of messages that could not be decoded.
    pub(super) dropped: AtomicU64,
}

/// Why a worker stops serving.
enum End {
    /// By a shutdown message or a signal.
    Asked,
    /// The connection to its parent is lost.
    ParentGone,
    /// The process exits, on another thread.
    Exiting,
}

impl<W: ChildWorker> Control<W> {
    /// Serves until the end, and returns the exit code.
    pub(super) async fn run(self) -> Result<i32> {
        let mut signals = Signals::listen().map_err(|error| cannot_start(&error))?;
        let is_service = matches!(self.mode, Mode::Service(_));
        if !is_service {
            watch_parent().map_err(|error| cannot_start(&error))?;
        }
        let mut router = self.open(CONNECT_TIMEOUT).await?;
        output::capture(&self.outbound, is_service).map_err(|error| cannot_start(&error))?;
        self.log(LogEntry::new(LogLevel::Info, LogEvent::WorkerStart));

        match self.serve(&mut router, &mut signals).await {
            End::ParentGone => {
                EXIT_FLUSH.done();
                Ok(1)
            }
            End::Asked => {
                self.stop(&mut router, &mut signals).await;
                self.close(router).await;
                Ok(0)
            }
            End::Exiting => {
                self.close(router).await;
                std::future::pending().await
            }
        }
    }

    /// Closes the socket after it has sent everything.
    async fn close(&self, router: Router) {
        self.outbound.set_sender(None);
        drop(router);
        flushed().await;
        EXIT_FLUSH.done();
    }

    async fn open(&self, timeout: Duration) -> Result<Router> {
        match &self.mode {
            Mode::Spawned(port) => {
                let opened = Router::connect(*port, timeout).await;
                let (router, sender) = opened.map_err(|error| no_parent(*port, &error))?;
                self.outbound.set_sender(Some(sender));
                Ok(router)
            }
            Mode::Service(service_id) => {
                let (router, sender, port) = Router::bind().await.map_err(|error| cannot_start(&error))?;
                self.outbound.set_sender(Some(sender));
                self.context.registry()?.register(service_id, port)?;
                Ok(router)
            }
        }
    }

    /// Reads messages until the worker stops.
    async fn serve(&self, router: &mut Router, signals: &mut Signals) -> End {
        loop {
            let event = tokio::select! {
                event = router.next() => event,
                () = signals.next() => return End::Asked,
                () = EXIT_FLUSH.requested() => return End::Exiting,
                never = self.stay_awake() => match never {},
            };
            match event {
                RouterEvent::Message(parent, payload) => {
                    if self.receive(parent, &payload).await {
                        return End::Asked;
                    }
                }
                RouterEvent::Dropped => self.dropped("it does not have the frames of a message"),
                RouterEvent::Up(parent) => self.greet(parent).await,
                RouterEvent::Down(parent) => {
                    self.outbound.lost(&parent);
                    if matches!(self.mode, Mode::Spawned(_)) {
                        match self.open(RECONNECT_TIMEOUT).await {
                            Ok(reopened) => *router = reopened,
                            Err(_) => return End::ParentGone,
                        }
                    }
                }
            }
        }
    }

    /// Keeps this thread awake for a moment while a single call runs: waking it takes longer than most methods. The future
    /// never completes.
    async fn stay_awake(&self) -> Infallible {
        let until = Instant::now() + AWAKE;
        while self.calls.running() == 1 && Instant::now() < until {
            tokio::task::yield_now().await;
        }
        std::future::pending().await
    }

    /// Refuses new calls, lets those in flight finish, and leaves the registry. Meanwhile it reads messages, to answer
    /// heartbeats and refuse late calls. A second signal ends the process at once.
    async fn stop(&self, router: &mut Router, signals: &mut Signals) {
        let drain = async {
            if timeout(self.context.stop_timeout, self.calls.drain()).await.is_err() {
                self.calls.abandon().await;
            }
        };
        let finish = async { tokio::join!(self.leave_registry(), drain) };
        let read_on = async {
            loop {
                tokio::select! {
                    event = router.next() => if let RouterEvent::Message(parent, payload) = event {
                        self.receive(parent, &payload).await;
                    },
                    () = signals.next() => if signals.count > 1 {
                        EXIT_FLUSH.done();
                        process::exit(1)
                    },
                    () = EXIT_FLUSH.requested() => return,
                }
            }
        };
        tokio::select! {
            _ = finish => {}
            () = read_on => {}
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

    /// Handles one message. Returns whether it is a shutdown.
    async fn receive(&self, parent: PeerIdentity, payload: &Bytes) -> bool {
        let message = match decode(payload, &self.context.limits) {
            Ok(message) => message,
            Err(unread) => {
                self.refuse(parent, unread);
                return false;
            }
        };
        self.outbound.saw(&parent);
        let is_answer = message.is_heartbeat_answer();
        match message.body {
            Body::Call { function, args, namespace, .. } => {
                self.calls.take(Call { parent, id: message.id, function, args, namespace });
            }
            Body::Heartbeat { .. } if !is_answer => self.send(parent, &message.into_heartbeat_answer()).await,
            Body::Shutdown => return true,
            _ => {}
        }
        false
    }

    fn refuse(&self, parent: PeerIdentity, unread: Unread) {
        if unread.kind == UnreadKind::Ignored {
            return;
        }
        self.dropped(&unread.reason);
        if let (Some(id), Some("call")) = (unread.id, unread.message_type.as_deref()) {
            self.calls.refuse_unread(parent, id, unread.reason);
        }
    }

    /// Sends `ready` to the parent that spawned this worker.
    async fn greet(&self, parent: PeerIdentity) {
        if matches!(self.mode, Mode::Spawned(_)) {
            self.send(parent, &Message::new(Body::Ready)).await;
        }
    }

    async fn send(&self, parent: PeerIdentity, message: &Message) {
        // Only the metadata of a peer's heartbeat can be too large to be sent back.
        if let Ok(bytes) = encode(message, &self.context.limits) {
            self.outbound.send(parent, bytes).await;
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

    fn log(&self, entry: LogEntry) {
        let entry = match &self.mode {
            Mode::Service(service_id) => entry.with("service_id", service_id.as_str()),
            Mode::Spawned(_) => entry,
        };
        self.context.logger.log(entry.with("pid", process::id()));
    }
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

fn cannot_start(why: &dyn std::fmt::Display) -> Error {
    Error::unreachable(format!("this worker cannot start: {why}"))
}

fn no_parent(port: u16, why: &dyn std::fmt::Display) -> Error {
    Error::unreachable(format!(
        "no parent could be reached on port {port} ({why}); the parent sets {} when it spawns a worker: unset it to run \
         this one as a service",
        super::run::PORT_VARIABLE
    ))
}
