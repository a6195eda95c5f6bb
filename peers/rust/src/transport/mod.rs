//! The ZeroMQ sockets of both sides. What the `zeromq` crate (0.7.0) leaves to its users is done here and nowhere else:
//!
//! - It does not reconnect, and a DEALER does not tell that its peer is gone: the monitor's events are read along with the
//!   messages, and whoever owns the socket makes a new one.
//! - A bound DEALER shares its calls out among all that connect: only the first one stays.
//! - A send waits where 100,000 messages are queued for the peer: who must not wait says for how long.
//! - Dropping a socket writes out what is queued, but nobody can wait for it: [`flushed`] waits for its tasks.
//! - It knows no limit for a frame's length, keeps a connection that it cannot read, and cuts one that it cannot write,
//!   unread: `guard` stands before it.
//!
//! What cannot be done above it:
//!
//! - It breaks the connection when it is sent a ZMTP `PING`: peers must leave ZeroMQ's own heartbeats off, as they do
//!   unless told otherwise. The protocol's heartbeats are messages and are not concerned.

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

/// Where sockets bind: nothing here authenticates anybody.
const LOCAL: &str = "127.0.0.1";

fn cut(backend: &Arc<dyn MultiPeerBackend>, peer: &PeerIdentity) {
    backend.peer_disconnected(peer);
}

/// The payload of a message: the frame behind the empty one. Frames behind it are ignored.
fn payload(frames: &[Bytes]) -> Option<Bytes> {
    match frames {
        [empty, payload, ..] if empty.is_empty() => Some(payload.clone()),
        _ => None,
    }
}

/// Waits until dropped sockets have written what they had queued: until this runtime has no tasks left, or 1 s is over.
/// To be called on a runtime that has nothing but sockets, at the end of a process.
pub(crate) async fn flushed() {
    let runtime = tokio::runtime::Handle::current();
    let until = Instant::now() + Duration::from_secs(1);
    while runtime.metrics().num_alive_tasks() > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
