//! One connection to a worker, and what waits for answers on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::options::guarded;
use super::process::{Tail, keep};
use super::shared::Shared;
use crate::codec::{Body, Message, Unread, UnreadKind, decode};
use crate::error::{MultifrostError, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::transport::{Dealer, DealerEvent, DealerSender};

/// Whether the worker is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Never,
    Up,
    Down,
    /// This link is over; there may be another.
    Closed,
}

/// One connection, from its first moment to its loss.
pub(super) struct Link {
    sender: DealerSender,
    waiting: Mutex<Waiting>,
    pub(super) connection: watch::Sender<Connection>,
    /// Told whenever one that waited does not wait any more.
    pub(super) settled: Notify,
    /// Where lines of stderr are kept too.
    tail: OnceLock<Tail>,
}

enum Waiting {
    Open(HashMap<String, oneshot::Sender<Result<Message>>>),
    /// Why.
    Closed(MultifrostError),
}

/// Why a request has no answer.
pub(super) enum NoAnswer {
    /// The worker was not connected: nothing was sent, so that it may be tried again.
    NotSent,
    Failed(MultifrostError),
}

/// Ends its task when it is dropped.
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Waits for the task's end. May be cancelled, and asked again: a handle whose end was told panics when it is awaited.
    pub(super) async fn ended(&mut self) {
        if !self.0.is_finished() {
            let _ = (&mut self.0).await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    /// Begins to read from the socket.
    pub(super) fn open(mut dealer: Dealer, sender: DealerSender, shared: Arc<Shared>) -> (Arc<Self>, Task) {
        let waiting = Mutex::new(Waiting::Open(HashMap::new()));
        let connection = watch::Sender::new(Connection::Never);
        let link = Arc::new(Self { sender, waiting, connection, settled: Notify::new(), tail: OnceLock::new() });
        let reading = link.clone();
        let task = Task::spawn(async move {
            loop {
                match dealer.next().await {
                    DealerEvent::Message(payload) => reading.receive(&payload, &shared),
                    DealerEvent::Dropped => dropped(&shared, "it does not have the frames of a message"),
                    DealerEvent::Up => reading.set(Connection::Up, &shared),
                    DealerEvent::Down => reading.set(Connection::Down, &shared),
                }
            }
        });
        (link, task)
    }

    /// Keeps what the worker writes to stderr there, for the error when it ends.
    pub(super) fn keep_stderr_in(&self, tail: Tail) {
        let _ = self.tail.set(tail);
    }

    /// Sends a message and waits for the one that answers it. To be given up by dropping.
    pub(super) async fn request(&self, id: &str, payload: Vec<u8>) -> Result<Message, NoAnswer> {
        let (give, take) = oneshot::channel();
        match &mut *self.waiting() {
            Waiting::Open(waiting) => waiting.insert(id.to_owned(), give),
            Waiting::Closed(why) => return Err(NoAnswer::Failed(why.clone())),
        };
        let _forget = Forget { link: self, id };
        if !self.sender.send(Bytes::from(payload)).await {
            return Err(NoAnswer::NotSent);
        }
        match take.await {
            Ok(answer) => answer.map_err(NoAnswer::Failed),
            Err(_) => Err(NoAnswer::Failed(MultifrostError::lost("the connection to the worker is closed"))),
        }
    }

    /// Sends a message that nothing answers.
    pub(super) async fn tell(&self, payload: Vec<u8>) {
        self.sender.send(Bytes::from(payload)).await;
    }

    /// Fails everything that waits, and whatever comes later.
    pub(super) fn close(&self, why: &MultifrostError) {
        let before = std::mem::replace(&mut *self.waiting(), Waiting::Closed(why.clone()));
        if let Waiting::Open(waiting) = before {
            for (_, give) in waiting {
                let _ = give.send(Err(why.clone()));
            }
        }
        self.connection.send_replace(Connection::Closed);
    }

    /// How many wait for an answer.
    pub(super) fn pending(&self) -> usize {
        match &*self.waiting() {
            Waiting::Open(waiting) => waiting.len(),
            Waiting::Closed(_) => 0,
        }
    }

    fn receive(&self, payload: &[u8], shared: &Shared) {
        let message = match decode(payload, &shared.options.limits) {
            Ok(message) => message,
            Err(unread) => return self.refuse(unread, shared),
        };
        if let Some(handler) = &shared.options.on_message {
            guarded(|| handler(&message));
        }
        match &message.body {
            Body::Stdout { output } => guarded(|| (shared.options.stdout)(output)),
            Body::Stderr { output } => {
                if let Some(tail) = self.tail.get() {
                    keep(tail, format!("{output}\n").as_bytes());
                }
                guarded(|| (shared.options.stderr)(output));
            }
            Body::Response { .. } | Body::Error { .. } => self.settle(&message.id.clone(), Ok(message)),
            Body::Heartbeat { .. } if message.is_heartbeat_answer() => self.settle(&message.id.clone(), Ok(message)),
            _ => {}
        }
    }

    /// A call whose answer cannot be read fails at once.
    fn refuse(&self, unread: Unread, shared: &Shared) {
        if unread.kind == UnreadKind::Ignored {
            return;
        }
        dropped(shared, &unread.reason);
        if let (Some(id), Some("response" | "error")) = (unread.id, unread.message_type.as_deref()) {
            self.settle(&id, Err(MultifrostError::unreadable(&unread.reason)));
        }
    }

    fn settle(&self, id: &str, answer: Result<Message>) {
        let give = match &mut *self.waiting() {
            Waiting::Open(waiting) => waiting.remove(id),
            Waiting::Closed(_) => None,
        };
        // Nobody: it came too late.
        if let Some(give) = give {
            let _ = give.send(answer);
        }
    }

    fn set(&self, connection: Connection, shared: &Shared) {
        let event = if connection == Connection::Up { LogEvent::SocketConnect } else { LogEvent::SocketDisconnect };
        shared.log(LogEntry::new(LogLevel::Debug, event));
        self.connection.send_if_modified(|now| {
            let is_change = *now != Connection::Closed && *now != connection;
            if is_change {
                *now = connection;
            }
            is_change
        });
    }

    /// Nothing that holds the lock can panic.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a request back when it is settled or given up.
struct Forget<'a> {
    link: &'a Link,
    id: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Waiting::Open(waiting) = &mut *self.link.waiting() {
            waiting.remove(self.id);
        }
        self.link.settled.notify_one();
    }
}

/// Counts it, and tells of the first, the second, the fourth and so on: a peer may send any number of them.
fn dropped(shared: &Shared, reason: &str) {
    let count = shared.metrics.dropped();
    if count.is_power_of_two() {
        let entry = LogEntry::new(LogLevel::Warn, LogEvent::MessageDropped).with("reason", reason);
        shared.log(entry.with("dropped_messages", count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_task_may_be_waited_for_more_than_once() {
        let mut task = Task::spawn(async {});
        task.ended().await;
        task.ended().await;
    }
}
