//! The end of a worker, in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::link::Link;
use super::open::Session;
use super::process::Process;
use super::shared::{Phase, Shared, not_running};
use crate::codec::{Body, Message, encode};

/// How long a worker may take to exit once it has answered everything, before SIGTERM.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// How long after SIGTERM, before SIGKILL.
const TERM_PATIENCE: Duration = Duration::from_secs(2);

/// Takes no more calls, lets those in flight finish, ends the process. A service goes on for its other parents.
pub(super) async fn stop(shared: &Arc<Shared>, session: Session) {
    shared.phase.send_replace(Phase::Stopping);
    let Session { link, process, .. } = &mut { session };
    match process {
        None => {
            let _ = timeout(shared.options.stop_timeout, drained(link)).await;
        }
        Some(process) => {
            if let Ok(shutdown) = encode(&Message::new(Body::Shutdown), &shared.options.limits) {
                link.tell(shutdown).await;
            }
            end(shared, link, process).await;
        }
    }
    link.close(&not_running(&Phase::Stopping));
}

async fn end(shared: &Shared, link: &Link, process: &mut Process) {
    let drain = async {
        let _ = timeout(shared.options.stop_timeout, drained(link)).await;
        sleep(EXIT_PATIENCE).await;
    };
    tokio::select! {
        _ = process.ended() => return read_rest(link).await,
        () = drain => {}
    }
    process.terminate();
    if timeout(TERM_PATIENCE, process.ended()).await.is_err() {
        process.kill();
        process.ended().await;
    }
}

/// Waits until everything is answered.
async fn drained(link: &Link) {
    while link.pending() > 0 {
        link.settled.notified().await;
    }
}

/// The worker has ended by itself: its last answers are in the socket.
async fn read_rest(link: &Link) {
    let _ = timeout(Duration::from_millis(250), drained(link)).await;
}
