//! Sends messages to one peer, from any thread.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::account::{Account, Share};
use super::stream::Writing;
use super::wire::{MAX_HEAD, write_head};
use super::{ConnectionError, ProtocolError};

/// How much may wait for a peer, in bytes. Beyond, senders wait, and nothing more is read from the peer.
const MAX_WAITING: usize = 16 * 1024 * 1024;

/// Messages are joined up to this size, in bytes, so that one write takes many.
const JOINED: usize = 64 * 1024;

/// Payloads from this size on are written from where they are, without a copy.
const LARGE: usize = 32 * 1024;

/// What is sent after a message, as far as its sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// The message is written at once, by this thread.
    Nothing,
    /// More messages, soon: the task that reads from the peer writes them all together.
    More,
}

impl Follow {
    /// `more` tells whether more messages follow.
    pub(crate) fn with(more: bool) -> Self {
        if more { Self::More } else { Self::Nothing }
    }
}

/// The sending half of a connection. The connection closes when all clones are dropped.
#[derive(Debug, Clone)]
pub(crate) struct Outbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    writing: Writing,
    queue: Mutex<Queue>,
    /// Calls of the peer that are not answered. A worker counts them.
    calls: AtomicUsize,
    /// The bytes that were read of the peer.
    heard: AtomicU64,
    /// Notified when the system takes no more bytes, or messages wait for [`Outbox::write`].
    work: Notify,
    /// Notified when something has been written, or the connection is lost.
    written: Notify,
}

#[derive(Debug)]
struct Queue {
    /// Goes ahead of the others.
    urgent: VecDeque<Vec<u8>>,
    parts: VecDeque<Part>,
    /// The part that is being written, and how much of it has been.
    current: Option<(Part, usize)>,
    /// The bytes of all parts.
    bytes: usize,
    share: Share,
    /// The system takes no more bytes, or the peer is not ready yet.
    is_blocked: bool,
    /// [`Outbox::write`] is to write what waits.
    is_due: bool,
    is_lost: bool,
    /// The limit of the account that this peer exceeded, if that is why it is lost.
    exceeded: Option<usize>,
}

/// Bytes that are written together.
#[derive(Debug)]
struct Part {
    bytes: Vec<u8>,
    /// Whether they end with a message, so that an urgent one may follow.
    is_whole: bool,
}

impl Outbox {
    /// Keeps everything until [`Outbox::unblock`], as a peer must get no message before its READY has come.
    pub(super) fn new(writing: Writing, account: Option<Arc<Account>>) -> Self {
        let queue = Mutex::new(Queue::new(Share::of(account)));
        Self(Arc::new(Shared {
            writing,
            queue,
            calls: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            work: Notify::new(),
            written: Notify::new(),
        }))
    }

