//! A worker as its parent sees it.

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
use crate::codec::{Body, DEFAULT_NAMESPACE, Message, encode};
use crate::error::{MultifrostError, Result};
use crate::value::{Map, Value};

/// The names of introspection in the implementations there are.
const INTROSPECTION: [&str; 3] = ["listFunctions", "list_functions", "ListFunctions"];

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// Not started yet.
    New,
    /// On its way to be started.
    Starting,
    /// Ready for calls.
    Running,
    /// Lost, and started or looked for again.
    Restarting,
    /// On its way to its end.
    Stopping,
    /// Stopped by its user.
    Stopped,
    /// Lost for good.
    Failed,
}

/// A worker in another process. Clones mean the same worker; when the last one is dropped, its process is killed.
#[derive(Clone)]
pub struct ParentWorker(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Keeps the worker alive; ends with the last clone.
    supervisor: Mutex<Option<Task>>,
}

impl ParentWorker {
    pub(super) fn new(name: String, options: Options) -> Self {
        Self(Arc::new(Inner { shared: Shared::new(name, options), supervisor: Mutex::new(None) }))
    }

    /// Starts the worker; returns when it has connected and answered a heartbeat.
    ///
    /// # Errors
    /// [`MultifrostError::Spawn`], [`MultifrostError::Connection`], [`MultifrostError::Registry`]; `ALREADY_STARTED` when
    /// it was called before.
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
            let message = format!("the worker '{}' was started before; make a new one to start another", shared.name);
            return Err(MultifrostError::usage("ALREADY_STARTED", message));
        }
        let (tell, told) = oneshot::channel();
        let task = Task::spawn(supervise(shared.clone(), tell));
        *self.0.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        told.await.unwrap_or_else(|_| Err(not_running(&Phase::Ended(None))))
    }

    /// Ends the worker: no more calls, those in flight finish, the process exits, at last by SIGTERM and SIGKILL. A
    /// service goes on, without this parent. May be called at any moment, and again.
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

    /// Calls a method, with a tuple or a `Vec<Value>` of arguments, and reads its result as `R`. The macro
    /// [`crate::call!`] is shorter.
    ///
    /// # Errors
    /// Any [`MultifrostError`]; [`MultifrostError::Remote`] is what the method failed with.
    pub async fn call<R: DeserializeOwned>(
        &self,
        function: &str,
        args: impl IntoArgs,
        options: Option<CallOptions>,
    ) -> Result<R> {
        let answer = self.request(function, args.into_args()?, options.unwrap_or_default()).await?;
        match answer.body {
            Body::Response { result } => result.unwrap_or_default().to(),
            _ => Err(MultifrostError::unreadable(&"the answer is no answer")),
        }
    }

    /// The names that can be called.
    ///
    /// # Errors
    /// As those of [`ParentWorker::call`].
    pub async fn list_functions(&self) -> Result<Vec<String>> {
        match self.introspect().await?.body {
            Body::Response { result } => result.unwrap_or_default().to(),
            _ => Err(MultifrostError::unreadable(&"the answer is no answer")),
        }
    }

    /// What the worker tells about its functions: parameters, types, documentation. Empty for one that tells nothing.
    ///
    /// # Errors
    /// As those of [`ParentWorker::call`].
    pub async fn describe(&self) -> Result<Map> {
        let metadata = self.introspect().await?.metadata.unwrap_or_default();
        Ok(metadata.get("interface").and_then(Value::as_map).cloned().unwrap_or_default())
    }

    /// Whether it runs and the circuit breaker is closed.
    pub fn is_healthy(&self) -> bool {
        self.state() == WorkerState::Running && self.circuit_state() == CircuitState::Closed
    }

    /// Where it is in its life.
    pub fn state(&self) -> WorkerState {
        match *self.0.shared.phase.borrow() {
            Phase::New => WorkerState::New,
            Phase::Starting => WorkerState::Starting,
            Phase::Running(_) => WorkerState::Running,
            Phase::Restarting => WorkerState::Restarting,
            Phase::Stopping => WorkerState::Stopping,
            Phase::Ended(None) => WorkerState::Stopped,
            Phase::Ended(Some(_)) => WorkerState::Failed,
        }
    }

    /// What the circuit breaker does with calls.
    pub fn circuit_state(&self) -> CircuitState {
        self.0.shared.with_breaker(|breaker| breaker.state())
    }

    /// Closes the circuit breaker by hand.
    pub fn reset_circuit(&self) {
        self.0.shared.with_breaker(|breaker| breaker.close());
    }

    /// The round trip of the latest heartbeat.
    pub fn last_heartbeat_rtt(&self) -> Option<Duration> {
        self.0.shared.metrics.last_round_trip()
    }

    /// What has been counted and measured: `worker.metrics().snapshot()`.
    pub fn metrics(&self) -> &Metrics {
        &self.0.shared.metrics
    }

    /// The worker's process, while there is one.
    pub fn pid(&self) -> Option<u32> {
        *self.0.shared.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks by every name that implementations have for it.
    async fn introspect(&self) -> Result<Message> {
        let mut refusal = None;
        for name in INTROSPECTION {
            match self.request(name, Vec::new(), CallOptions::new()).await {
                Err(error @ MultifrostError::Remote(_)) => refusal = Some(error),
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
        let payload = encode(&message, &shared.options.limits)?;
        let running = Running::begin(shared, function)?;
        let answered = answer(shared, function, &message.id, payload);
        let outcome = match options.timeout.or(shared.options.default_timeout) {
            Some(limit) => timeout(limit, answered)
                .await
                .unwrap_or_else(|_| Err(MultifrostError::Timeout { function: function.to_owned(), timeout: limit })),
            None => answered.await,
        };
        running.end(&outcome);
        outcome
    }
}
