//! The parent.

mod admission;
mod args;
mod breaker;
mod builder;
mod call_options;
mod heartbeat;
mod launch;
mod link;
mod method_breakers;
mod metrics;
mod open;
mod options;
mod orphan_guard;
mod outgoing_call;
mod process;
mod pulse;
mod restart;
mod shared;
mod socket_owner;
mod stop;
mod supervise;
mod worker;

pub use args::IntoArgs;
pub use breaker::CircuitState;
pub use builder::ParentWorkerBuilder;
pub use call_options::CallOptions;
pub use metrics::{CircuitBreakerEvent, HeartbeatRtt, Metrics, MetricsSnapshot, RequestMetrics};
pub use worker::{ParentWorker, WorkerState};
