//! The ZeroMQ sockets of both sides. They work around the limitations of the `zeromq` crate (0.7.0):
//!
//! - It does not reconnect, and a DEALER does not report that its peer is gone. The monitor's events are read together with
//!   the messages, and the owner of the socket makes a new one.
//! - A bound DEALER distributes its calls among all peers. Only the first peer stays.
//! - A send waits while 100,000 messages are queued for the peer. Callers that must not wait set a timeout.
//! - Dropping a socket writes the queued messages, but there is no way to wait for that. [`flushed`] waits for its tasks.
//! - It does not limit the length of a frame, keeps a connection that it cannot read, and closes one that it cannot write
//!   without reading the rest. `guard` protects it.
//!
//! One limitation remains: the crate closes the connection when it receives a ZMTP `PING`. Peers must leave ZeroMQ's own
//! heartbeats off, which is the default. The protocol's heartbeats are messages and work.

mod dealer;
mod frames;
mod guard;
mod router;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zeromq::MultiPeerBackend;
use zeromq::util::PeerIdentity;

pub(crate) use dealer::{Dealer, DealerEvent, DealerSender};
pub(crate) use router::{Router, RouterEvent, RouterSender};

/// The address of sockets. It is local, since there is no authentication.
const LOCAL: &str = "127.0.0.1";

fn cut(backend: &Arc<dyn MultiPeerBackend>, peer: &PeerIdentity) {
    backend.peer_disconnected(peer);
}

/// The payload of a message: the frame after the empty one. Further frames are ignored.
fn payload(frames: &[Bytes]) -> Option<Bytes> {
    match frames {
        [empty, payload, ..] if empty.is_empty() => Some(payload.clone()),
        _ => None,
    }
}

/// Waits until dropped sockets have written their queued messages: until this runtime has no tasks, for at most 1 s. Call it
/// at the end of a process, on a runtime that has only sockets.
pub(crate) async fn flushed() {
    let runtime = tokio::runtime::Handle::current();
    let until = Instant::now() + Duration::from_secs(1);
    while runtime.metrics().num_alive_tasks() > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
