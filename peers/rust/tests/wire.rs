//! Parents and workers against bare sockets: other programs, garbage, and messages of older implementations.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use multifrost::codec::{Body, Limits, Message, decode, encode};
use multifrost::{Error, Map, ParentWorkerBuilder, ServiceRegistry, StructuredLogger, Value, call};
use support::bare::{BarePeer, announcement, hello};
use support::{Guarded, edge_worker, is_running, signal, started, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A parent that is a bare socket.
struct BareParent {
    listener: TcpListener,
    port: u16,
    peer: Option<BarePeer>,
}

impl BareParent {
    async fn bind() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        Self { listener, port, peer: None }
    }

    /// Starts a worker that knows only the port, and waits for its first message, which is `ready`.
    async fn spawn(&mut self) -> Guarded {
        let worker = Guarded::edge_worker(&[("COMLINK_ZMQ_PORT", &self.port.to_string())]);
        self.accept().await;
        worker
    }

    async fn accept(&mut self) {
        let (stream, _) = self.listener.accept().await.expect("a worker");
        self.peer = Some(BarePeer::open(stream, "DEALER", None).await);
        assert_eq!(self.receive().await.body, Body::Ready);
    }

    fn peer(&mut self) -> &mut BarePeer {
        self.peer.as_mut().expect("a worker is connected")
    }

    async fn send(&mut self, message: &Message) {
        self.send_frames(vec![Vec::new(), encode(message, &Limits::default()).expect("it can be written")]).await;
    }

    async fn send_frames(&mut self, frames: Vec<Vec<u8>>) {
        self.peer().send(&frames).await;
    }

    /// The next message, except lines of stderr.
    async fn receive(&mut self) -> Message {
        loop {
            let message = self.receive_any().await;
            if !matches!(message.body, Body::Stderr { .. }) {
                return message;
            }
        }
    }

    async fn receive_any(&mut self) -> Message {
        let received = tokio::time::timeout(Duration::from_secs(10), self.peer().receive()).await;
        let frames = received.expect("nothing came within 10 s").expect("it is connected");
        assert!(frames.len() == 2 && frames[0].is_empty(), "{frames:?}");
        decode(&frames[1], &Limits::default()).expect("a message")
    }

    async fn add(&mut self) -> Value {
        let call = call_message("add", vec![Value::Int(1), Value::Int(2)]);
        self.send(&call).await;
        let answer = self.receive().await;
        assert_eq!(answer.id, call.id);
        let Body::Response { result: Some(result) } = answer.body else { panic!("{answer:?}") };
        result
    }
}

fn call_message(function: &str, args: Vec<Value>) -> Message {
    let (function, namespace) = (function.to_owned(), "default".to_owned());
    Message::new(Body::Call { function, args, namespace, client_name: Some("bare".to_owned()) })
}

