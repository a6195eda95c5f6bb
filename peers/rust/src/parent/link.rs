//! One connection to a worker, with the requests that wait for answers.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::options::guarded;
use super::process::{StderrTail, keep};
use super::shared::Shared;
use crate::codec::{Body, Message, Unread, UnreadKind};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::zmtp::{self, Follow, Outbox, Received};

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Up,
    Down,
    /// This link is not used any more.
    Closed,
}

/// One connection to a worker.
pub(super) struct Link {
    outbox: Outbox,
    waiting: Mutex<Waiting>,
    pub(super) connection: watch::Sender<Connection>,
    /// Whether the worker answers no heartbeats, although it is connected.
    pub(super) is_stalled: AtomicBool,
    /// Whether the worker refuses calls because it is stopping.
    pub(super) is_leaving: AtomicBool,
    /// Notified whenever a request is settled or cancelled.
    pub(super) settled: Notify,
    /// Keeps the lines of stderr that arrive as messages.
    stderr_tail: Option<StderrTail>,
}

enum Waiting {
    Open(HashMap<String, oneshot::Sender<Result<Message>>>),
    /// With the error for new requests.
    Closed(Error),
}

/// Why a request has no answer.
pub(super) enum NoAnswer {
    /// The worker was not connected and nothing was sent, so the request may be sent again.
    NotSent,
    /// This link is not used any more, and nothing was sent.
    Closed(Error),
    Failed(Error),
}

/// A task that is aborted when this is dropped.
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Waits until the task has ended. Cancel safe, and may be called again, unlike awaiting the handle.
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
    /// Starts reading from the connection. Keeps stderr lines in the tail too, for the error when the worker exits.
    pub(super) fn open(
        mut connection: zmtp::Connection,
        stderr_tail: Option<StderrTail>,
        shared: Arc<Shared>,
    ) -> (Arc<Self>, Task) {
        let link = Arc::new(Self {
            outbox: connection.outbox().clone(),
            waiting: Mutex::new(Waiting::Open(HashMap::new())),
            connection: watch::Sender::new(Connection::Up),
            is_stalled: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            settled: Notify::new(),
            stderr_tail,
        });
        shared.log(LogEntry::new(LogLevel::Debug, LogEvent::SocketConnect));
        let reading = link.clone();
        let task = Task::spawn(async move {
            let error = loop {
                if let Err(error) = reading.receive_all(&mut connection, &shared) {
                    break error;
                }
                if let Err(error) = connection.receive().await {
                    break error;
                }
            };
            reading.lost(&error, &shared);
        });
        (link, task)
    }

    /// Handles the messages that have arrived completely.
    fn receive_all(&self, connection: &mut zmtp::Connection, shared: &Shared) -> Result<(), zmtp::ConnectionError> {
        while let Some(received) = connection.next()? {
            match received {
                Received::Message(payload) => self.receive(payload, shared),
                Received::Malformed => dropped(shared, "it does not have the frames of a message"),
                Received::TooLarge => dropped(shared, "it is larger than the limit message_bytes"),
            }
        }
        Ok(())
    }

    /// Sends a message and waits for its answer. Dropping the future cancels the request.
    pub(super) async fn request(&self, id: &str, payload: Vec<u8>) -> Result<Message, NoAnswer> {
        let (give, take) = oneshot::channel();
        let others = match &mut *self.waiting() {
            Waiting::Open(waiting) => {
                waiting.insert(id.to_owned(), give);
                waiting.len() > 1
            }
            Waiting::Closed(why) => return Err(NoAnswer::Closed(why.clone())),
        };
        let _forget = Forget { link: self, id };
        if !self.outbox.send(payload, Follow::with(others)).await {
            return Err(NoAnswer::NotSent);
        }
        match take.await {
            Ok(answer) => answer.map_err(NoAnswer::Failed),
            Err(_) => Err(NoAnswer::Failed(Error::lost("the connection to the worker is closed"))),
        }
    }

    /// Sends a message without an answer.
    pub(super) async fn send(&self, payload: Vec<u8>) {
        self.outbox.send(payload, Follow::Nothing).await;
    }

    /// Fails all waiting requests, and later ones.
    pub(super) fn close(&self, why: &Error) {
        let before = std::mem::replace(&mut *self.waiting(), Waiting::Closed(why.clone()));
        if let Waiting::Open(waiting) = before {
            for (_, give) in waiting {
                let _ = give.send(Err(why.clone()));
            }
        }
        self.connection.send_replace(Connection::Closed);
    }

    /// How many bytes of the worker have been read. One that sends is alive.
    pub(super) fn heard(&self) -> u64 {
        self.outbox.heard()
    }

    /// Whether something has arrived and is not read yet.
    pub(super) fn has_unread(&self) -> bool {
        self.outbox.has_unread()
    }

    /// The number of requests that wait for an answer.
    pub(super) fn pending(&self) -> usize {
        match &*self.waiting() {
            Waiting::Open(waiting) => waiting.len(),
            Waiting::Closed(_) => 0,
        }
    }

    fn receive(&self, payload: &[u8], shared: &Shared) {
        let message = match shared.options.decode(payload) {
            Ok(message) => message,
            Err(unread) => return self.refuse(unread, shared),
        };
        if let Some(handler) = &shared.options.on_message {
            guarded(|| handler(&message));
        }
        match &message.body {
            Body::Stdout { output } => guarded(|| (shared.options.stdout)(output)),
            Body::Stderr { output } => {
                if let Some(stderr_tail) = &self.stderr_tail {
                    keep(stderr_tail, format!("{output}\n").as_bytes());
                }
                guarded(|| (shared.options.stderr)(output));
            }
            Body::Response { .. } | Body::Error { .. } => self.settle(&message.id.clone(), Ok(message)),
            // The answers of older JavaScript have no metadata. The question itself, sent back, is no answer.
            Body::Heartbeat { .. } if !message.is_heartbeat_question() => self.settle(&message.id.clone(), Ok(message)),
            _ => {}
        }
    }

    /// Fails the call whose answer cannot be decoded.
    fn refuse(&self, unread: Unread, shared: &Shared) {
        if unread.kind == UnreadKind::Ignored {
            return;
        }
        dropped(shared, &unread.reason);
        if let (Some(id), Some("response" | "error")) = (unread.id, unread.message_type.as_deref()) {
            self.settle(&id, Err(Error::unreadable(&unread.reason)));
        }
    }

    fn settle(&self, id: &str, answer: Result<Message>) {
        let give = match &mut *self.waiting() {
            Waiting::Open(waiting) => waiting.remove(id),
            Waiting::Closed(_) => None,
        };
        // A late answer has no request.
        if let Some(give) = give {
            let _ = give.send(answer);
        }
    }

    fn lost(&self, why: &zmtp::ConnectionError, shared: &Shared) {
        let entry = LogEntry::new(LogLevel::Debug, LogEvent::SocketDisconnect);
        shared.log(entry.with("reason", why.to_string()));
        self.outbox.close();
        self.connection.send_if_modified(|now| {
            let is_change = *now == Connection::Up;
            if is_change {
                *now = Connection::Down;
            }
            is_change
        });
    }

    /// No code that holds this lock can panic.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a request when it is settled or cancelled.
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

/// Counts a dropped message. Logs the first, the second, the fourth and so on, as a peer may send any number of them.
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
    async fn a_task_can_be_awaited_more_than_once() {
        let mut task = Task::spawn(async {});
        task.ended().await;
        task.ended().await;
    }
}
