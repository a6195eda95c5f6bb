//! Stops a worker.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::link::Link;
use super::open::Session;
use super::process::Process;
use super::shared::{Phase, Shared, not_running};
use crate::codec::{Body, Message};

/// How long a worker may take to exit after the last answer, before SIGTERM.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a worker may take to exit after SIGTERM, before SIGKILL.
const TERM_TIMEOUT: Duration = Duration::from_secs(2);

/// Refuses new calls, lets those in flight finish, and ends the process. A service goes on running.
pub(super) async fn stop(shared: &Arc<Shared>, session: Session) {
    shared.phase.send_replace(Phase::Stopping);
    let Session { link, process, .. } = &mut { session };
    match process {
        None => {
            let _ = timeout(shared.options.stop_timeout, drained(link)).await;
        }
        Some(process) => {
            if let Ok(shutdown) = shared.options.encode(&Message::new(Body::Shutdown)) {
                link.send(shutdown).await;
            }
            end(shared, link, process).await;
        }
    }
    link.close(&not_running(&Phase::Stopping));
}

async fn end(shared: &Shared, link: &Link, process: &mut Process) {
    let drain = async {
        let _ = timeout(shared.options.stop_timeout, drained(link)).await;
        sleep(EXIT_TIMEOUT).await;
    };
    tokio::select! {
        _ = process.ended() => return read_rest(link).await,
        () = drain => {}
    }
    process.terminate();
    if timeout(TERM_TIMEOUT, process.ended()).await.is_err() {
        process.kill();
        process.ended().await;
    }
}

/// Waits until no request waits for an answer.
async fn drained(link: &Link) {
    while link.pending() > 0 {
        link.settled.notified().await;
    }
}

/// Reads the last answers after the worker has exited.
async fn read_rest(link: &Link) {
    let _ = timeout(Duration::from_millis(250), drained(link)).await;
}
