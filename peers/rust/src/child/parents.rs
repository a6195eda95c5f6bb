//! The parents of a worker, which get its output.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::zmtp::{Follow, Outbox};

/// How long a line of output waits for a parent that does not read. Then that parent gets no more output.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// The parents that have sent a message.
#[derive(Default)]
pub(super) struct Parents(Mutex<HashMap<usize, Outbox>>);

impl Parents {
    /// Adds a parent that has sent a message. It gets output from now on.
    pub(super) fn saw(&self, parent: &Outbox) {
        self.lock().entry(parent.peer()).or_insert_with(|| parent.clone());
    }

    /// Removes a parent.
    pub(super) fn lost(&self, parent: &Outbox) {
        self.lock().remove(&parent.peer());
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Sends output to all parents, from a thread without a runtime. Returns whether a parent took it.
    pub(super) fn broadcast(&self, payload: &[u8]) -> bool {
        let parents: Vec<Outbox> = self.lock().values().cloned().collect();
        let mut taken = false;
        for parent in parents {
            match block_on(parent.send(payload.to_vec(), Follow::Nothing), OUTPUT_TIMEOUT) {
                Some(true) => taken = true,
                // It does not read, or is gone. Its next message adds it again.
                Some(false) | None => self.lost(&parent),
            }
        }
        taken
    }

    /// No code that holds this lock can panic.
    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Outbox>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
