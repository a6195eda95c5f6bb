//! The options of a call.

use std::time::Duration;

/// The options of a call.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) namespace: Option<String>,
    pub(crate) client_name: Option<String>,
}

impl CallOptions {
    /// The defaults of the worker.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long to wait for the answer. Default: the worker's `default_timeout`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the namespace. Default: `default`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets the name of the caller, which is sent to the worker. Default: none.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }
}
