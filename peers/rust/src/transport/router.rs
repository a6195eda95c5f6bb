//! The worker's socket.

use std::time::Duration;

use bytes::Bytes;
use futures_channel::mpsc::Receiver;
use zeromq::util::PeerIdentity;
use zeromq::{
    RouterRecvHalf, RouterSendHalf, RouterSocket, Socket, SocketEvent, SocketRecv, SocketSend, ZmqMessage, ZmqResult,
};

use super::guard::{Guard, Nook, lead_out, let_in};
use super::payload;

/// What the socket has to tell.
pub(crate) enum RouterEvent {
    /// A message, and who sent it.
    Message(PeerIdentity, Bytes),
    /// Frames that are no message of ours.
    Dropped,
    /// A peer has connected, or was connected to.
    Up(PeerIdentity),
    /// A peer is gone, after all that it sent.
    Down(PeerIdentity),
}

/// A ROUTER, to read from.
pub(crate) struct Router {
    receiver: RouterRecvHalf,
    events: Receiver<SocketEvent>,
    _guard: Option<Guard>,
}

/// A ROUTER, to send with. The socket closes when all of these and the [`Router`] are dropped.
#[derive(Clone)]
pub(crate) struct RouterSender(RouterSendHalf);

impl Router {
    /// Binds on this machine; gives the port that the system chose.
    pub(crate) async fn bind() -> ZmqResult<(Self, RouterSender, u16)> {
        let mut socket = RouterSocket::new();
        let events = socket.monitor();
        let nook = Nook::new()?;
        socket.bind(&nook.endpoint()).await?;
        let (guard, port) = let_in(nook).await?;
        let (router, sender) = Self::split(socket, events, Some(guard));
        Ok((router, sender, port))
    }

    /// Connects to a port on this machine; keeps trying until the timeout while nobody is there.
    pub(crate) async fn connect(port: u16, timeout: Duration) -> ZmqResult<(Self, RouterSender)> {
        let (socket, events) = lead_out(port, timeout).await?;
        Ok(Self::split(socket, events, None))
    }

    fn split(socket: RouterSocket, events: Receiver<SocketEvent>, guard: Option<Guard>) -> (Self, RouterSender) {
        let (sender, receiver) = socket.split();
        (Self { receiver, events, _guard: guard }, RouterSender(sender))
    }

    /// Waits for what comes next. May be cancelled without loss.
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
    /// Queues a message for a peer; waits while too many are queued for it already. `false`: the peer is gone.
    pub(crate) async fn send(&mut self, peer: PeerIdentity, payload: Bytes) -> bool {
        let message = ZmqMessage::try_from(vec![peer.into(), Bytes::new(), payload]).expect("it has frames");
        self.0.send(message).await.is_ok()
    }
}
