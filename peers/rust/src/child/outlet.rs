//! What a worker sends, and to whom.

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

/// How long a line of output may wait for a parent that does not read, before that parent gets no more of it.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

/// The way out: the socket, while there is one, and the parents seen so far.
#[derive(Default)]
pub(super) struct Outlet {
    sender: Mutex<Option<RouterSender>>,
    parents: Mutex<HashSet<PeerIdentity>>,
}

impl Outlet {
    /// Sends through this socket from now on; `None` lets go of it.
    pub(super) fn set_sender(&self, sender: Option<RouterSender>) {
        *lock(&self.sender) = sender;
    }

    /// A parent has sent a message, and gets output from now on.
    pub(super) fn saw(&self, parent: &PeerIdentity) {
        let mut parents = lock(&self.parents);
        if !parents.contains(parent) {
            parents.insert(parent.clone());
        }
    }

    /// A parent is gone.
    pub(super) fn lost(&self, parent: &PeerIdentity) {
        lock(&self.parents).remove(parent);
    }

    /// Queues a message for a parent; waits while that has too many queued. Lost if the parent is gone.
    pub(super) async fn send(&self, parent: PeerIdentity, payload: Vec<u8>) -> bool {
        let sender = lock(&self.sender).clone();
        match sender {
            Some(mut sender) => sender.send(parent, Bytes::from(payload)).await,
            None => false,
        }
    }

    /// Sends output to every parent seen, from a thread without a runtime. `false`: nobody took it.
    pub(super) fn broadcast(&self, payload: &[u8]) -> bool {
        let parents: Vec<PeerIdentity> = lock(&self.parents).iter().cloned().collect();
        let mut taken = false;
        for parent in parents {
            match block_on(self.send(parent.clone(), payload.to_vec()), OUTPUT_PATIENCE) {
                Some(true) => taken = true,
                // It does not read, or is gone: it comes back with its next message.
                Some(false) | None => self.lost(&parent),
            }
        }
        taken
    }
}

/// Runs a future to its end on this thread; `None` if that takes too long.
fn block_on<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let until = Instant::now() + patience;
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

/// Nothing that holds these locks can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