#[tokio::test]
async fn a_worker_survives_garbage_and_answers_what_it_can() {
    let mut parent = BareParent::bind().await;
    let mut worker = parent.spawn().await;
    let good = encode(&call_message("add", vec![Value::Int(1), Value::Int(2)]), &Limits::default()).expect("bytes");
    parent.send_frames(vec![b"only one frame".to_vec()]).await;
    parent.send_frames(vec![b"not empty".to_vec(), good.clone()]).await;
    for payload in [&b""[..], b"\xc1", b"\x80", b"not a message", &[0x91; 5000], &[0xdd, 0xff, 0xff, 0xff, 0xff]] {
        parent.send_frames(vec![Vec::new(), payload.to_vec()]).await;
    }
    let other_app: Vec<u8> = replaced(&good, b"comlink_ipc_v3", b"comlink_ipc_v9");
    parent.send_frames(vec![Vec::new(), other_app]).await;
    parent.send(&Message::answer(String::new(), Body::Heartbeat { args: None })).await;
    parent.send(&Message::answer(String::new(), call_message("add", vec![]).body)).await;
    assert_eq!(parent.add().await, Value::Int(3), "the first answer");

    // The id precedes the fault.
    let call = call_message("add", vec![Value::Int(1), Value::Int(2)]);
    let mut broken = encode(&call, &Limits::default()).expect("bytes");
    broken.pop();
    parent.send_frames(vec![Vec::new(), broken]).await;
    let answer = parent.receive().await;
    assert!(answer.id == call.id && matches!(answer.body, Body::Error { .. }), "{answer:?}");

    // Frames after the payload are ignored.
    parent.send_frames(vec![Vec::new(), good, b"more".to_vec()]).await;
    assert!(matches!(parent.receive().await.body, Body::Response { result: Some(Value::Int(3)) }));

    parent.send(&Message::new(Body::Shutdown)).await;
    assert_eq!(worker.ended().await, Some(0));
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[tokio::test]
async fn a_heartbeat_comes_back_with_its_id_args_and_metadata() {
    let mut parent = BareParent::bind().await;
    let _worker = parent.spawn().await;
    let metadata = Map::from([("hb_timestamp".to_owned(), Value::Float(1.5)), ("mine".to_owned(), Value::Int(7))]);
    let heartbeat = Message::new(Body::Heartbeat { args: Some(vec![Value::Int(12345)]) });
    let heartbeat = Message { metadata: Some(metadata.clone()), ..heartbeat };
    parent.send(&heartbeat).await;
    let answer = parent.receive().await;
    assert_eq!((&answer.id, &answer.body), (&heartbeat.id, &heartbeat.body));
    let mut expected = metadata;
    expected.insert("hb_response".to_owned(), Value::Bool(true));
    assert_eq!(answer.metadata, Some(expected));
    // The answer to a heartbeat is not answered. The next message answers the call.
    parent.send(&answer).await;
    assert_eq!(parent.add().await, Value::Int(3));
}

#[tokio::test]
async fn every_name_of_introspection_is_answered() {
    let mut parent = BareParent::bind().await;
    let _worker = parent.spawn().await;
    for name in ["listFunctions", "list_functions", "ListFunctions"] {
        parent.send(&call_message(name, vec![])).await;
        let answer = parent.receive().await;
        let Body::Response { result: Some(Value::Array(names)) } = answer.body else { panic!("{answer:?}") };
        assert!(names.contains(&Value::from("add")));
        assert!(answer.metadata.is_some_and(|metadata| metadata.contains_key("interface")));
    }
}

#[tokio::test]
async fn a_worker_ends_soon_after_its_parent_even_by_sigkill() {
    // The parent process is a shell. The socket belongs to this test and stays open.
    let mut parent = BareParent::bind().await;
    let script = "\"$0\" & wait";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(edge_worker()).env("COMLINK_ZMQ_PORT", parent.port.to_string());
    let mut shell = Guarded(command.stdout(std::process::Stdio::null()).spawn().expect("it starts"));
    parent.accept().await;
    let call = call_message("pid", vec![]);
    parent.send(&call).await;
    let Body::Response { result: Some(Value::Int(pid)) } = parent.receive().await.body else { panic!("no pid") };
    // The worker computes meanwhile.
    parent.send(&call_message("busy", vec![Value::Int(20_000)])).await;
    let begun = Instant::now();
    shell.0.kill().expect("it is ours");
    until("the worker is gone", || !is_running(pid as u32)).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
    shell.ended().await;
}

#[tokio::test]
async fn a_worker_ends_soon_after_it_lost_its_connection() {
    let mut parent = BareParent::bind().await;
    let mut worker = parent.spawn().await;
    let begun = Instant::now();
    drop(parent);
    assert_eq!(worker.ended().await, Some(1));
    assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
}

/// A worker that is a bare socket. It answers calls with the messages that `answer` returns, and heartbeats correctly.
struct BareWorker {
    registry: ServiceRegistry,
    directory: std::path::PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl BareWorker {
    async fn serve(answer: impl Fn(Message) -> Vec<Vec<Vec<u8>>> + Send + 'static) -> Self {
        Self::with_beats(answered, answer).await
    }

    /// Answers heartbeats with the message that `beat` returns.
    async fn with_beats(
        beat: impl Fn(Message) -> Message + Send + 'static,
        answer: impl Fn(Message) -> Vec<Vec<Vec<u8>>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let directory = std::env::temp_dir().join(format!("multifrost-{}", uuid::Uuid::new_v4()));
        let registry = ServiceRegistry::at(directory.clone());
        registry.register("bare", port).expect("registered");
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a parent");
            let mut parent = BarePeer::open(stream, "ROUTER", None).await;
            while let Some(frames) = parent.receive().await {
                let message = decode(&frames[1], &Limits::default()).expect("parents send messages");
                let answers = match message.body {
                    Body::Heartbeat { .. } => {
                        vec![vec![Vec::new(), encode(&beat(message), &Limits::default()).expect("bytes")]]
                    }
                    _ => answer(message),
                };
                for answer in answers {
                    parent.send(&answer).await;
                }
            }
        });
        Self { registry, directory, task }
    }

    fn builder(&self) -> ParentWorkerBuilder {
        ParentWorkerBuilder::connect("bare", None).registry(self.registry.clone())
    }

    async fn parent(&self) -> multifrost::ParentWorker {
        let builder = self.builder();
        started(builder.default_timeout(Duration::from_secs(10)).logger(StructuredLogger::new())).await
    }
}

