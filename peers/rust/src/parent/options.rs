//! The options of a parent.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::{Limits, Message, Unread, decode_for, encode_for};
use crate::error::{Error, Result};
use crate::log::StructuredLogger;
use crate::registry::ServiceRegistry;

/// A handler of lines of output, without their line ends.
pub(super) type LineHandler = Arc<dyn Fn(&str) + Send + Sync>;

/// A handler of the worker's messages, called before they are handled.
pub(super) type MessageHandler = Arc<dyn Fn(&Message) + Send + Sync>;

/// Decides whether an error counts for the circuit breaker.
pub(super) type FailureRule = Arc<dyn Fn(&Error) -> bool + Send + Sync>;

/// The options that the builder collects.
pub(super) struct Options {
    pub(super) connect_mode: ConnectMode,
    pub(super) auto_restart: bool,
    pub(super) max_restart_attempts: u32,
    pub(super) default_timeout: Option<Duration>,
    /// Zero means no heartbeats.
    pub(super) heartbeat_interval: Duration,
    pub(super) heartbeat_timeout: Duration,
    pub(super) heartbeat_max_misses: u32,
    pub(super) stall_timeout: Duration,
    pub(super) start_timeout: Duration,
    pub(super) stop_timeout: Duration,
    pub(super) max_pending: usize,
    pub(super) limits: Limits,
    pub(super) app: Arc<str>,
    /// `None` means that of the user.
    pub(super) registry: Option<ServiceRegistry>,
    pub(super) logger: StructuredLogger,
    pub(super) stdout: LineHandler,
    pub(super) stderr: LineHandler,
    pub(super) on_message: Option<MessageHandler>,
    pub(super) is_failure: Option<FailureRule>,
}

/// Runs a handler of the user. Its panic is printed by the panic hook and has no other effect.
pub(super) fn guarded(handler: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(handler));
}

impl Options {
    pub(super) fn encode(&self, message: &Message) -> Result<Vec<u8>> {
        encode_for(&self.app, message, &self.limits)
    }

    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Message, Unread> {
        decode_for(&self.app, bytes, &self.limits)
    }

    /// Whether another session follows a lost one: a call that its worker did not run is sent again then.
    pub(super) fn sends_again(&self) -> bool {
        self.auto_restart || matches!(self.connect_mode, ConnectMode::Connect { .. })
    }

    /// The registry in which services are found.
    pub(super) fn registry(&self) -> Result<ServiceRegistry> {
        self.registry.clone().map_or_else(ServiceRegistry::of_user, Ok)
    }
}

/// How the parent reaches the worker.
pub(super) enum ConnectMode {
    Spawn(Launch),
    Connect { service_id: String, timeout: Duration },
}

/// The command to start.
#[derive(Debug, Clone, Default)]
pub(super) struct Launch {
    pub(super) script: PathBuf,
    /// The program and its leading arguments. Empty means by the script's extension.
    pub(super) executable: Vec<OsString>,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) directory: Option<PathBuf>,
}
