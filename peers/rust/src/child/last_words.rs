//! A process that ends by itself, by `exit` or a panic in `main`, still sends the lines that it has queued.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long that may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// Between the thread that ends the process and that of the socket.
pub(super) static CLOSING: Closing =
    Closing { asked: Notify::const_new(), is_closed: Mutex::new(false), closed: Condvar::new() };

pub(super) struct Closing {
    asked: Notify,
    is_closed: Mutex<bool>,
    closed: Condvar,
}

impl Closing {
    /// Waits until the process ends by itself. May be cancelled without loss.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// The socket has nothing left to send, or shall not be waited for.
    pub(super) fn done(&self) {
        *self.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.closed.notify_all();
    }

    /// Asks the socket to close, and waits for that.
    pub(super) fn ask_and_wait(&self) {
        self.asked.notify_one();
        let guard = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.closed.wait_timeout_while(guard, PATIENCE, |is_closed| !*is_closed);
    }
}
