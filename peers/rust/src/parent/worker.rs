//! The parent of a worker.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::args::IntoArgs;
use super::breaker::CircuitState;
use super::call_options::CallOptions;
use super::link::Task;
use super::metrics::Metrics;
use super::options::Options;
use super::outgoing_call::{Running, answer};
use super::shared::{Phase, Shared, not_running};
use super::supervise::supervise;
use crate::codec::{Body, DEFAULT_NAMESPACE, Message};
use crate::error::{Error, Result};
use crate::value::{Map, Value};

/// The name of introspection in each implementation.
const INTROSPECTION: [&str; 3] = ["listFunctions", "list_functions", "ListFunctions"];

/// The state of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// Not started yet.
    New,
    /// `start()` has not returned yet.
    Starting,
    /// Ready for calls.
    Running,
    /// Connected, but it answers no heartbeats: it computes, is suspended, or hangs. Calls are still sent.
    Stalled,
    /// Lost, and restarted or reconnected. Calls wait.
    Restarting,
    /// `stop()` has not returned yet.
    Stopping,
    /// Stopped.
    Stopped,
    /// Lost, and not restarted.
    Failed,
}

/// A handle of a worker in another process. Clones refer to the same worker. When the last one is dropped, its process is
/// killed.
#[derive(Clone)]
pub struct ParentWorker(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Supervises the worker until the last clone is dropped.
    supervisor: Mutex<Option<Task>>,
}

impl ParentWorker {
    pub(super) fn new(name: String, options: Options) -> Self {
        Self(Arc::new(Inner { shared: Shared::new(name, options), supervisor: Mutex::new(None) }))
    }

    /// Starts the worker, and returns when it has connected and answered a heartbeat.
    ///
    /// # Errors
    /// [`Error::Spawn`], [`Error::Connection`], [`Error::Registry`], or [`Error::Usage`] `ALREADY_STARTED` if it was called
    /// before.
    pub async fn start(&self) -> Result<()> {
        let shared = &self.0.shared;
        let is_new = shared.phase.send_if_modified(|phase| {
            let is_new = matches!(phase, Phase::New);
            if is_new {
                *phase = Phase::Starting;
            }
            is_new
        });
        if !is_new {
            let message =
                format!("the worker '{}' was already started; make a new parent to start another", shared.name);
            return Err(Error::usage("ALREADY_STARTED", message));
        }
        let (report, reported) = oneshot::channel();
        let task = Task::spawn(supervise(shared.clone(), report));
        *self.0.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        reported.await.unwrap_or_else(|_| Err(not_running(&Phase::Ended(None))))
    }

    /// Refuses new calls, lets those in flight finish, and ends the process: by a shutdown message, SIGTERM after 1 s, SIGKILL
    /// after another 2 s. A service goes on running. May be called at any time, and more than once.
    pub async fn stop(&self) {
        let shared = &self.0.shared;
        shared.phase.send_if_modified(|phase| {
            let is_new = matches!(phase, Phase::New);
            if is_new {
                *phase = Phase::Ended(None);
            }
            is_new
        });
        shared.stop.send_replace(true);
        let _ = shared.phase.subscribe().wait_for(|phase| matches!(phase, Phase::Ended(_))).await;
    }

    /// Calls a method with a tuple or a `Vec<Value>` of arguments, and returns its result as an `R`. The macro [`crate::call!`]
    /// is shorter.
    ///
    /// # Errors
    /// Any [`Error`]. [`Error::Remote`] is the error of the method.
    pub async fn call<R: DeserializeOwned>(
        &self,
        function: &str,
        args: impl IntoArgs,
        options: Option<CallOptions>,
    ) -> Result<R> {
        let answer = self.request(function, args.into_args()?, options.unwrap_or_default()).await?;
        match answer.body {
            Body::Response { result } => result.unwrap_or_default().to(),
            _ => Err(Error::unreadable(&"the answer has the wrong type")),
        }
    }

