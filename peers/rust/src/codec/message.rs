//! Messages.

use std::time::{SystemTime, UNIX_EPOCH};

use super::remote_error::ErrorParts;
use crate::value::{Map, Value};

/// The id of the protocol, in every message.
pub const APP_ID: &str = "comlink_ipc_v3";

/// The namespace of calls without one.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A message, of a parent or a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// A UUID. An answer has the id of the message that it answers. Empty if the message has none.
    pub id: String,
    /// When it was sent, in seconds since 1970.
    pub timestamp: f64,
    /// Further data. The protocol defines some keys.
    pub metadata: Option<Map>,
    /// The type and its fields.
    pub body: Body,
}

/// A message's type, and the fields of that type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// Calls a method.
    Call {
        /// The method's name. Empty if the message has none.
        function: String,
        /// Its arguments.
        args: Vec<Value>,
        /// The worker's namespace.
        namespace: String,
        /// The caller's name, if it has one.
        client_name: Option<String>,
    },
    /// The result of a method.
    Response {
        /// The result. `None` if the message has no such field.
        result: Option<Value>,
    },
    /// The error of a method, or a refusal.
    Error {
        /// The message of the error. Its parts are in the metadata.
        error: String,
    },
    /// A line of the worker's stdout, without its end.
    Stdout {
        /// The line.
        output: String,
    },
    /// A line of the worker's stderr, without its end.
    Stderr {
        /// The line.
        output: String,
    },
    /// Checks that the other side answers. The answer is the same message with `hb_response` in the metadata.
    Heartbeat {
        /// The older JavaScript implementation puts its clock here.
        args: Option<Vec<Value>>,
    },
    /// Asks the worker to end.
    Shutdown,
    /// Reports that the worker has started.
    Ready,
}

impl Message {
    /// A message with a new id and the current time.
    pub fn new(body: Body) -> Self {
        Self::answer(uuid::Uuid::new_v4().to_string(), body)
    }

    /// A message with this id and the current time.
    pub fn answer(id: String, body: Body) -> Self {
        Self { id, timestamp: wire_time(), metadata: None, body }
    }

    /// The answer to a call that failed.
    pub fn error(id: String, parts: ErrorParts) -> Self {
        let parts = parts.bounded();
        let error = parts.message.clone();
        let metadata = Map::from([("error".to_owned(), parts.into_value())]);
        Self { metadata: Some(metadata), ..Self::answer(id, Body::Error { error }) }
    }

    /// A heartbeat, with the clock in its metadata.
    pub fn heartbeat() -> Self {
        let message = Self::new(Body::Heartbeat { args: None });
        let clock = Map::from([("hb_timestamp".to_owned(), Value::Float(message.timestamp))]);
        Self { metadata: Some(clock), ..message }
    }

    /// Whether it is the answer to a heartbeat.
    pub fn is_heartbeat_answer(&self) -> bool {
        let flag = self.metadata.as_ref().and_then(|metadata| metadata.get("hb_response"));
        flag == Some(&Value::Bool(true))
    }

    /// Whether it is a heartbeat as its sender has sent it, which an echo server sends back: its clock is its timestamp.
    pub(crate) fn is_heartbeat_question(&self) -> bool {
        let clock = self.metadata.as_ref().and_then(|metadata| metadata.get("hb_timestamp"));
        !self.is_heartbeat_answer() && clock == Some(&Value::Float(self.timestamp))
    }

    /// The type, as on the wire.
    pub fn type_name(&self) -> &'static str {
        match self.body {
            Body::Call { .. } => "call",
            Body::Response { .. } => "response",
            Body::Error { .. } => "error",
            Body::Stdout { .. } => "stdout",
            Body::Stderr { .. } => "stderr",
            Body::Heartbeat { .. } => "heartbeat",
            Body::Shutdown => "shutdown",
            Body::Ready => "ready",
        }
    }
}

/// The time in seconds since 1970, as messages carry it.
pub(crate) fn wire_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