impl Drop for BareWorker {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn answered(beat: Message) -> Message {
    let metadata = Map::from([("hb_response".to_owned(), Value::Bool(true))]);
    Message { metadata: Some(metadata), ..beat }
}

fn bytes_of(message: &Message) -> Vec<u8> {
    encode(message, &Limits::default()).expect("bytes")
}

#[tokio::test]
async fn a_parent_survives_garbage_and_counts_it() {
    let worker = BareWorker::serve(|message| {
        let answer = bytes_of(&Message::answer(message.id, Body::Response { result: Some(Value::Int(7)) }));
        vec![
            vec![b"one frame".to_vec()],
            vec![b"not empty".to_vec(), answer.clone()],
            vec![Vec::new(), b"\xc1".to_vec()],
            vec![Vec::new(), vec![0x91; 5000]],
            vec![Vec::new(), replaced(&answer, b"comlink_ipc_v3", b"comlink_ipc_v9")],
            vec![Vec::new(), bytes_of(&Message::new(Body::Response { result: None }))],
            vec![Vec::new(), answer.clone(), b"more".to_vec()],
            vec![Vec::new(), answer],
        ]
    })
    .await;
    let parent = worker.parent().await;
    let seven: i64 = call!(parent, anything()).await.expect("an answer");
    let again: i64 = call!(parent, anything()).await.expect("an answer");
    assert_eq!((seven, again), (7, 7));
    assert!(parent.metrics().snapshot().dropped_messages >= 4);
    parent.stop().await;
}

#[tokio::test]
async fn answers_to_heartbeats_without_metadata_are_accepted_as_older_javascript_sends_them() {
    let seven = |message: Message| {
        vec![vec![Vec::new(), bytes_of(&Message::answer(message.id, Body::Response { result: Some(Value::Int(7)) }))]]
    };
    let worker = BareWorker::with_beats(|beat| Message { metadata: None, ..beat }, seven).await;
    let parent = worker.parent().await;
    let answer: i64 = call!(parent, anything()).await.expect("an answer");
    assert_eq!(answer, 7);
    parent.stop().await;
}

#[tokio::test]
async fn a_server_that_sends_everything_back_is_no_worker() {
    let echo = BareWorker::with_beats(|beat| beat, |message| vec![vec![Vec::new(), bytes_of(&message)]]).await;
    let builder = echo.builder().start_timeout(Duration::from_millis(500)).logger(StructuredLogger::new());
    let parent = builder.build().await.expect("it is registered");
    assert_eq!(parent.start().await.expect_err("an echo is no answer").code(), "UNREACHABLE");
    parent.stop().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_fails_its_call_at_once() {
    let worker = BareWorker::serve(|message| {
        let mut answer = bytes_of(&Message::answer(message.id, Body::Response { result: Some(Value::from("text")) }));
        answer.pop();
        vec![vec![Vec::new(), answer]]
    })
    .await;
    let parent = worker.parent().await;
    let outcome: multifrost::Result<Value> = call!(parent, anything()).await;
    assert_eq!(outcome.expect_err("unreadable").code(), "MALFORMED_MESSAGE");
    parent.stop().await;
}

#[tokio::test]
async fn a_python_traceback_is_taken_apart() {
    let worker = BareWorker::serve(|message| {
        let error = "ValueError: no\nTraceback (most recent call last):\n  File \"x\"".to_owned();
        vec![vec![Vec::new(), bytes_of(&Message::answer(message.id, Body::Error { error }))]]
    })
    .await;
    let parent = worker.parent().await;
    let outcome: multifrost::Result<Value> = call!(parent, anything()).await;
    let Err(Error::Remote(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.name.as_str(), error.message.as_str()), ("ValueError", "no"));
    assert!(error.stack.is_some_and(|stack| stack.starts_with("Traceback")));
    parent.stop().await;
}

#[tokio::test]
async fn a_service_that_announces_a_huge_frame_is_disconnected() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let directory = std::env::temp_dir().join(format!("multifrost-{}", uuid::Uuid::new_v4()));
    let registry = ServiceRegistry::at(directory.clone());
    registry.register("hostile", port).expect("registered");
    let hostile = tokio::spawn(async move {
        let (mut caller, _) = listener.accept().await.expect("a parent");
        caller.write_all(&[hello("ROUTER", None), announcement(1 << 36)].concat()).await.expect("written");
        // Until it is disconnected.
        let _ = caller.read_to_end(&mut Vec::new()).await;
    });
    let parent = ParentWorkerBuilder::connect("hostile", None)
        .start_timeout(Duration::from_secs(2))
        .registry(registry)
        .logger(StructuredLogger::new());
    let parent = parent.build().await.expect("it is registered");
    assert!(parent.start().await.is_err());
    parent.stop().await;
    hostile.await.expect("it was disconnected");
    let _ = std::fs::remove_dir_all(directory);
}

#[tokio::test]
async fn strangers_at_the_port_of_a_service_have_no_effect() {
    let home = std::env::temp_dir().join(format!("multifrost-{}", uuid::Uuid::new_v4()));
    let service = Guarded::edge_worker(&[("EDGE_SERVICE", "edge"), ("HOME", home.to_str().expect("text"))]);
    let registry = ServiceRegistry::at(home.join(".multifrost"));
    let entry = registry.discover("edge", Duration::from_secs(10)).await.expect("it registers");
    for garbage in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), [hello("DEALER", None), vec![4, 3, 9, b'x', b'y']].concat()] {
        let mut stranger = TcpStream::connect(("127.0.0.1", entry.port)).expect("it is bound");
        stranger.write_all(&garbage).expect("written");
    }
    for length in [1 << 36, 1 << 50, u64::MAX] {
        let mut stranger = TcpStream::connect(("127.0.0.1", entry.port)).expect("it is bound");
        stranger.write_all(&[hello("DEALER", None), announcement(length)].concat()).expect("written");
        stranger.set_read_timeout(Some(Duration::from_secs(10))).expect("an option");
        let error = stranger.read_to_end(&mut Vec::new()).err();
        assert!(error.is_none_or(|error| error.kind() == std::io::ErrorKind::ConnectionReset), "it is disconnected");
    }
    let caller = ParentWorkerBuilder::connect("edge", None).registry(registry).logger(StructuredLogger::new());
    let caller = started(caller).await;
    let sum: i64 = call!(caller, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    caller.stop().await;
    signal(service.0.id(), "TERM");
    let _ = std::fs::remove_dir_all(home);
}
