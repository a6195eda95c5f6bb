//! The socket of a worker.

use std::time::Duration;

use bytes::Bytes;
use futures_channel::mpsc::Receiver;
use zeromq::util::PeerIdentity;
use zeromq::{
    RouterRecvHalf, RouterSendHalf, RouterSocket, Socket, SocketEvent, SocketRecv, SocketSend, ZmqMessage, ZmqResult,
};

use super::guard::{Guard, PrivateSocket, connect_guarded, listen};
use super::payload;

/// An event of the socket.
pub(crate) enum RouterEvent {
    /// A message, with its sender.
    Message(PeerIdentity, Bytes),
    /// Frames that are no message of the protocol.
    Dropped,
    /// A peer is connected.
    Up(PeerIdentity),
    /// A peer is disconnected. All its messages have been read.
    Down(PeerIdentity),
}

/// The reading half of a ROUTER.
pub(crate) struct Router {
    receiver: RouterRecvHalf,
    events: Receiver<SocketEvent>,
    _guard: Option<Guard>,
}

/// The sending half of a ROUTER. The socket closes when all of these and the [`Router`] are dropped.
#[derive(Clone)]
pub(crate) struct RouterSender(RouterSendHalf);

impl Router {
    /// Binds to a port of this machine that the system chooses, and returns the port.
    pub(crate) async fn bind() -> ZmqResult<(Self, RouterSender, u16)> {
        let mut socket = RouterSocket::new();
        let events = socket.monitor();
        let private = PrivateSocket::new()?;
        socket.bind(&private.endpoint()).await?;
        let (guard, port) = listen(private).await?;
        let (router, sender) = Self::split(socket, events, Some(guard));
        Ok((router, sender, port))
    }

    /// Connects to a port of this machine. Retries until the timeout.
    pub(crate) async fn connect(port: u16, timeout: Duration) -> ZmqResult<(Self, RouterSender)> {
        let (socket, events) = connect_guarded(port, timeout).await?;
        Ok(Self::split(socket, events, None))
    }

    fn split(socket: RouterSocket, events: Receiver<SocketEvent>, guard: Option<Guard>) -> (Self, RouterSender) {
        let (sender, receiver) = socket.split();
        (Self { receiver, events, _guard: guard }, RouterSender(sender))
    }

    /// Waits for the next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> RouterEvent {
        loop {
            tokio::select! {
                biased;
                received = self.receiver.recv() => {
                    let Ok(message) = received else { continue };
                    let frames = message.into_vec();
                    let peer = PeerIdentity::try_from(frames[0].clone());
                    return match (peer, payload(&frames[1..])) {
                        (Ok(peer), Some(payload)) => RouterEvent::Message(peer, payload),
                        _ => RouterEvent::Dropped,
                    };
                }
                event = self.events.recv() => match event {
                    Ok(SocketEvent::Accepted(_, peer) | SocketEvent::Connected(_, peer)) => return RouterEvent::Up(peer),
                    Ok(SocketEvent::Disconnected(peer)) => return RouterEvent::Down(peer),
                    Ok(_) => {}
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }
}

impl RouterSender {
    /// Queues a message for a peer. Waits while the peer's queue is full. Returns whether the peer is connected.
    pub(crate) async fn send(&mut self, peer: PeerIdentity, payload: Bytes) -> bool {
        let message = ZmqMessage::try_from(vec![peer.into(), Bytes::new(), payload]).expect("it has frames");
        self.0.send(message).await.is_ok()
    }
}
