//! The socket of a parent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_channel::mpsc::Receiver;
use tokio::sync::Mutex;
use zeromq::util::PeerIdentity;
use zeromq::{
    DealerRecvHalf, DealerSendHalf, DealerSocket, MultiPeerBackend, Socket, SocketEvent, SocketRecv, SocketSend,
    ZmqMessage, ZmqResult,
};

use super::guard::{Guard, PrivateSocket, connect_guarded, listen};
use super::{cut, payload};

/// An event of the socket.
pub(crate) enum DealerEvent {
    /// A message.
    Message(Bytes),
    /// Frames that are no message of the protocol.
    Dropped,
    /// The worker is connected.
    Up,
    /// The worker is disconnected. All its messages have been read.
    Down,
}

/// The reading half of a DEALER with at most one peer.
pub(crate) struct Dealer {
    receiver: DealerRecvHalf,
    events: Receiver<SocketEvent>,
    backend: Arc<dyn MultiPeerBackend>,
    peer: Option<PeerIdentity>,
    _guard: Option<Guard>,
}

/// The sending half of a DEALER. The socket closes when this and the [`Dealer`] are dropped.
pub(crate) struct DealerSender(Mutex<DealerSendHalf>);

impl Dealer {
    /// Binds to a port of this machine that the system chooses, and returns the port.
    pub(crate) async fn bind() -> ZmqResult<(Self, DealerSender, u16)> {
        let mut socket = DealerSocket::new();
        let events = socket.monitor();
        let private = PrivateSocket::new()?;
        socket.bind(&private.endpoint()).await?;
        let (guard, port) = listen(private).await?;
        let (dealer, sender) = Self::split(socket, events, Some(guard));
        Ok((dealer, sender, port))
    }

    /// Connects to a port of this machine. Retries until the timeout.
    pub(crate) async fn connect(port: u16, timeout: Duration) -> ZmqResult<(Self, DealerSender)> {
        let (socket, events) = connect_guarded(port, timeout).await?;
        Ok(Self::split(socket, events, None))
    }

    fn split(socket: DealerSocket, events: Receiver<SocketEvent>, guard: Option<Guard>) -> (Self, DealerSender) {
        let backend = socket.backend();
        let (sender, receiver) = socket.split();
        (Self { receiver, events, backend, peer: None, _guard: guard }, DealerSender(Mutex::new(sender)))
    }

    /// Waits for the next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> DealerEvent {
        loop {
            tokio::select! {
                biased;
                received = self.receiver.recv() => match received {
                    Ok(message) => return payload(&message.into_vec()).map_or(DealerEvent::Dropped, DealerEvent::Message),
                    // The guard prevents these errors. After one, nothing could be read any more.
                    Err(_) => if let Some(peer) = &self.peer { cut(&self.backend, peer) },
                },
                event = self.events.recv() => match event {
                    Ok(event) => if let Some(event) = self.note(event) { return event },
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }

    fn note(&mut self, event: SocketEvent) -> Option<DealerEvent> {
        match event {
            SocketEvent::Accepted(_, peer) | SocketEvent::Connected(_, peer) if self.peer.is_none() => {
                self.peer = Some(peer);
                Some(DealerEvent::Up)
            }
            SocketEvent::Accepted(_, stranger) => {
                cut(&self.backend, &stranger);
                None
            }
            SocketEvent::Disconnected(peer) if self.peer.as_ref() == Some(&peer) => {
                self.peer = None;
                Some(DealerEvent::Down)
            }
            _ => None,
        }
    }
}

impl DealerSender {
    /// Queues a message for the worker. Waits while the queue is full. Returns whether the worker is connected.
    pub(crate) async fn send(&self, payload: Bytes) -> bool {
        let message = ZmqMessage::try_from(vec![Bytes::new(), payload]).expect("it has frames");
        self.0.lock().await.send(message).await.is_ok()
    }
}
