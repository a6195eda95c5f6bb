//! The start of a worker.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::{env, process, thread};

use tokio::runtime::{self, Handle};

use super::calls::Calls;
use super::context::ChildWorkerContext;
use super::control::Control;
use super::outbound::Outbound;
use super::worker::ChildWorker;
use crate::error::{Error, Result};

/// The environment variable with the port of the parent that spawned this worker.
pub(crate) const PORT_VARIABLE: &str = "COMLINK_ZMQ_PORT";

/// How parents reach a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// Spawned by the parent that listens on this port.
    Spawned(u16),
    /// A service with this name.
    Service(String),
}

/// Runs the worker until the end of the process. The process exits with code 0 after a shutdown message, SIGTERM or SIGINT,
/// and with code 1 and a line on stderr when the worker cannot start or its parent has ended.
///
/// Methods run on the current runtime. The socket has a separate thread, so that heartbeats are answered while methods
/// compute. Methods that block their thread should use [`tokio::task::spawn_blocking`], so that other calls can run.
///
/// `run_worker` forwards what the process writes to stdout and stderr to the parents, line by line.
pub async fn run_worker<W: ChildWorker>(worker: W, context: ChildWorkerContext) {
    let port = env::var_os(PORT_VARIABLE).map(|port| port.to_string_lossy().into_owned());
    if let Some(fault) = context.limits.fault() {
        give_up(&Error::usage("INVALID_OPTION", fault));
    }
    let mode = start_mode(port.as_deref(), context.service_id.as_deref()).unwrap_or_else(|error| give_up(&error));
    let outbound = Arc::new(Outbound::default());
    let calls = Calls::new(worker, context.clone(), outbound.clone(), Handle::current());
    let started = thread::Builder::new().name("multifrost".to_owned()).spawn(move || {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| give_up(&error));
        match runtime.block_on(Control { mode, calls, outbound, context, dropped: AtomicU64::new(0) }.run()) {
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

/// The port of a parent takes precedence over a service id.
fn start_mode(port: Option<&str>, service_id: Option<&str>) -> Result<Mode> {
    match (port, service_id) {
        (Some(text), _) => parse_port(text).map(Mode::Spawned),
        (None, Some(service_id)) if is_service_id(service_id) => Ok(Mode::Service(service_id.to_owned())),
        (None, Some(service_id)) => {
            let rule = "it must have 1 to 255 characters and no control characters";
            Err(Error::usage("INVALID_OPTION", format!("{service_id:?} is no service id: {rule}")))
        }
        (None, None) => Err(Error::usage(
            "NO_START_MODE",
            format!(
                "the worker has neither {PORT_VARIABLE} in its environment nor a service id: spawn it from a parent, or make \
                 it a service with ChildWorkerContext::with_service_id"
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
             it when it spawns a worker: unset it to run this one as a service"
        );
        Error::usage("INVALID_PORT", message)
    })
}

pub(crate) fn is_service_id(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_parent_takes_precedence_over_a_service_id() {
        assert_eq!(start_mode(Some("5555"), Some("name")).expect("a mode"), Mode::Spawned(5555));
        assert_eq!(start_mode(None, Some("name")).expect("a mode"), Mode::Service("name".to_owned()));
        assert_eq!(start_mode(None, None).expect_err("no mode").code(), "NO_START_MODE");
        assert_eq!(start_mode(None, Some("a\nb")).expect_err("no mode").code(), "INVALID_OPTION");
    }

    #[test]
    fn invalid_ports_are_refused() {
        for text in ["", "1023", "65536", "+5555", "5555.0", "0x1f90", "-1", "port"] {
            assert_eq!(parse_port(text).expect_err(text).code(), "INVALID_PORT");
        }
    }
}