    /// Identifies the peer as long as there is an outbox of it.
    pub(crate) fn peer(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// Sends a message, and waits while too much waits for the peer. Returns whether the peer is connected.
    pub(crate) async fn send(&self, payload: Vec<u8>, follow: Follow) -> bool {
        let is_sent = self.send_now(payload, follow);
        self.room().await;
        is_sent
    }

    /// Calls of the peer that are not answered, for a worker to count.
    pub(crate) fn calls(&self) -> &AtomicUsize {
        &self.0.calls
    }

    /// How many bytes of the peer have been read.
    pub(crate) fn heard(&self) -> u64 {
        self.0.heard.load(Ordering::Relaxed)
    }

    pub(super) fn hear(&self, bytes: usize) {
        self.0.heard.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether something of the peer has arrived and is not read yet.
    pub(crate) fn has_unread(&self) -> bool {
        self.0.writing.has_unread()
    }

    /// The bytes that wait for the peer.
    pub(crate) fn waiting(&self) -> usize {
        self.queue().bytes
    }

    /// Waits while too much waits for the peer.
    pub(crate) async fn room(&self) {
        loop {
            let written = self.0.written.notified();
            if !self.is_full() {
                return;
            }
            written.await;
        }
    }

    /// Sends a message without waiting. Returns whether the peer is connected.
    pub(crate) fn send_now(&self, payload: Vec<u8>, follow: Follow) -> bool {
        let mut queue = self.queue();
        if queue.is_lost {
            return false;
        }
        queue.push(payload);
        if let Err(limit) = queue.count() {
            queue.exceeded = Some(limit);
            self.lose(&mut queue);
            return false;
        }
        match follow {
            Follow::Nothing => self.flush(&mut queue),
            Follow::More if !queue.is_due => {
                queue.is_due = true;
                self.0.work.notify_waiters();
            }
            Follow::More => {}
        }
        true
    }

    /// Sends a small message ahead of those that wait, without waiting.
    pub(crate) fn send_urgent(&self, payload: &[u8]) {
        let mut frames = Vec::with_capacity(payload.len() + MAX_HEAD);
        write_head(&mut frames, payload.len());
        frames.extend_from_slice(payload);
        self.send_frame(frames);
    }

    /// Sends a frame ahead of the messages that wait.
    pub(super) fn send_frame(&self, frame: Vec<u8>) {
        let mut queue = self.queue();
        if !queue.is_lost {
            queue.bytes += frame.len();
            queue.urgent.push_back(frame);
            self.flush(&mut queue);
        }
    }

    /// Whether so much waits that nothing should be read from the peer.
    pub(crate) fn is_full(&self) -> bool {
        let queue = self.queue();
        !queue.is_lost && queue.bytes > MAX_WAITING
    }

    /// Why nothing can be sent any more, if the peer did not read.
    pub(super) fn why_lost(&self) -> Option<ConnectionError> {
        let limit = self.queue().exceeded?;
        Some(ProtocolError::TooMuchHeld(limit).into())
    }

    /// Begins to send.
    pub(super) fn unblock(&self) {
        let mut queue = self.queue();
        queue.is_blocked = false;
        self.flush(&mut queue);
    }

    /// Waits until there is something to write and the system takes it, and writes it. Cancel safe.
    pub(super) async fn write(&self) {
        loop {
            let work = self.0.work.notified();
            let (is_blocked, is_due) = {
                let queue = self.queue();
                (queue.is_blocked, queue.is_due)
            };
            if is_blocked {
                break;
            }
            if is_due {
                return self.flush(&mut self.queue());
            }
            work.await;
        }
        if self.0.writing.writable().await.is_ok() {
            self.unblock();
        } else {
            self.close();
        }
    }

    /// Waits until everything is written, or the connection is lost.
    pub(super) async fn flushed(&self) {
        loop {
            let written = self.0.written.notified();
            if self.queue().bytes == 0 {
                return;
            }
            written.await;
        }
    }

    /// Sends the end of the stream, and drops what waits.
    pub(crate) fn close(&self) {
        self.lose(&mut self.queue());
    }

    fn lose(&self, queue: &mut Queue) {
        if !queue.is_lost {
            let nothing = Queue::new(Share::of(None));
            *queue = Queue { is_lost: true, exceeded: queue.exceeded, ..nothing };
            self.0.writing.shut_down();
            self.0.written.notify_waiters();
            self.0.work.notify_waiters();
        }
    }

    /// Writes as much as the system takes.
    fn flush(&self, queue: &mut Queue) {
        queue.is_due = false;
        while !queue.is_blocked && !queue.is_lost {
            let Some((part, written)) = queue.current() else { break };
            match self.0.writing.try_write(&part.bytes[*written..]) {
                Ok(count) => {
                    *written += count;
                    queue.bytes -= count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    queue.is_blocked = true;
                    self.0.work.notify_waiters();
                }
                Err(_) => self.lose(queue),
            }
        }
        // It can only shrink here.
        let _ = queue.count();
        if queue.bytes <= MAX_WAITING {
            self.0.written.notify_waiters();
        }
    }

    /// No code that holds this lock can panic.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn new(share: Share) -> Self {
        Self {
            urgent: VecDeque::new(),
            parts: VecDeque::new(),
            current: None,
            bytes: 0,
            share,
            is_blocked: true,
            is_due: false,
            is_lost: false,
            exceeded: None,
        }
    }

    /// Counts what waits in the account of all peers.
    fn count(&mut self) -> Result<(), usize> {
        self.share.set(self.bytes)
    }

    fn push(&mut self, payload: Vec<u8>) {
        self.bytes += payload.len();
        let is_large = payload.len() >= LARGE;
        let copied = if is_large { 0 } else { payload.len() };
        let joins = self.parts.back().is_some_and(|part| part.bytes.len() + copied < JOINED);
        if !joins {
            self.parts.push_back(Part { bytes: Vec::with_capacity(copied + MAX_HEAD), is_whole: true });
        }
        let part = self.parts.back_mut().expect("there is one to join, or a new one");
        self.bytes += write_head(&mut part.bytes, payload.len());
        if is_large {
            part.is_whole = false;
            self.parts.push_back(Part { bytes: payload, is_whole: true });
        } else {
            part.bytes.extend_from_slice(&payload);
        }
    }

    /// The part to write next, and how much of it has been written.
    fn current(&mut self) -> Option<&mut (Part, usize)> {
        let (is_between, is_written) = match &self.current {
            Some((part, written)) => (part.is_whole, *written == part.bytes.len()),
            None => (true, true),
        };
        if is_written {
            let urgent = if is_between { self.urgent.pop_front() } else { None };
            let part = urgent.map(|bytes| Part { bytes, is_whole: true });
            self.current = part.or_else(|| self.parts.pop_front()).map(|part| (part, 0));
        }
        self.current.as_mut()
    }
}
