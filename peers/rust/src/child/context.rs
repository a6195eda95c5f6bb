//! The options of a worker.

use std::sync::Arc;
use std::time::Duration;

use crate::codec::{APP_ID, DEFAULT_NAMESPACE, Limits, Message, encode_for};
use crate::error::Result;
use crate::log::StructuredLogger;
use crate::registry::ServiceRegistry;

/// The options of a worker.
#[derive(Debug, Clone)]
pub struct ChildWorkerContext {
    pub(crate) service_id: Option<String>,
    pub(crate) namespace: String,
    pub(crate) ignores_other_namespaces: bool,
    pub(crate) max_concurrency: usize,
    pub(crate) max_pending: usize,
    pub(crate) max_held_bytes: usize,
    pub(crate) stop_timeout: Duration,
    pub(crate) allow_remote_shutdown: bool,
    pub(crate) limits: Limits,
    pub(crate) app: Arc<str>,
    pub(crate) registry: Option<ServiceRegistry>,
    pub(crate) logger: StructuredLogger,
}

impl ChildWorkerContext {
    /// The defaults: spawned by a parent, namespace `default`, no bound on concurrent calls.
    pub fn new() -> Self {
        Self {
            service_id: None,
            namespace: DEFAULT_NAMESPACE.to_owned(),
            ignores_other_namespaces: false,
            max_concurrency: usize::MAX,
            max_pending: 250_000,
            max_held_bytes: 512 * 1024 * 1024,
            stop_timeout: Duration::from_secs(5),
            allow_remote_shutdown: false,
            limits: Limits::default(),
            app: APP_ID.into(),
            registry: None,
            logger: StructuredLogger::default(),
        }
    }

    /// Makes the worker a service that parents find by this name, unless a parent has spawned it. Default: none.
    #[must_use]
    pub fn with_service_id(mut self, service_id: impl Into<String>) -> Self {
        self.service_id = Some(service_id.into());
        self
    }

    /// Sets the namespace. Calls for others are refused. Default: `default`.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Leaves calls for other namespaces unanswered, for channels that several workers share. Default: such calls are
    /// refused.
    #[must_use]
    pub fn ignoring_other_namespaces(mut self) -> Self {
        self.ignores_other_namespaces = true;
        self
    }

    /// Bounds the calls that run at once. With 1, they run in the order in which they arrive. Default: no bound.
    #[must_use]
    pub fn with_max_concurrency(mut self, calls: usize) -> Self {
        self.max_concurrency = calls.max(1);
        self
    }

    /// Bounds the calls that run and wait. More are refused with `OVERLOADED`, except those of a parent that has less than an
    /// equal part of them. Default: 250,000.
    #[must_use]
    pub fn with_max_pending(mut self, calls: usize) -> Self {
        self.max_pending = calls.max(1);
        self
    }

    /// Bounds the memory that a service holds for all its parents together, in bytes: once for the arguments of calls that run
    /// and wait, and once for messages that have begun to arrive and answers that a parent has not read. Calls beyond are
    /// refused with `OVERLOADED`, and parents with more than an equal part are disconnected. Default: 512 MiB.
    #[must_use]
    pub fn with_max_held_bytes(mut self, bytes: usize) -> Self {
        self.max_held_bytes = bytes.max(1);
        self
    }

    /// Sets how long calls in flight may take to finish when the worker stops. Default: 5 s.
    #[must_use]
    pub fn with_stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Lets a parent's shutdown message end a service. A spawned worker always obeys its parent. Default: not allowed, and the
    /// message is logged.
    #[must_use]
    pub fn allow_remote_shutdown(mut self) -> Self {
        self.allow_remote_shutdown = true;
        self
    }

    /// Sets the limits of messages and values. With a limit of 0, the worker does not start. Default: see [`Limits`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the app id of all messages, which parents must have too. With an empty one, the worker does not start. Default:
    /// `comlink_ipc_v3`; `comlink_ipc_v4` has the same wire format.
    #[must_use]
    pub fn with_app(mut self, app: impl Into<String>) -> Self {
        self.app = app.into().into();
        self
    }

    pub(crate) fn encode(&self, message: &Message) -> Result<Vec<u8>> {
        encode_for(&self.app, message, &self.limits)
    }

    /// Sets the registry of a service. Default: that of this user.
    #[must_use]
    pub fn with_registry(mut self, registry: ServiceRegistry) -> Self {
        self.registry = Some(registry);
        self
    }

    pub(crate) fn registry(&self) -> Result<ServiceRegistry> {
        self.registry.clone().map_or_else(ServiceRegistry::of_user, Ok)
    }

    /// Sets the logger. Default: warnings and errors, to stderr.
    #[must_use]
    pub fn with_logger(mut self, logger: StructuredLogger) -> Self {
        self.logger = logger;
        self
    }
}

impl Default for ChildWorkerContext {
    fn default() -> Self {
        Self::new()
    }
}
