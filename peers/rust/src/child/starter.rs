//! A thread that begins calls. Waking it takes less than half of the time that waking a worker of the user's runtime takes, which
//! waits for its own sockets and wakes another worker before it begins.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Waker};
use std::thread;

use tokio::runtime::Handle;

/// What the thread begins. If it has to wait, the user's runtime goes on with it.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Passes work to the thread.
pub(super) struct Starter {
    work: Sender<Work>,
    /// The thread is occupied, or could not be started.
    is_busy: Arc<AtomicBool>,
    runtime: Handle,
}

impl Starter {
    /// Starts the thread. Without one, all work is done by the runtime.
    pub(super) fn new(runtime: Handle) -> Self {
        let (work, works) = channel();
        let is_busy = Arc::new(AtomicBool::new(true));
        let starter = Self { work, is_busy: is_busy.clone(), runtime: runtime.clone() };
        let started = thread::Builder::new()
            .name("multifrost calls".to_owned())
            .spawn(move || begin_all(&works, &is_busy, &runtime));
        // Fails where the system has no more threads.
        drop(started);
        starter
    }

    /// Begins the work on the thread if that is idle, and otherwise on the runtime, so that a method that blocks its thread
    /// delays no other.
    pub(super) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        if self.is_busy.swap(true, Ordering::AcqRel) {
            self.runtime.spawn(work);
        } else if let Err(unsent) = self.work.send(Box::pin(work)) {
            self.runtime.spawn(unsent.0);
        }
    }
}

fn begin_all(works: &Receiver<Work>, is_busy: &AtomicBool, runtime: &Handle) {
    // Methods may use what needs a runtime.
    let _entered = runtime.enter();
    loop {
        is_busy.store(false, Ordering::Release);
        let Ok(mut work) = works.recv() else { return };
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            // The runtime polls it again at once, with its waker.
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn work_is_done_even_if_the_thread_is_occupied_and_work_that_waits_does_not_occupy_it() {
        let starter = Starter::new(Handle::current());
        let (unblock, blocked) = channel::<()>();
        let (done, mut is_done) = tokio::sync::mpsc::unbounded_channel();
        let send = |name: &'static str| {
            let done = done.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                done.send(name).expect("it is awaited");
            }
        };
        starter.begin(send("waits"));
        assert_eq!(is_done.recv().await, Some("waits"));
        starter.begin(async move { blocked.recv().expect("it is unblocked") });
        starter.begin(send("passes"));
        assert_eq!(is_done.recv().await, Some("passes"));
        unblock.send(()).expect("it waits");
    }
}
