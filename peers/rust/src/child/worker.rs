//! The trait of workers.

use std::future::Future;

use super::call_error::CallResult;
use super::interface::Interface;
use crate::value::Value;

/// A worker: functions by name. [`crate::methods!`] implements it for an `impl` block of `async fn`s. Implement it by hand if
/// the names are known only at run time.
///
/// ```
/// use multifrost::{CallError, CallResult, ChildWorker, Value};
///
/// struct Greeter;
///
/// impl ChildWorker for Greeter {
///     fn list_functions(&self) -> Vec<String> {
///         vec!["greet".to_owned()]
///     }
///
///     async fn handle_call(&self, function: &str, args: Vec<Value>) -> CallResult<Value> {
///         match (function, args.as_slice()) {
///             ("greet", [name]) => Ok(format!("Hello, {}!", name.as_str().unwrap_or("world")).into()),
///             _ => Err(CallError::not_found(function)),
///         }
///     }
/// }
/// ```
pub trait ChildWorker: Send + Sync + 'static {
    /// The names that can be called. Calls of other names do not reach [`ChildWorker::handle_call`]. Called once, at the start.
    /// Names that begin with `_` are private and cannot be called even if they are listed.
    fn list_functions(&self) -> Vec<String>;

    /// Runs one call. Each call is a separate task on the runtime of `run_worker`. A call that panics is answered with an
    /// error.
    fn handle_call(&self, function: &str, args: Vec<Value>) -> impl Future<Output = CallResult<Value>> + Send;

    /// Describes the functions: parameters, types, documentation. Default: only the names.
    fn interface(&self) -> Interface {
        Interface::default()
    }
}
