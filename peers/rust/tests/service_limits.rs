//! What one parent of a service may do costs the others little: its shutdown is refused, and its messages take bounded memory.

mod support;

use std::time::Duration;

use multifrost::codec::{Body, Limits, Message, decode, encode};
use multifrost::{ParentWorkerBuilder, ServiceRegistry, StructuredLogger, Value, call};
use support::bare::{BarePeer, announcement, message};
use support::{Guarded, started};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const MIB: usize = 1024 * 1024;

/// A service in a separate process.
struct Service {
    process: Guarded,
    registry: ServiceRegistry,
    home: std::path::PathBuf,
    port: u16,
}

impl Service {
    async fn start(env: &[(&str, &str)]) -> Self {
        let home = std::env::temp_dir().join(format!("multifrost-{}", uuid::Uuid::new_v4()));
        let own = [("EDGE_SERVICE", "edge"), ("HOME", home.to_str().expect("text"))];
        let process = Guarded::edge_worker(&[&own, env].concat());
        let registry = ServiceRegistry::at(home.join(".multifrost"));
        let port = registry.discover("edge", Duration::from_secs(10)).await.expect("it registers").port;
        Self { process, registry, home, port }
    }

    async fn peer(&self) -> BarePeer {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("it listens");
        BarePeer::open(stream, "DEALER", None).await
    }

    /// Another parent's call is answered.
    async fn check(&self) {
        let parent = ParentWorkerBuilder::connect("edge", None).registry(self.registry.clone());
        let parent = started(parent.default_timeout(Duration::from_secs(10)).logger(StructuredLogger::new())).await;
        let sum: i64 = call!(parent, add(1, 2)).await.expect("a sum");
        assert_eq!(sum, 3);
        parent.stop().await;
    }

    /// The most memory that the process has had, in bytes.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).expect("our own process");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("on Linux");
        let kib: usize = peak.trim().strip_suffix(" kB").expect("a unit").parse().expect("a number");
        kib * 1024
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

fn call_of(function: &str, args: Vec<Value>) -> Vec<u8> {
    let (function, namespace) = (function.to_owned(), "default".to_owned());
    let call = Message::new(Body::Call { function, args, namespace, client_name: None });
    encode(&call, &Limits::default()).expect("bytes")
}

/// The next message, except lines of stderr.
async fn answer(peer: &mut BarePeer) -> Message {
    loop {
        let received = tokio::time::timeout(Duration::from_secs(30), peer.receive()).await;
        let frames = received.expect("nothing came within 30 s").expect("it is connected");
        let message = decode(&frames[1], &Limits::default()).expect("a message");
        if !matches!(message.body, Body::Stderr { .. }) {
            return message;
        }
    }
}

#[tokio::test]
async fn a_parents_shutdown_ends_a_service_only_if_that_is_allowed() {
    let shutdown = encode(&Message::new(Body::Shutdown), &Limits::default()).expect("bytes");
    let service = Service::start(&[]).await;
    let mut peer = service.peer().await;
    peer.send(&[Vec::new(), shutdown.clone()]).await;
    peer.send(&[Vec::new(), call_of("add", vec![Value::Int(1), Value::Int(2)])]).await;
    assert!(matches!(answer(&mut peer).await.body, Body::Response { .. }));
    service.check().await;

    let mut service = Service::start(&[("EDGE_REMOTE_SHUTDOWN", "1")]).await;
    let mut peer = service.peer().await;
    peer.send(&[Vec::new(), shutdown]).await;
    assert_eq!(service.process.ended().await, Some(0));
}

#[tokio::test]
async fn a_million_tiny_frames_take_little_memory() {
    let service = Service::start(&[]).await;
    let mut peer = service.peer().await;
    // Messages of one frame, which are none of the protocol.
    peer.stream.write_all(&[0, 0].repeat(1_000_000)).await.expect("it is written");
    peer.send(&[Vec::new(), call_of("add", vec![Value::Int(1), Value::Int(2)])]).await;
    assert!(matches!(answer(&mut peer).await.body, Body::Response { .. }));
    // One message that does not end.
    let mut endless = service.peer().await;
    let _ = endless.stream.write_all(&[1, 0].repeat(1_000_000)).await;
    assert!(endless.frame().await.is_none(), "it is disconnected");
    service.check().await;
    assert!(service.peak() < 64 * MIB, "{} MiB", service.peak() / MIB);
}

#[tokio::test]
async fn large_messages_that_do_not_end_are_bounded_together() {
    let service = Service::start(&[]).await;
    let mut peers = Vec::new();
    for _ in 0..30 {
        let mut peer = service.peer().await;
        peer.stream.write_all(&[vec![1, 0], announcement(60 * MIB as u64)].concat()).await.expect("it is written");
        peers.push(tokio::spawn(async move {
            // All but the end. It may be disconnected before.
            let _ = peer.stream.write_all(&vec![7; 60 * MIB - 1]).await;
            peer
        }));
    }
    let mut held = Vec::new();
    for peer in peers {
        held.push(peer.await.expect("no panic"));
    }
    service.check().await;
    assert!(service.peak() < 700 * MIB, "{} MiB", service.peak() / MIB);
}

#[tokio::test]
async fn calls_that_take_much_memory_once_decoded_are_refused_beyond_a_bound() {
    let service = Service::start(&[]).await;
    let mut peer = service.peer().await;
    // Maps with one entry each take about 200 times as much memory as bytes.
    let entry = [0x81, 0xa0, 0xc0];
    let call = call_of("sleep", vec![Value::from("the argument")]);
    let at = call.windows(13).position(|part| part == b"\xacthe argument").expect("it is there");
    let list = [[0xdd].as_slice(), &1_000_000_u32.to_be_bytes(), &entry.repeat(1_000_000)].concat();
    let bomb = [&call[..at], &list, &call[at + 13..]].concat();
    peer.stream.write_all(&message(&[Vec::new(), bomb]).repeat(10)).await.expect("it is written");
    for _ in 0..10 {
        let answer = answer(&mut peer).await;
        assert!(matches!(answer.body, Body::Error { .. }), "{answer:?}");
    }
    service.check().await;
    assert!(service.peak() < 800 * MIB, "{} MiB", service.peak() / MIB);
}

#[tokio::test]
async fn a_parent_that_fills_max_pending_leaves_others_their_share() {
    let service = Service::start(&[("EDGE_PENDING", "10")]).await;
    let mut greedy = service.peer().await;
    let call = message(&[Vec::new(), call_of("sleep", vec![Value::Int(60_000)])]);
    greedy.stream.write_all(&call.repeat(11)).await.expect("it is written");
    let refusal = answer(&mut greedy).await;
    assert!(matches!(&refusal.body, Body::Error { .. }), "{refusal:?}");
    service.check().await;
    // It still has ten.
    greedy.send(&[Vec::new(), call_of("add", vec![Value::Int(1), Value::Int(2)])]).await;
    assert!(matches!(answer(&mut greedy).await.body, Body::Error { .. }));
}
