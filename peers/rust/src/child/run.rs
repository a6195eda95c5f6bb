//! The start of a worker.

use std::future::pending;
use std::sync::Arc;
use std::{process, thread};

use tokio::runtime::{self, Handle};

use super::calls::Calls;
use super::context::ChildWorkerContext;
use super::control::Control;
use super::start_mode::Mode;
use super::worker::ChildWorker;
use crate::error::Error;

/// Runs the worker until the end of the process. The process exits with code 0 after a shutdown message, SIGTERM or SIGINT,
/// and with code 1 and a line on stderr when the worker cannot start or its parent has ended.
///
/// Methods run on the current runtime, except for the part before they first wait, which may run on a thread of the library.
/// The sockets have a separate thread, so that heartbeats are answered while methods compute. Methods that block their thread
/// should use [`tokio::task::spawn_blocking`], so that other calls can run.
///
/// `run_worker` removes what the parent has put into the environment, so that no process that this one starts can be taken for
/// the worker. Call it before other threads use functions of C that read the environment. It forwards what the process
/// writes to stdout and stderr to the parents, line by line.
pub async fn run_worker<W: ChildWorker>(worker: W, context: ChildWorkerContext) {
    let mode = Mode::take(context.service_id.as_deref()).unwrap_or_else(|error| give_up(&error));
    let no_app = context.app.is_empty().then(|| "app must not be empty".to_owned());
    if let Some(fault) = context.limits.fault().or(no_app) {
        give_up(&Error::usage("INVALID_OPTION", fault));
    }
    let max_bytes = match mode {
        Mode::Service(_) => context.max_held_bytes,
        // A worker has no limit for the parent that spawned it.
        Mode::Spawned(_) => usize::MAX,
    };
    let parents = Arc::default();
    let calls = Calls::new(worker, context.clone(), Arc::clone(&parents), max_bytes, Handle::current());
    let started = thread::Builder::new().name("multifrost".to_owned()).spawn(move || {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| give_up(&error));
        match runtime.block_on(Control::new(mode, calls, parents, context).run()) {
            Ok(code) => process::exit(code),
            Err(error) => give_up(&error),
        }
    });
    match started {
        Ok(_) => pending().await,
        Err(error) => give_up(&error),
    }
}

fn give_up(why: &dyn std::fmt::Display) -> ! {
    eprintln!("multifrost: {why}");
    process::exit(1)
}
