//! The messages that a worker sends.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::Bytes;
use zeromq::util::PeerIdentity;

use crate::transport::RouterSender;

/// How long a line of output waits for a parent that does not read. Then that parent gets no more output.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends messages through the current socket, and output to all parents.
#[derive(Default)]
pub(super) struct Outbound {
    sender: Mutex<Option<RouterSender>>,
    parents: Mutex<HashSet<PeerIdentity>>,
}

impl Outbound {
    /// Sets the socket for the following messages. `None` closes it.
    pub(super) fn set_sender(&self, sender: Option<RouterSender>) {
        *lock(&self.sender) = sender;
    }

    /// Adds a parent that has sent a message. It gets output from now on.
    pub(super) fn saw(&self, parent: &PeerIdentity) {
        let mut parents = lock(&self.parents);
        if !parents.contains(parent) {
            parents.insert(parent.clone());
        }
    }

    /// Removes a parent.
    pub(super) fn lost(&self, parent: &PeerIdentity) {
        lock(&self.parents).remove(parent);
    }

    /// Queues a message for a parent. Waits while the parent's queue is full. Returns whether the parent is connected.
    pub(super) async fn send(&self, parent: PeerIdentity, payload: Vec<u8>) -> bool {
        let sender = lock(&self.sender).clone();
        match sender {
            Some(mut sender) => sender.send(parent, Bytes::from(payload)).await,
            None => false,
        }
    }

    /// Sends output to all parents, from a thread without a runtime. Returns whether a parent took it.
    pub(super) fn broadcast(&self, payload: &[u8]) -> bool {
        let parents: Vec<PeerIdentity> = lock(&self.parents).iter().cloned().collect();
        let mut taken = false;
        for parent in parents {
            match block_on(self.send(parent.clone(), payload.to_vec()), OUTPUT_TIMEOUT) {
                Some(true) => taken = true,
                // It does not read, or is gone. Its next message adds it again.
                Some(false) | None => self.lost(&parent),
            }
        }
        taken
    }
}

/// Runs a future on this thread. Returns `None` after the timeout.
fn block_on<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    let until = Instant::now() + timeout;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let left = until.checked_duration_since(Instant::now())?;
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// No code that holds these locks can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
