//! Sends the queued lines of output when the process ends by `exit` or a panic in `main`.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long sending may take.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(300);

/// Connects the thread that ends the process with the thread of the socket.
pub(super) static EXIT_FLUSH: ExitFlush =
    ExitFlush { requested: Notify::const_new(), is_closed: Mutex::new(false), closed: Condvar::new() };

pub(super) struct ExitFlush {
    requested: Notify,
    is_closed: Mutex<bool>,
    closed: Condvar,
}

impl ExitFlush {
    /// Waits until the process exits. Cancel safe.
    pub(super) async fn requested(&self) {
        self.requested.notified().await;
    }

    /// Ends the wait: the socket has sent everything, or nothing is to be sent.
    pub(super) fn done(&self) {
        *self.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.closed.notify_all();
    }

    /// Asks the thread of the socket to close it, and waits for that.
    pub(super) fn request_and_wait(&self) {
        self.requested.notify_one();
        let guard = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.closed.wait_timeout_while(guard, FLUSH_TIMEOUT, |is_closed| !*is_closed);
    }
}
