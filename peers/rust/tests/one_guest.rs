//! The private connection between a parent and the worker that it spawned: nobody else gets in.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream as StdStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use multifrost::codec::{Body, Limits, Message, decode, encode};
use multifrost::{LogEvent, LogLevel, ParentWorker, ParentWorkerBuilder, StructuredLogger, Value, WorkerState, call};
use support::bare::{BarePeer, hello, message};
use support::{Guarded, edge_worker, signal, spawning, started, until};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// A folder for the files of one test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("multifrost-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).expect("it is made");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A worker that begins only when the test says so.
struct HeldWorker {
    folder: Folder,
}

impl HeldWorker {
    /// The command behind `exec` starts the worker.
    fn spawning(exec: &str) -> (Self, ParentWorkerBuilder) {
        let held = Self { folder: Folder::new() };
        let script = format!("env > $0.part && mv $0.part $0; until [ -e $1 ]; do sleep 0.01; done; exec {exec}");
        let builder = ParentWorkerBuilder::spawn("sh")
            .args(["-c".into(), script, text(&held.folder.path("env")), text(&held.folder.path("go"))])
            .default_timeout(Duration::from_secs(10))
            .stdout_handler(|_| {})
            .stderr_handler(|_| {})
            .logger(StructuredLogger::new());
        (held, builder)
    }

