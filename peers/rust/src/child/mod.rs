//! The worker's side.

mod call_error;
mod calls;
mod context;
mod control;
mod interface;
mod last_words;
mod methods;
mod nearest_name;
mod outlet;
mod output;
mod parent_watch;
mod refusals;
mod run;
mod wire_type;
mod worker;

pub use call_error::{CallError, CallResult};
pub use context::ChildWorkerContext;
pub use interface::{Function, Interface, Parameter};
pub use run::run_worker;
pub(crate) use run::{PORT_VARIABLE, is_service_id};
pub use wire_type::{Type, WireType};
pub use worker::ChildWorker;

/// What the macro [`crate::methods!`] expands to needs; not for use by hand.
#[doc(hidden)]
pub mod expansion {
    pub use super::methods::{Answer, Args, doc_of};
    pub use super::wire_type::{Known, Probe, ProbeAnswer, Unknown};
}
