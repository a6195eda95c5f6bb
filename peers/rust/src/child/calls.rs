//! Runs the calls of a worker.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::context::ChildWorkerContext;
use super::parents::Parents;
use super::refusals::{not_callable, out_of_memory, overloaded, stopping, wrong_namespace};
use super::starter::Starter;
use super::worker::ChildWorker;
use crate::codec::{Body, ErrorParts, Message, Unread, UnreadKind};
use crate::value::{Map, Value};
use crate::zmtp::{Follow, Outbox};

/// The name of introspection in each implementation.
const INTROSPECTION: [&str; 3] = ["listFunctions", "list_functions", "ListFunctions"];

/// A call that the worker has received.
pub(super) struct Call {
    pub(super) parent: Outbox,
    pub(super) id: String,
    pub(super) function: String,
    pub(super) args: Vec<Value>,
    pub(super) namespace: String,
    /// The memory that the call takes.
    pub(super) bytes: usize,
}

/// The calls of one worker.
pub(super) struct Calls<W> {
    worker: W,
    names: Vec<String>,
    interface: Value,
    context: ChildWorkerContext,
    parents: Arc<Parents>,
    /// The memory that the running and the waiting calls may take.
    max_bytes: usize,
    /// Begins calls, which run on the user's runtime. The sockets have another.
    starter: Starter,
    load: Mutex<Load>,
    idle: Notify,
}

#[derive(Default)]
struct Load {
    running: usize,
    waiting: VecDeque<Call>,
    /// The memory that the running and the waiting calls take.
    bytes: usize,
    /// A task that runs waiting calls is about to begin.
    is_hired: bool,
    is_closed: bool,
}

impl<W: ChildWorker> Calls<W> {
    pub(super) fn new(
        worker: W,
        context: ChildWorkerContext,
        parents: Arc<Parents>,
        max_bytes: usize,
        runtime: Handle,
    ) -> Arc<Self> {
        let mut names: Vec<String> = worker.list_functions();
        names.retain(|name| !name.starts_with('_') && !name.is_empty());
        names.sort();
        names.dedup();
        let interface = worker.interface().to_value(&names);
        let (load, idle) = (Mutex::default(), Notify::new());
        let starter = Starter::new(runtime);
        Arc::new(Self { worker, names, interface, context, parents, max_bytes, starter, load, idle })
    }

    /// Runs a call as soon as there is room, or refuses it. Every call is answered, except those for ignored namespaces.
    pub(super) fn take(self: &Arc<Self>, call: Call) {
        if call.namespace != self.context.namespace {
            if !self.context.ignores_other_namespaces {
                let refusal = wrong_namespace(&call.namespace, &self.context.namespace);
                self.refuse(&call.parent, call.id, refusal);
            }
            return;
        }
        let mut load = self.load();
        let refusal = if load.is_closed {
            stopping()
        } else if load.running + load.waiting.len() >= self.context.max_pending && !self.has_share(&call.parent) {
            overloaded(self.context.max_pending)
        } else {
            load.bytes += call.bytes;
            call.parent.calls().fetch_add(1, Ordering::Relaxed);
            load.waiting.push_back(call);
            return self.hire(&mut load);
        };
        drop(load);
        self.refuse(&call.parent, call.id, refusal);
    }

    /// Whether a parent has less than an equal part of the calls that may run and wait. It may then call although other parents
    /// have taken more.
    fn has_share(&self, parent: &Outbox) -> bool {
        parent.calls().load(Ordering::Relaxed) < self.context.max_pending / self.parents.count().max(1)
    }

    /// Starts a task that runs waiting calls, unless one is about to begin or there is nothing to run.
    fn hire(self: &Arc<Self>, load: &mut Load) {
        let has_work = !load.waiting.is_empty() && load.running < self.context.max_concurrency;
        if has_work && !load.is_hired {
            load.is_hired = true;
            self.starter.begin(self.clone().run_waiting());
        }
    }

