//! How a worker is run and watched.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::{Limits, Message};
use crate::error::{MultifrostError, Result};
use crate::log::StructuredLogger;
use crate::registry::ServiceRegistry;

/// Takes one line of output, without its end.
pub(super) type LineHandler = Arc<dyn Fn(&str) + Send + Sync>;

/// Takes every message of the worker, before it is acted on.
pub(super) type MessageHandler = Arc<dyn Fn(&Message) + Send + Sync>;

/// Says whether an error speaks against the worker.
pub(super) type FailureRule = Arc<dyn Fn(&MultifrostError) -> bool + Send + Sync>;

/// Everything the builder collects.
pub(super) struct Options {
    pub(super) way: Way,
    pub(super) auto_restart: bool,
    pub(super) max_restart_attempts: u32,
    pub(super) default_timeout: Option<Duration>,
    /// Zero: no heartbeats.
    pub(super) heartbeat_interval: Duration,
    pub(super) heartbeat_timeout: Duration,
    pub(super) heartbeat_max_misses: u32,
    pub(super) start_timeout: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) max_pending: usize,
    pub(super) limits: Limits,
    /// `None`: that of the user.
    pub(super) registry: Option<ServiceRegistry>,
    pub(super) logger: StructuredLogger,
    pub(super) stdout: LineHandler,
    pub(super) stderr: LineHandler,
    pub(super) on_message: Option<MessageHandler>,
    pub(super) is_failure: Option<FailureRule>,
}

/// Runs a handler of the user's. One that panics has been reported by the panic itself, and ends nothing else.
pub(super) fn guarded(handler: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(handler));
}

impl Options {
    /// Where services are looked up.
    pub(super) fn registry(&self) -> Result<ServiceRegistry> {
        self.registry.clone().map_or_else(ServiceRegistry::of_user, Ok)
    }
}

/// How the worker is reached.
pub(super) enum Way {
    Spawn(Launch),
    Connect { service_id: String, timeout: Duration },
}

/// What is started.
#[derive(Debug, Clone, Default)]
pub(super) struct Launch {
    pub(super) script: PathBuf,
    /// Program and leading arguments; empty: by the script's extension.
    pub(super) executable: Vec<OsString>,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) directory: Option<PathBuf>,
}
