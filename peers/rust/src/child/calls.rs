//! Runs the calls of a worker.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::context::ChildWorkerContext;
use super::refusals::{not_callable, out_of_memory, overloaded, stopping, wrong_namespace};
use super::worker::ChildWorker;
use crate::codec::{Body, ErrorParts, Message, Unread, UnreadKind, encode};
use crate::value::{Map, Value};
use crate::zmtp::Outbox;

/// The name of introspection in each implementation.
const INTROSPECTION: [&str; 3] = ["listFunctions", "list_functions", "ListFunctions"];

/// The memory that calls of all parents may take together while they run and wait, in bytes.
const MAX_BYTES: usize = 512 * 1024 * 1024;

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
    /// The user's runtime, where methods run. The socket has another.
    runtime: Handle,
    load: Mutex<Load>,
    idle: Notify,
}

#[derive(Default)]
struct Load {
    running: usize,
    waiting: VecDeque<Call>,
    /// The memory that the running and the waiting calls take.
    bytes: usize,
    is_closed: bool,
}

/// What happens to a new call.
enum Admission {
    Run(Call),
    Nothing,
    Refuse(Call, ErrorParts),
}

impl<W: ChildWorker> Calls<W> {
    pub(super) fn new(worker: W, context: ChildWorkerContext, runtime: Handle) -> Arc<Self> {
        let mut names: Vec<String> = worker.list_functions();
        names.retain(|name| !name.starts_with('_') && !name.is_empty());
        names.sort();
        names.dedup();
        let interface = worker.interface().to_value(&names);
        let (load, idle) = (Mutex::default(), Notify::new());
        Arc::new(Self { worker, names, interface, context, runtime, load, idle })
    }

    /// Runs a call, queues it, or refuses it. Every call is answered, except those for ignored namespaces.
    pub(super) fn take(self: &Arc<Self>, call: Call) {
        match self.admit(call) {
            Admission::Run(call) => self.spawn(call),
            Admission::Nothing => {}
            Admission::Refuse(call, refusal) => {
                let calls = self.clone();
                self.runtime.spawn(async move { calls.answer(call.parent, call.id, Err(refusal)).await });
            }
        }
    }

    fn admit(&self, call: Call) -> Admission {
        let mut load = self.load();
        if call.namespace != self.context.namespace {
            if self.context.ignores_other_namespaces {
                return Admission::Nothing;
            }
            let refusal = wrong_namespace(&call.namespace, &self.context.namespace);
            Admission::Refuse(call, refusal)
        } else if load.is_closed {
            Admission::Refuse(call, stopping())
        } else if load.running + load.waiting.len() >= self.context.max_pending {
            Admission::Refuse(call, overloaded(self.context.max_pending))
        } else if load.running < self.context.max_concurrency {
            load.running += 1;
            load.bytes += call.bytes;
            Admission::Run(call)
        } else {
            load.bytes += call.bytes;
            load.waiting.push_back(call);
            Admission::Nothing
        }
    }

    fn spawn(self: &Arc<Self>, call: Call) {
        let calls = self.clone();
        self.runtime.spawn(async move {
            let mut next = Some(call);
            while let Some(call) = next {
                let bytes = call.bytes;
                calls.respond(call).await;
                next = calls.next(bytes);
            }
        });
    }

    async fn respond(&self, call: Call) {
        let is_listed = self.names.contains(&call.function);
        if INTROSPECTION.contains(&call.function.as_str()) && !is_listed {
            return self.answer_introspection(call.parent, call.id).await;
        }
        let answer = if is_listed {
            self.run(&call.function, call.args).await
        } else {
            Err(not_callable(&call.function, &self.names))
        };
        self.answer(call.parent, call.id, answer).await;
    }

    /// The number of running calls.
    pub(super) fn running(&self) -> usize {
        self.load().running
    }

    /// The memory that a new call may take.
    pub(super) fn bytes_left(&self) -> usize {
        MAX_BYTES.saturating_sub(self.load().bytes)
    }

    /// Takes the next waiting call in place of one that has ended and took this memory.
    fn next(&self, bytes: usize) -> Option<Call> {
        let mut load = self.load();
        load.bytes -= bytes;
        let next = load.waiting.pop_front();
        if next.is_none() {
            load.running -= 1;
            if load.running == 0 {
                self.idle.notify_one();
            }
        }
        next
    }

    async fn run(&self, function: &str, args: Vec<Value>) -> Result<Value, ErrorParts> {
        match caught(async { self.worker.handle_call(function, args).await }).await {
            Ok(answer) => answer.map_err(|error| error.0),
            Err(panic) => Err(ErrorParts::new("Panic", format!("{function}() panicked: {}", panic_text(&*panic)))),
        }
    }

    async fn answer(&self, parent: Outbox, id: String, answer: Result<Value, ErrorParts>) {
        let message = match answer {
            Ok(value) => Message::answer(id, Body::Response { result: Some(value) }),
            Err(parts) => Message::error(id, parts),
        };
        self.send(parent, message).await;
    }

    async fn answer_introspection(&self, parent: Outbox, id: String) {
        let names = self.names.iter().map(|name| Value::from(name.as_str())).collect();
        let answer = Message::answer(id, Body::Response { result: Some(Value::Array(names)) });
        let metadata = Map::from([("interface".to_owned(), self.interface.clone())]);
        self.send(parent, Message { metadata: Some(metadata), ..answer }).await;
    }

    /// Sends an answer. If it exceeds the limits, sends an error instead.
    async fn send(&self, parent: Outbox, message: Message) {
        let bytes = encode(&message, &self.context.limits).or_else(|error| {
            let parts = ErrorParts::new("SerializationError", format!("the answer cannot be sent: {error}"));
            encode(&Message::error(message.id, parts), &self.context.limits)
        });
        if let Ok(bytes) = bytes {
            parent.send(bytes, self.running() > 1).await;
        }
    }

    /// Answers a call that could not be decoded.
    pub(super) fn refuse_unread(self: &Arc<Self>, parent: Outbox, id: String, unread: Unread) {
        let calls = self.clone();
        let parts = match unread.kind {
            UnreadKind::Overload => out_of_memory(MAX_BYTES),
            UnreadKind::Dropped | UnreadKind::Ignored => ErrorParts::new("MalformedMessageError", unread.reason),
        };
        self.runtime.spawn(async move { calls.answer(parent, id, Err(parts)).await });
    }

    /// Refuses new calls, and waits until those in flight are answered.
    pub(super) async fn drain(&self) {
        self.load().is_closed = true;
        // There may be an earlier notification.
        while self.load().running > 0 {
            self.idle.notified().await;
        }
    }

    /// Refuses the calls that have not begun, after the time to drain has passed.
    pub(super) async fn abandon(&self) {
        let waiting = std::mem::take(&mut self.load().waiting);
        for call in waiting {
            self.load().bytes -= call.bytes;
            self.answer(call.parent, call.id, Err(stopping())).await;
        }
    }

    /// No code that holds this lock can panic.
    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
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
