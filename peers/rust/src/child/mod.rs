//! The worker.

mod call_error;
mod calls;
mod context;
mod control;
mod exit_flush;
mod interface;
mod methods;
mod nearest_name;
mod output;
mod parent_watch;
mod parents;
mod refusals;
mod run;
mod start_mode;
mod starter;
mod wire_type;
mod worker;

pub use call_error::{CallError, CallResult};
pub use context::ChildWorkerContext;
pub use interface::{Function, Interface, Parameter};
pub use run::run_worker;
pub(crate) use start_mode::{
    ENDPOINT_VARIABLE, MODE_VARIABLE, PORT_VARIABLE, SPAWN_VARIABLES, TOKEN_VARIABLE, is_service_id,
};
pub use wire_type::{Type, WireType};
pub use worker::ChildWorker;

/// Used by the expansion of [`crate::methods!`]. Not a public interface.
#[doc(hidden)]
pub mod expansion {
    pub use super::methods::{Answer, Args, doc_of};
    pub use super::wire_type::{Known, Probe, ProbeAnswer, Unknown};
}