    /// What the parent has put into the environment.
    async fn variable(&self, name: &str) -> String {
        let path = self.folder.path("env");
        until("the process runs", || path.exists()).await;
        let environment = std::fs::read_to_string(path).expect("it is written");
        let prefix = format!("{name}=");
        let found = environment.lines().find_map(|line| line.strip_prefix(&prefix));
        found.unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    async fn port(&self) -> u16 {
        self.variable("COMLINK_ZMQ_PORT").await.parse().expect("a port")
    }

    fn release(&self) {
        std::fs::write(self.folder.path("go"), "").expect("it is written");
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("it is text").to_owned()
}

fn worker_with(env: &str) -> String {
    format!("env {env} {}", edge_worker())
}

async fn starting(builder: ParentWorkerBuilder) -> (ParentWorker, JoinHandle<multifrost::Result<()>>) {
    let parent = builder.build().await.expect("it can be built");
    let clone = parent.clone();
    (parent, tokio::spawn(async move { clone.start().await }))
}

async fn check_calls(parent: &ParentWorker) {
    let pid = parent.pid();
    for number in 0..20 {
        let sum: i64 = call!(parent, add(number, 1)).await.expect("a sum");
        assert_eq!(sum, number + 1);
    }
    let answered_by: u32 = call!(parent, pid()).await.expect("a pid");
    assert_eq!(Some(answered_by), pid);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    RawBytes,
    Http,
    Tls,
    Zmtp1,
    HalfGreeting,
    Dealer,
    Router,
    Idle200,
    AnswersHeartbeats,
    ForgesAnswers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    While,
    After,
}

const KINDS: [Kind; 10] = [
    Kind::RawBytes,
    Kind::Http,
    Kind::Tls,
    Kind::Zmtp1,
    Kind::HalfGreeting,
    Kind::Dealer,
    Kind::Router,
    Kind::Idle200,
    Kind::AnswersHeartbeats,
    Kind::ForgesAnswers,
];

/// A stranger at the port. It leaves when this is dropped, or never connects if the port is closed.
struct Stranger {
    _sockets: Vec<StdStream>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Stranger {
    fn connect(port: u16, kind: Kind) -> Self {
        let bytes = match kind {
            Kind::RawBytes => b"hello\n".to_vec(),
            Kind::Http => b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            Kind::Tls => [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &[7; 300]].concat(),
            Kind::Zmtp1 => b"\x01\x00\x06\x00hello".to_vec(),
            Kind::HalfGreeting => hello("ROUTER", None)[..32].to_vec(),
            Kind::Dealer => hello("DEALER", None),
            Kind::Router => hello("ROUTER", None),
            Kind::Idle200 => Vec::new(),
            Kind::AnswersHeartbeats | Kind::ForgesAnswers => {
                let task = StdStream::connect(("127.0.0.1", port)).ok().map(|socket| {
                    socket.set_nonblocking(true).expect("it is connected");
                    let stream = TcpStream::from_std(socket).expect("it is connected");
                    tokio::spawn(answer_everything(stream, kind))
                });
                return Self { _sockets: Vec::new(), task };
            }
        };
        let count = if kind == Kind::Idle200 { 200 } else { 1 };
        let sockets = (0..count).filter_map(|_| {
            let mut socket = StdStream::connect(("127.0.0.1", port)).ok()?;
            // The parent may have closed it already.
            let _ = socket.write_all(&bytes);
            Some(socket)
        });
        Self { _sockets: sockets.collect(), task: None }
    }
}

/// Answers heartbeats as a worker does, or every message with a forged result.
async fn answer_everything(stream: TcpStream, kind: Kind) {
    let mut peer = BarePeer::open(stream, "ROUTER", None).await;
    while let Some(frames) = peer.receive().await {
        let question = decode(&frames[1], &Limits::default()).expect("parents send messages");
        let answer = match kind {
            Kind::AnswersHeartbeats => answer_to(question, None),
            _ => Message::answer(question.id, Body::Response { result: Some(Value::Int(666)) }),
        };
        let frames = [Vec::new(), encode(&answer, &Limits::default()).expect("bytes")];
        // The parent may have closed the connection.
        if tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &message(&frames)).await.is_err() {
            return;
        }
    }
}

/// A heartbeat's answer, with a token.
fn answer_to(question: Message, token: Option<&str>) -> Message {
    let mut metadata = question.metadata.clone().unwrap_or_default();
    metadata.insert("hb_response".to_owned(), Value::Bool(true));
    if let Some(token) = token {
        metadata.insert("token".to_owned(), Value::from(token));
    }
    Message { metadata: Some(metadata), ..question }
}

/// Collects the events that a parent logs.
fn event_recorder() -> (StructuredLogger, Arc<Mutex<Vec<LogEvent>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let into = events.clone();
    let logger = StructuredLogger::new().with_handler(Arc::new(move |entry| {
        into.lock().expect("no panic").push(entry.event);
    }));
    logger.set_log_level(LogLevel::Debug);
    (logger, events)
}

/// A stranger of every kind, at every time.
async fn strangers_change_nothing(when: When, leaves: bool) {
    for kind in KINDS {
        let case = format!("{kind:?} {when:?} {}", if leaves { "leaving" } else { "staying" });
        let (logger, events) = event_recorder();
        let (held, builder) = HeldWorker::spawning(edge_worker());
        let (parent, start) = starting(builder.logger(logger)).await;
        let port = held.port().await;
        let mut strangers = Vec::new();
        let mut attack = || {
            let stranger = Stranger::connect(port, kind);
            if !leaves {
                strangers.push(stranger);
            }
        };
        match when {
            When::Before => {
                attack();
                if leaves {
                    let expected = if kind == Kind::Idle200 { 200 } else { 1 };
                    let refused = || parent.metrics().snapshot().refused_connections == expected;
                    until(&format!("{case}: it is counted"), refused).await;
                }
                held.release();
            }
            When::While => {
                held.release();
                attack();
            }
            When::After => held.release(),
        }
        start.await.expect("no panic").unwrap_or_else(|error| panic!("{case}: {error}"));
        if when == When::After {
            attack();
        }
        check_calls(&parent).await;
        assert_eq!(parent.state(), WorkerState::Running, "{case}");
        let metrics = parent.metrics().snapshot();
        assert_eq!((metrics.restarts, metrics.dropped_messages, metrics.request_metrics.failed), (0, 0, 0), "{case}");
        let unexpected = [LogEvent::SocketDisconnect, LogEvent::WorkerRestart, LogEvent::HeartbeatMissed];
        assert!(!events.lock().expect("no panic").iter().any(|event| unexpected.contains(event)), "{case}");
        // The death of the worker is noticed.
        signal(parent.pid().expect("a process"), "KILL");
        until(&format!("{case}: it has failed"), || parent.state() == WorkerState::Failed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_connect_before_the_worker_and_stay_change_nothing() {
    strangers_change_nothing(When::Before, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_connect_before_the_worker_and_leave_change_nothing() {
    strangers_change_nothing(When::Before, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_connect_while_the_worker_does_and_stay_change_nothing() {
    strangers_change_nothing(When::While, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_connect_while_the_worker_does_and_leave_change_nothing() {
    strangers_change_nothing(When::While, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_connect_after_the_worker_and_stay_change_nothing() {
    strangers_change_nothing(When::After, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_connect_after_the_worker_and_leave_change_nothing() {
    strangers_change_nothing(When::After, true).await;
}

/// Strangers of every kind, which come again as soon as they are closed. They are another process.
struct Flood {
    process: Guarded,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Flood {
    /// Returns when each has said what it has to say.
    async fn start(held: &HeldWorker) -> Self {
        let endpoints = format!("tcp://127.0.0.1:{},{}", held.port().await, held.variable("MULTIFROST_ENDPOINT").await);
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../interop/strangers.mjs");
        let mut command = Command::new("node");
        command.args([program, &endpoints, "all", "--both", "--again"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process: Child = command.spawn().expect("node runs");
        let stdout = process.stdout.take().expect("it is piped");
        let process = Guarded(process);
        let waiting = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(stdout).lines();
            assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")), "they have ended");
            lines
        });
        Self { process, lines: waiting.await.expect("they are ready") }
    }

    /// Ends them, and checks that they were there and got no call.
    fn end(mut self) {
        drop(self.process.0.stdin.take());
        let seen = self.lines.last().expect("a line").expect("it is text");
        assert!(seen.ends_with(r#","calls":0}"#) && !seen.contains(r#""connections":0,"#), "{seen}");
    }
}

/// A worker with this environment gets through them, and its death is noticed.
async fn gets_through_a_flood(env: &str) {
    let (held, builder) = HeldWorker::spawning(&worker_with(env));
    let (parent, start) = starting(builder).await;
    let flood = Flood::start(&held).await;
    held.release();
    start.await.expect("no panic").expect("it starts");
    check_calls(&parent).await;
    signal(parent.pid().expect("a process"), "KILL");
    until("it has failed", || parent.state() == WorkerState::Failed).await;
    flood.end();
}

#[tokio::test]
async fn a_worker_gets_through_strangers_that_come_again_and_again() {
    gets_through_a_flood("").await;
}

#[tokio::test]
async fn a_worker_that_knows_only_the_port_gets_through_strangers_that_come_again_and_again() {
    gets_through_a_flood("-u MULTIFROST_ENDPOINT -u MULTIFROST_TOKEN").await;
}

#[tokio::test]
async fn the_private_socket_is_in_a_folder_of_this_user_and_is_gone_once_the_worker_is_there() {
    let (held, builder) = HeldWorker::spawning(edge_worker());
    let (parent, start) = starting(builder).await;
    let endpoint = held.variable("MULTIFROST_ENDPOINT").await;
    let path = PathBuf::from(endpoint.strip_prefix("ipc://").expect("a Unix socket"));
    let folder = path.parent().expect("a folder");
    let mode = std::fs::metadata(folder).expect("it exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let token = held.variable("MULTIFROST_TOKEN").await;
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    held.release();
    start.await.expect("no panic").expect("it starts");
    until("the folder is gone", || !folder.exists()).await;
    assert!(StdStream::connect(("127.0.0.1", held.port().await)).is_err(), "the port is open");
    parent.stop().await;
}

#[tokio::test]
async fn a_worker_that_knows_only_the_port_is_accepted() {
    for env in ["-u MULTIFROST_ENDPOINT -u MULTIFROST_TOKEN", "-u MULTIFROST_ENDPOINT"] {
        let (held, builder) = HeldWorker::spawning(&worker_with(env));
        held.release();
        let parent = started(builder).await;
        check_calls(&parent).await;
        assert_eq!(parent.metrics().snapshot().refused_connections, 0);
        parent.stop().await;
    }
}

#[tokio::test]
async fn a_worker_that_knows_only_the_port_may_be_started_by_a_script() {
    let (held, builder) = HeldWorker::spawning("true");
    drop(held);
    let script = format!("env -u MULTIFROST_ENDPOINT -u MULTIFROST_TOKEN {} & wait", edge_worker());
    let parent = started(builder.args(["-c", &script])).await;
    let sum: i64 = call!(parent, add(1, 2)).await.expect("a sum");
    assert_eq!(sum, 3);
    parent.stop().await;
}

#[tokio::test]
async fn a_token_in_the_answer_to_a_heartbeat_is_a_proof_and_a_wrong_one_is_refused() {
    let (held, builder) = HeldWorker::spawning("true");
    let (parent, start) = starting(builder.heartbeat_interval(0.0)).await;
    let (port, token) = (held.port().await, held.variable("MULTIFROST_TOKEN").await);
    for is_right in [false, true] {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
        let mut peer = BarePeer::open(stream, "ROUTER", None).await;
        let frames = peer.receive().await.expect("a heartbeat");
        let question = decode(&frames[1], &Limits::default()).expect("a message");
        let answer = answer_to(question, Some(if is_right { &token } else { "0123" }));
        peer.send(&[Vec::new(), encode(&answer, &Limits::default()).expect("bytes")]).await;
        if is_right {
            start.await.expect("no panic").expect("it starts");
            break;
        }
        let (flags, refusal) = peer.frame().await.expect("a command");
        assert!(flags == 4 && refusal.starts_with(b"\x05ERROR"), "{refusal:?}");
        assert!(peer.frame().await.is_none());
    }
    assert_eq!(parent.metrics().snapshot().refused_connections, 1);
    parent.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_asked_for_a_proof_stays_while_others_say_nothing() {
    let (held, builder) = HeldWorker::spawning("true");
    let (parent, start) = starting(builder.heartbeat_interval(0.0)).await;
    let (port, token) = (held.port().await, held.variable("MULTIFROST_TOKEN").await);
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let mut peer = BarePeer::open(stream, "ROUTER", None).await;
    let question = peer.receive().await.expect("a heartbeat");
    let idle: Vec<_> = (0..300).map(|_| StdStream::connect(("127.0.0.1", port)).expect("it listens")).collect();
    let some_are_closed = || parent.metrics().snapshot().refused_connections >= 40;
    until("the oldest of them are closed", some_are_closed).await;
    let question = decode(&question[1], &Limits::default()).expect("a message");
    let answer = encode(&answer_to(question, Some(&token)), &Limits::default()).expect("bytes");
    peer.send(&[Vec::new(), answer]).await;
    start.await.expect("no panic").expect("it starts");
    drop(idle);
    parent.stop().await;
}

#[tokio::test]
async fn a_wrong_token_and_an_echo_are_refused() {
    let (held, builder) = HeldWorker::spawning(edge_worker());
    let (parent, start) = starting(builder).await;
    let port = held.port().await;
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let mut peer = BarePeer::open(stream, "ROUTER", Some(("X-Token", "0123"))).await;
    assert!(peer.receive().await.is_none());
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let mut echo = BarePeer::open(stream, "ROUTER", None).await;
    let question = echo.receive().await.expect("a heartbeat");
    echo.send(&question).await;
    held.release();
    start.await.expect("no panic").expect("it starts");
    assert!(echo.receive().await.is_none(), "it gets a call");
    until("both are counted", || parent.metrics().snapshot().refused_connections == 2).await;
    parent.stop().await;
}

/// Listens on a Unix socket as a parent does, and starts a worker there.
async fn private_worker(folder: &Folder) -> (Guarded, UnixListener, UnixStream) {
    let path = folder.path("s");
    let listener = UnixListener::bind(&path).expect("it listens");
    let endpoint = format!("ipc://{}", text(&path));
    let parent = [("COMLINK_ZMQ_PORT", "1024"), ("MULTIFROST_ENDPOINT", &endpoint), ("MULTIFROST_TOKEN", "secret")];
    let worker = Guarded::edge_worker(&parent);
    let accepted = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await;
    let (stream, _) = accepted.expect("nothing connected within 10 s").expect("a worker");
    (worker, listener, stream)
}

#[tokio::test]
async fn a_worker_brings_its_token_to_the_private_socket_and_ends_with_that_connection() {
    let folder = Folder::new();
    let (mut worker, _listener, stream) = private_worker(&folder).await;
    let peer = BarePeer::open(stream, "DEALER", None).await;
    let property = b"\x07X-Token\0\0\0\x06secret";
    assert!(peer.ready.windows(property.len()).any(|part| part == property), "{:?}", peer.ready);
    drop(peer);
    assert_eq!(worker.ended().await, Some(1));
}

/// The next connection to a listener.
async fn accepted(listener: &TcpListener) -> TcpStream {
    let accepted = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await;
    accepted.expect("nothing connected within 10 s").expect("a worker").0
}

#[tokio::test]
async fn a_worker_that_knows_only_the_port_tries_on_while_its_parent_listens_until_its_first_call() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port().to_string();
    let mut worker = Guarded::edge_worker(&[("COMLINK_ZMQ_PORT", &port)]);
    let stream = accepted(&listener).await;
    drop(BarePeer::open(stream, "DEALER", None).await);
    // Longer than it tries once it was called.
    let until = tokio::time::Instant::now() + Duration::from_millis(1500);
    while tokio::time::Instant::now() < until {
        accepted(&listener).await;
    }
    let stream = accepted(&listener).await;
    let mut peer = BarePeer::open(stream, "DEALER", None).await;
    let (function, namespace) = ("pid".to_owned(), "default".to_owned());
    let call = Message::new(Body::Call { function, args: Vec::new(), namespace, client_name: None });
    peer.send(&[Vec::new(), encode(&call, &Limits::default()).expect("bytes")]).await;
    loop {
        let frames = peer.receive().await.expect("it is connected");
        let message = decode(&frames[1], &Limits::default()).expect("a message");
        if let Body::Response { result } = message.body {
            assert_eq!(result, Some(Value::from(i64::from(worker.0.id()))));
            break;
        }
    }
    drop((peer, listener));
    assert_eq!(worker.ended().await, Some(1));
}

#[tokio::test]
async fn processes_that_a_worker_starts_do_not_know_the_parent() {
    let parent = started(spawning()).await;
    let environment: String = call!(parent, environment()).await.expect("an environment");
    assert!(environment.contains("PATH="), "{environment}");
    for name in ["COMLINK_ZMQ_PORT", "COMLINK_WORKER_MODE", "MULTIFROST_ENDPOINT", "MULTIFROST_TOKEN"] {
        assert!(!environment.contains(name), "{environment}");
    }
    parent.stop().await;
}

#[tokio::test]
async fn a_second_worker_of_one_process_is_refused_by_name() {
    // The first one may have connected when the second ends the process.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port().to_string();
    let mut worker = Guarded::edge_worker(&[("COMLINK_ZMQ_PORT", &port), ("EDGE_SECOND", "1")]);
    assert_eq!(worker.ended().await, Some(1));
    let stderr = std::io::read_to_string(worker.0.stderr.take().expect("it is piped")).expect("text");
    assert!(stderr.contains("a process has one"), "{stderr}");
}

#[tokio::test]
async fn the_variables_of_a_parents_own_parent_do_not_reach_its_worker() {
    let (held, builder) = HeldWorker::spawning(edge_worker());
    let (parent, start) = starting(builder.env("MULTIFROST_TOKEN", "0123")).await;
    assert_ne!(held.variable("MULTIFROST_TOKEN").await, "0123");
    held.release();
    start.await.expect("no panic").expect("it starts");
    parent.stop().await;
}
