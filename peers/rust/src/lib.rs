//! Call methods in other processes, in any language, over MessagePack and ZeroMQ (protocol `comlink_ipc_v3`).
//!
//! A **worker** answers calls: write its methods with [`methods!`] and run it with [`run_worker`]. A **parent** spawns a
//! worker or connects to a service with [`ParentWorkerBuilder`], and calls its methods with [`call!`]. The other side may
//! be written in TypeScript, Python, Go or Rust.
//!
//! Usually the worker is another program. This program spawns itself as its worker:
//!
//! ```standalone_crate
//! use multifrost::{CallError, CallResult, ChildWorkerContext, Error, ParentWorkerBuilder, call, methods, run_worker};
//!
//! struct Math;
//!
//! methods! {
//!     impl Math {
//!         /// The sum of both.
//!         async fn add(&self, a: i64, b: i64) -> CallResult<i64> {
//!             a.checked_add(b).ok_or_else(|| CallError::new("the sum is too large").with_code("OVERFLOW"))
//!         }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     if std::env::args().any(|arg| arg == "worker") {
//!         run_worker(Math, ChildWorkerContext::new()).await; // does not return
//!     }
//!
//!     let this_program = std::env::current_exe().expect("it has a path");
//!     let worker = ParentWorkerBuilder::spawn(this_program).args(["worker"]).build().await?;
//!     worker.start().await?;
//!
//!     let sum: i64 = call!(worker, add(10, 20)).await?;
//!     assert_eq!(sum, 30);
//!
//!     match call!(worker, add(i64::MAX, 1)).await as Result<i64, Error> {
//!         Err(Error::Remote(error)) => assert_eq!(error.remote_code.as_deref(), Some("OVERFLOW")),
//!         other => panic!("{other:?}"),
//!     }
//!
//!     worker.stop().await;
//!     Ok(())
//! }
//! ```

mod child;
pub mod codec;
mod error;
mod log;
mod parent;
mod registry;
mod value;
mod zmtp;

#[doc(hidden)]
pub use child::expansion;
pub use child::{
    CallError, CallResult, ChildWorker, ChildWorkerContext, Function, Interface, Parameter, Type, WireType, run_worker,
};
#[allow(deprecated)]
pub use error::MultifrostError;
pub use error::{Error, ProcessEnd, RemoteError, Result};
pub use log::{
    LogEntry, LogEvent, LogHandler, LogLevel, StructuredLogger, default_json_handler, default_pretty_handler,
};
pub use parent::{
    CallOptions, CircuitBreakerEvent, CircuitState, HeartbeatRtt, IntoArgs, Metrics, MetricsSnapshot, ParentWorker,
    ParentWorkerBuilder, RequestMetrics, WorkerState,
};
pub use registry::{ServiceEntry, ServiceRegistry};
pub use value::{Bytes, Map, Timestamp, Value, to_value};

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