    /// Runs waiting calls, one after the other until one has to wait: another task then runs the next ones, and so does one
    /// on another thread meanwhile. This saves most calls a task.
    async fn run_waiting(self: Arc<Self>) {
        self.load().is_hired = false;
        while let Some(call) = self.begin() {
            let bytes = call.bytes;
            let parent = self.respond(call).await;
            parent.calls().fetch_sub(1, Ordering::Relaxed);
            self.end(bytes);
            // From time to time, other tasks have their turn.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Takes the next waiting call, if it may run.
    fn begin(self: &Arc<Self>) -> Option<Call> {
        let mut load = self.load();
        if load.running >= self.context.max_concurrency {
            return None;
        }
        let call = load.waiting.pop_front()?;
        load.running += 1;
        self.hire(&mut load);
        Some(call)
    }

    fn end(&self, bytes: usize) {
        let mut load = self.load();
        load.running -= 1;
        load.bytes -= bytes;
        if load.is_idle() {
            self.idle.notify_one();
        }
    }

    /// The memory that a new call may take.
    pub(super) fn bytes_left(&self) -> usize {
        self.max_bytes.saturating_sub(self.load().bytes)
    }

    /// Runs a call and sends the answer. Returns its parent.
    async fn respond(&self, call: Call) -> Outbox {
        call.parent.room().await;
        let is_listed = self.names.contains(&call.function);
        let encoded = if is_listed {
            match self.run(&call.function, call.args).await {
                Ok(value) => self.encode(Message::answer(call.id, Body::Response { result: Some(value) })),
                Err(parts) => self.encode_error(call.id, parts),
            }
        } else if INTROSPECTION.contains(&call.function.as_str()) {
            self.encode(self.introspection(call.id))
        } else {
            self.encode(Message::error(call.id, not_callable(&call.function, &self.names)))
        };
        if let Some(bytes) = encoded {
            let others = {
                let load = self.load();
                load.running + load.waiting.len() > 1
            };
            call.parent.send(bytes, Follow::with(others)).await;
        }
        call.parent
    }

    async fn run(&self, function: &str, args: Vec<Value>) -> Result<Value, ErrorParts> {
        match caught(async { self.worker.handle_call(function, args).await }).await {
            Ok(answer) => answer.map_err(|error| *error.0),
            Err(panic) => Err(ErrorParts::new("Panic", format!("{function}() panicked: {}", panic_text(&*panic)))),
        }
    }

    fn introspection(&self, id: String) -> Message {
        let names = self.names.iter().map(|name| Value::from(name.as_str())).collect();
        let answer = Message::answer(id, Body::Response { result: Some(Value::Array(names)) });
        let metadata = Map::from([("interface".to_owned(), self.interface.clone())]);
        Message { metadata: Some(metadata), ..answer }
    }

    /// Encodes an answer. If it exceeds the limits, encodes an error instead.
    fn encode(&self, message: Message) -> Option<Vec<u8>> {
        let bytes = self.context.encode(&message).or_else(|error| {
            let parts = ErrorParts::new("SerializationError", format!("the answer cannot be sent: {error}"));
            self.context.encode(&Message::error(message.id, parts))
        });
        bytes.ok()
    }

    /// Encodes the answer to a call that failed. If its causes and fields exceed the limits, they are left out.
    fn encode_error(&self, id: String, parts: ErrorParts) -> Option<Vec<u8>> {
        match self.context.encode(&Message::error(id.clone(), parts.clone())) {
            Ok(bytes) => Some(bytes),
            Err(_) => self.encode(Message::error(id, parts.without_details())),
        }
    }

    /// Answers a call that does not run. Does not wait: nothing is read from a parent that does not read.
    fn refuse(&self, parent: &Outbox, id: String, refusal: ErrorParts) {
        if let Some(bytes) = self.encode(Message::error(id, refusal)) {
            parent.send_now(bytes, Follow::More);
        }
    }

    /// Answers a call that could not be decoded.
    pub(super) fn refuse_unread(&self, parent: &Outbox, id: String, unread: Unread) {
        let parts = match unread.kind {
            UnreadKind::Overload => out_of_memory(self.max_bytes),
            UnreadKind::Dropped | UnreadKind::Ignored => ErrorParts::new("MalformedMessageError", unread.reason),
        };
        self.refuse(parent, id, parts);
    }

    /// Refuses new calls, and waits until those in flight are answered.
    pub(super) async fn drain(&self) {
        self.load().is_closed = true;
        // There may be an earlier notification.
        while !self.load().is_idle() {
            self.idle.notified().await;
        }
    }

    /// Refuses the calls that have not begun, after the time to drain has passed.
    pub(super) fn abandon(&self) {
        let waiting = std::mem::take(&mut self.load().waiting);
        for call in waiting {
            self.refuse(&call.parent, call.id, stopping());
        }
    }

    /// No code that holds this lock can panic.
    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Load {
    fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

/// Runs a future and catches its panic.
async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
