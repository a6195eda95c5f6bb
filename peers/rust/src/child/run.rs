//! The start of a worker.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::{env, process, thread};

use tokio::runtime::{self, Handle};

use super::calls::Calls;
use super::context::ChildWorkerContext;
use super::control::Control;
use super::outlet::Outlet;
use super::worker::ChildWorker;
use crate::error::{MultifrostError, Result};

/// The environment variable with the port of the parent that spawned this worker.
pub(crate) const PORT_VARIABLE: &str = "COMLINK_ZMQ_PORT";

/// How a worker is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// By the parent that spawned it, which waits at this port.
    Spawned(u16),
    /// By everybody who looks for this name.
    Service(String),
}

/// Runs the worker for the rest of the process's life: exits with 0 when the parent or a signal (SIGTERM, SIGINT) ends it,
/// with 1 and a line on stderr when it cannot start or its parent is gone.
///
/// Methods run on the runtime that this is called on. The socket has a thread of its own, so that heartbeats are answered
/// while methods compute, even where they block their thread; on a runtime with few threads, such methods should use
/// [`tokio::task::spawn_blocking`] so that others can run meanwhile.
///
/// From here on, what the process writes to stdout and stderr is sent to its parents line by line.
pub async fn run_worker<W: ChildWorker>(worker: W, context: ChildWorkerContext) {
    let port = env::var_os(PORT_VARIABLE).map(|port| port.to_string_lossy().into_owned());
    if let Some(fault) = context.limits.fault() {
        give_up(&MultifrostError::usage("INVALID_OPTION", fault));
    }
    let mode = start_mode(port.as_deref(), context.service_id.as_deref()).unwrap_or_else(|error| give_up(&error));
    let outlet = Arc::new(Outlet::default());
    let calls = Calls::new(worker, context.clone(), outlet.clone(), Handle::current());
    let started = thread::Builder::new().name("multifrost".to_owned()).spawn(move || {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| give_up(&error));
        match runtime.block_on(Control { mode, calls, outlet, context, dropped: AtomicU64::new(0) }.run()) {
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

/// The parent's port comes first, then the service id.
fn start_mode(port: Option<&str>, service_id: Option<&str>) -> Result<Mode> {
    match (port, service_id) {
        (Some(text), _) => parse_port(text).map(Mode::Spawned),
        (None, Some(service_id)) if is_service_id(service_id) => Ok(Mode::Service(service_id.to_owned())),
        (None, Some(service_id)) => {
            let rule = "it must have 1 to 255 characters, none of them a control character";
            Err(MultifrostError::usage("INVALID_OPTION", format!("{service_id:?} is no service id: {rule}")))
        }
        (None, None) => Err(MultifrostError::usage(
            "NO_START_MODE",
            format!(
                "this worker has neither {PORT_VARIABLE} in its environment nor a service id: let a parent spawn it, or \
                 give it a name with ChildWorkerContext::with_service_id"
            ),
        )),
    }
}

fn parse_port(text: &str) -> Result<u16> {
    let is_plain = text.trim().bytes().all(|digit| digit.is_ascii_digit());
    let port = text.trim().parse().ok().filter(|port| is_plain && *port >= 1024);
    port.ok_or_else(|| {
        let message = format!(
            "{PORT_VARIABLE} is {text:?}, which is no port: it must be a whole number from 1024 to 65535; the parent sets \
             it when it spawns a worker, unset it to run this one as a service"
        );
        MultifrostError::usage("INVALID_PORT", message)
    })
}

pub(crate) fn is_service_id(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_comes_first() {
        assert_eq!(start_mode(Some("5555"), Some("name")).expect("a mode"), Mode::Spawned(5555));
        assert_eq!(start_mode(None, Some("name")).expect("a mode"), Mode::Service("name".to_owned()));
        assert_eq!(start_mode(None, None).expect_err("no mode").code(), "NO_START_MODE");
        assert_eq!(start_mode(None, Some("a\nb")).expect_err("no mode").code(), "INVALID_OPTION");
    }

    #[test]
    fn ports_that_are_none() {
        for text in ["", "1023", "65536", "+5555", "5555.0", "0x1f90", "-1", "port"] {
            assert_eq!(parse_port(text).expect_err(text).code(), "INVALID_PORT");
        }
    }
}