    /// Asks the worker for the names that can be called.
    ///
    /// # Errors
    /// As [`ParentWorker::call`].
    pub async fn list_functions(&self) -> Result<Vec<String>> {
        match self.introspect().await?.body {
            Body::Response { result } => result.unwrap_or_default().to(),
            _ => Err(Error::unreadable(&"the answer has the wrong type")),
        }
    }

    /// Asks the worker for the description of its functions: parameters, types, documentation. Older workers send none, and
    /// the map is empty.
    ///
    /// # Errors
    /// As [`ParentWorker::call`].
    pub async fn describe(&self) -> Result<Map> {
        let metadata = self.introspect().await?.metadata.unwrap_or_default();
        Ok(metadata.get("interface").and_then(Value::as_map).cloned().unwrap_or_default())
    }

    /// Whether the worker runs and answers heartbeats, and its circuit breaker is closed.
    pub fn is_healthy(&self) -> bool {
        self.state() == WorkerState::Running && self.circuit_state() == CircuitState::Closed
    }

    /// The state of the worker.
    pub fn state(&self) -> WorkerState {
        match *self.0.shared.phase.borrow() {
            Phase::New => WorkerState::New,
            Phase::Starting => WorkerState::Starting,
            Phase::Running(ref link) if link.is_stalled.load(Ordering::Relaxed) => WorkerState::Stalled,
            Phase::Running(_) => WorkerState::Running,
            Phase::Restarting => WorkerState::Restarting,
            Phase::Stopping => WorkerState::Stopping,
            Phase::Ended(None) => WorkerState::Stopped,
            Phase::Ended(Some(_)) => WorkerState::Failed,
        }
    }

    /// The state of the circuit breaker of the worker. Those of methods that fail do not change it.
    pub fn circuit_state(&self) -> CircuitState {
        self.0.shared.with_breaker(|breaker| breaker.state())
    }

    /// Closes the circuit breaker, and those of methods.
    pub fn reset_circuit(&self) {
        self.0.shared.close_circuits();
    }

    /// The round trip of the last answered heartbeat, if there was one.
    pub fn last_heartbeat_rtt(&self) -> Option<Duration> {
        self.0.shared.metrics.last_round_trip()
    }

    /// The measurements: `worker.metrics().snapshot()`.
    pub fn metrics(&self) -> &Metrics {
        &self.0.shared.metrics
    }

    /// The process id of the worker, while it runs.
    pub fn pid(&self) -> Option<u32> {
        *self.0.shared.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries each name of introspection until one is answered.
    async fn introspect(&self) -> Result<Message> {
        let mut refusal = None;
        for name in INTROSPECTION {
            match self.request(name, Vec::new(), CallOptions::new()).await {
                Err(error @ Error::Remote(_)) => refusal = Some(error),
                other => return other,
            }
        }
        Err(refusal.expect("each name was refused"))
    }

    async fn request(&self, function: &str, args: Vec<Value>, options: CallOptions) -> Result<Message> {
        let shared = &*self.0.shared;
        let message = Message::new(Body::Call {
            function: function.to_owned(),
            args,
            namespace: options.namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            client_name: options.client_name,
        });
        let payload = shared.options.encode(&message)?;
        let running = Running::begin(shared, function)?;
        let limit = options.timeout.or(shared.options.default_timeout);
        let outcome = {
            let mut answered = pin!(answer(&running, &message.id, payload, limit.is_some()));
            match limit {
                Some(limit) => timeout(limit, answered).await.unwrap_or_else(|_| {
                    Err(Error::Timeout { function: function.to_owned(), timeout: limit, sent: running.is_sent() })
                }),
                // It may go on, but keeps no others out.
                None if running.is_trial() => match timeout(shared.options.start_timeout, &mut answered).await {
                    Ok(outcome) => outcome,
                    Err(_) => {
                        running.ignore();
                        answered.await
                    }
                },
                None => answered.await,
            }
        };
        running.end(&outcome);
        outcome
    }
}
