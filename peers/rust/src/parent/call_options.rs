//! Options of one call.

use std::time::Duration;

/// What one call does differently from the others.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) namespace: Option<String>,
    pub(crate) client_name: Option<String>,
}

impl CallOptions {
    /// As the worker's defaults have it.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long to wait for the answer. Default: the worker's `default_timeout`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The namespace of the worker that is meant. Default: `default`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The caller's name, told to the worker. Default: none.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }
}
