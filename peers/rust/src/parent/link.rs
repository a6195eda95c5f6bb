//! One connection to a worker, with the requests that wait for answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::options::guarded;
use super::process::{StderrTail, keep};
use super::shared::Shared;
use crate::codec::{Body, Message, Unread, UnreadKind, decode};
use crate::error::{Error, Result};
use crate::log::{LogEntry, LogEvent, LogLevel};
use crate::transport::{Dealer, DealerEvent, DealerSender};

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Never,
    Up,
    Down,
    /// This link is not used any more.
    Closed,
}

/// One connection to a worker.
pub(super) struct Link {
    sender: DealerSender,
    waiting: Mutex<Waiting>,
    pub(super) connection: watch::Sender<Connection>,
    /// Notified whenever a request is settled or cancelled.
    pub(super) settled: Notify,
    /// Keeps the lines of stderr that arrive as messages.
    stderr_tail: OnceLock<StderrTail>,
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
    /// Starts reading from the socket.
    pub(super) fn open(mut dealer: Dealer, sender: DealerSender, shared: Arc<Shared>) -> (Arc<Self>, Task) {
        let waiting = Mutex::new(Waiting::Open(HashMap::new()));
        let connection = watch::Sender::new(Connection::Never);
        let link = Arc::new(Self { sender, waiting, connection, settled: Notify::new(), stderr_tail: OnceLock::new() });
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

    /// Keeps stderr lines in this tail too, for the error when the worker exits.
    pub(super) fn keep_stderr_in(&self, stderr_tail: StderrTail) {
        let _ = self.stderr_tail.set(stderr_tail);
    }

    /// Sends a message and waits for its answer. Dropping the future cancels the request.
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
            Err(_) => Err(NoAnswer::Failed(Error::lost("the connection to the worker is closed"))),
        }
    }

    /// Sends a message without an answer.
    pub(super) async fn send(&self, payload: Vec<u8>) {
        self.sender.send(Bytes::from(payload)).await;
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

    /// The number of requests that wait for an answer.
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
                if let Some(stderr_tail) = self.stderr_tail.get() {
                    keep(stderr_tail, format!("{output}\n").as_bytes());
                }
                guarded(|| (shared.options.stderr)(output));
            }
            Body::Response { .. } | Body::Error { .. } => self.settle(&message.id.clone(), Ok(message)),
            Body::Heartbeat { .. } if message.is_heartbeat_answer() => self.settle(&message.id.clone(), Ok(message)),
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
