//! Call methods in other processes, in any language, as if they were here: MessagePack over ZeroMQ, protocol
//! `comlink_ipc_v3`.
//!
//! A **worker** answers calls: [`methods!`] and [`run_worker`]. A **parent** makes them: [`ParentWorkerBuilder`] and
//! [`call!`]. Either side may as well be written in TypeScript, Python or Go.

mod child;
pub mod codec;
mod error;
mod log;
mod parent;
mod registry;
mod transport;
mod value;

#[doc(hidden)]
pub use child::expansion;
pub use child::{
    CallError, CallResult, ChildWorker, ChildWorkerContext, Function, Interface, Parameter, Type, WireType, run_worker,
};
pub use error::{MultifrostError, ProcessEnd, RemoteError, Result};
pub use log::{
    LogEntry, LogEvent, LogHandler, LogLevel, StructuredLogger, default_json_handler, default_pretty_handler,
};
pub use parent::{
    CallOptions, CircuitBreakerEvent, CircuitState, HeartbeatRtt, IntoArgs, Metrics, MetricsSnapshot, ParentWorker,
    ParentWorkerBuilder, RequestMetrics, WorkerState,
};
pub use registry::{ServiceEntry, ServiceRegistry};
pub use value::{Bytes, Map, Timestamp, Value, to_value};
