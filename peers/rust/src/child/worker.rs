//! What a worker is.

use std::future::Future;

use super::call_error::CallResult;
use super::interface::Interface;
use crate::value::Value;

/// A worker: functions by name. [`crate::methods!`] writes this for an `impl` block of `async fn`s; by hand it is two
/// functions.
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
    /// The names that can be called; no others reach [`ChildWorker::handle_call`]. Asked once, at the start. Names that
    /// begin with `_` are private and cannot be called even if they are listed.
    fn list_functions(&self) -> Vec<String>;

    /// Runs one call. Calls run as tasks of their own on the runtime that `run_worker` was called on; one that panics
    /// is answered with an error.
    fn handle_call(&self, function: &str, args: Vec<Value>) -> impl Future<Output = CallResult<Value>> + Send;

    /// What callers can learn about the functions: parameters, types, documentation. Default: nothing but the names.
    fn interface(&self) -> Interface {
        Interface::default()
    }
}
