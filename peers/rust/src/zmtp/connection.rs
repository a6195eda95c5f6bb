//! One connection to one peer.

use std::time::Duration;

use tokio::time::timeout;

use super::outbox::Outbox;
use super::reader::{Item, Limits, Reader, Received};
use super::stream::{Reading, Stream};
use super::wire::{Ready, SocketType, hello, refusal};
use super::{ConnectionError, HANDSHAKE_TIMEOUT};

/// What this end says about itself, and what the peer may send.
pub(crate) struct Setup<'a> {
    pub(crate) own: SocketType,
    /// A property for READY.
    pub(crate) property: Option<(&'a str, &'a str)>,
    pub(crate) limits: Limits,
}

/// The reading half of a connection whose peer is ready. Dropping it does not close it while there is an [`Outbox`] of it.
pub(crate) struct Connection {
    reading: Reading,
    reader: Reader,
    outbox: Outbox,
    ready: Ready,
    ports: Option<(u16, u16)>,
}

impl Connection {
    /// Exchanges greetings and READY, within [`HANDSHAKE_TIMEOUT`].
    pub(crate) async fn open(stream: Stream, setup: Setup<'_>) -> Result<Self, ConnectionError> {
        timeout(HANDSHAKE_TIMEOUT, Self::shake_hands(stream, setup)).await.unwrap_or(Err(ConnectionError::Silent))
    }

    async fn shake_hands(stream: Stream, setup: Setup<'_>) -> Result<Self, ConnectionError> {
        let ports = stream.ports();
        let (mut reading, writing) = stream.split();
        let mut rest: &[u8] = &hello(setup.own, setup.property);
        while !rest.is_empty() {
            writing.writable().await?;
            match writing.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        let outbox = Outbox::new(writing, setup.limits.account.clone());
        let mut reader = Reader::new(setup.own, setup.limits);
        let ready = loop {
            match reader.next()? {
                Some(Item::Ready(ready)) => break ready,
                // The reader refuses everything else before READY.
                Some(_) => {}
                None => outbox.hear(read(&mut reading, &mut reader).await?),
            }
        };
        outbox.unblock();
        Ok(Self { reading, reader, outbox, ready, ports })
    }

    /// A property of the peer's READY.
    pub(crate) fn property(&self, name: &str) -> Option<&[u8]> {
        self.ready.property(name)
    }

    /// The ports of a TCP connection: this end's and the peer's.
    pub(crate) fn ports(&self) -> Option<(u16, u16)> {
        self.ports
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Changes what the peer may send from now on.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.reader.set_limits(limits);
    }

    /// Waits for bytes of the peer, and meanwhile writes what senders left to this task. Then [`Connection::next`] may
    /// have messages. Nothing is read while too much waits for the peer. Cancel safe.
    pub(crate) async fn receive(&mut self) -> Result<(), ConnectionError> {
        let Self { reading, reader, outbox, .. } = self;
        loop {
            if let Some(why) = outbox.why_lost() {
                return Err(why);
            }
            let may_read = !outbox.is_full();
            tokio::select! {
                biased;
                read = read(reading, reader), if may_read => {
                    outbox.hear(read?);
                    return Ok(());
                }
                () = outbox.write() => {}
            }
        }
    }

    /// Takes the next message. `None` means that more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Received<&[u8]>>, ConnectionError> {
        loop {
            match self.reader.next()? {
                Some(Item::Message(Received::Message(payload))) => {
                    return Ok(Some(Received::Message(self.reader.bytes(payload))));
                }
                Some(Item::Message(Received::Malformed)) => return Ok(Some(Received::Malformed)),
                Some(Item::Message(Received::TooLarge)) => return Ok(Some(Received::TooLarge)),
                Some(Item::Ping(pong)) => self.outbox.send_frame(pong),
                Some(Item::Ready(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Tells the peer that it is not wanted, and closes the connection.
    pub(crate) async fn refuse(self, reason: &str, limit: Duration) {
        self.outbox.send_frame(refusal(reason));
        self.finish(limit).await;
    }

    /// Sends what waits and then the end of the stream, and reads on until the peer has closed too: a socket that is closed
    /// with unread bytes takes back what the peer has not read yet.
    pub(crate) async fn finish(mut self, limit: Duration) {
        let _ = timeout(limit, async {
            let outbox = self.outbox.clone();
            tokio::select! {
                () = outbox.flushed() => {}
                () = self.drain() => return,
            }
            outbox.close();
            self.drain().await;
        })
        .await;
        self.outbox.close();
    }

    /// Reads and drops what comes, until the peer has closed.
    async fn drain(&mut self) {
        let Self { reading, outbox, .. } = self;
        let mut dropped = Vec::with_capacity(64 * 1024);
        loop {
            tokio::select! {
                read = reading.read(&mut dropped) => if !matches!(read, Ok(1..)) { return },
                () = outbox.write() => {}
            }
            dropped.clear();
        }
    }
}

/// Returns how many bytes were read.
async fn read(reading: &mut Reading, reader: &mut Reader) -> Result<usize, ConnectionError> {
    if reader.rest() {
        reading.readable().await?;
    }
    match reading.read(reader.space()).await? {
        0 => Err(ConnectionError::Closed),
        count => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;
    use crate::zmtp::{Account, Follow, ProtocolError};

    fn setup(own: SocketType) -> Setup<'static> {
        let limits = Limits { message_bytes: 64 * 1024 * 1024, skips_larger: false, account: None };
        Setup { own, property: None, limits }
    }

    /// The two ends of a connection.
    async fn ends() -> (Connection, Connection) {
        let (one, other) = UnixStream::pair().expect("a pair");
        let (parent, worker) = tokio::join!(
            Connection::open(Stream::Unix(one), setup(SocketType::Dealer)),
            Connection::open(Stream::Unix(other), setup(SocketType::Router)),
        );
        (parent.expect("it is ready"), worker.expect("it is ready"))
    }

    async fn next(connection: &mut Connection) -> Option<Vec<u8>> {
        loop {
            match connection.next().expect("it is allowed") {
                Some(Received::Message(payload)) => return Some(payload.to_vec()),
                Some(other) => panic!("{other:?}"),
                None => connection.receive().await.ok()?,
            }
        }
    }

    #[tokio::test]
    async fn messages_of_any_size_arrive_in_order() {
        let (mut parent, worker) = ends().await;
        let sizes = [0, 1, 255, 256, 5000, 32 * 1024, 60_000, 10, 5_000_000, 3, 64 * 1024, 0];
        let outbox = worker.outbox().clone();
        let sending = tokio::spawn(async move {
            for (index, size) in sizes.into_iter().enumerate() {
                let follow = Follow::with(index % 2 == 0);
                assert!(outbox.send(vec![index as u8; size], follow).await);
            }
            worker.finish(Duration::from_secs(10)).await;
        });
        for (index, size) in sizes.into_iter().enumerate() {
            assert_eq!(next(&mut parent).await, Some(vec![index as u8; size]));
        }
        assert_eq!(next(&mut parent).await, None);
        drop(parent);
        sending.await.expect("no panic");
    }

    #[tokio::test]
    async fn an_urgent_message_passes_those_that_wait() {
        let (mut parent, mut worker) = ends().await;
        for number in 0..10 {
            worker.outbox().send_now(vec![number; 1_000_000], Follow::Nothing);
        }
        worker.outbox().send_urgent(b"urgent");
        tokio::spawn(async move { worker.receive().await });
        let mut before = 0;
        while next(&mut parent).await.expect("it is connected") != b"urgent" {
            before += 1;
        }
        assert!((1..10).contains(&before), "{before} came first");
        for number in before..10 {
            assert_eq!(next(&mut parent).await, Some(vec![number; 1_000_000]));
        }
    }

    #[tokio::test]
    async fn senders_wait_for_a_peer_that_does_not_read() {
        let (mut parent, mut worker) = ends().await;
        let mut sent = 0;
        while !worker.outbox().is_full() {
            worker.outbox().send_now(vec![0; 1_000_000], Follow::Nothing);
            sent += 1;
        }
        assert!(sent < 40, "{sent} messages wait");
        let outbox = worker.outbox().clone();
        let waiting = tokio::spawn(async move { outbox.send(b"last".to_vec(), Follow::Nothing).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "it does not wait");
        tokio::spawn(async move { worker.receive().await });
        while next(&mut parent).await.expect("it is connected") != b"last" {}
        assert!(waiting.await.expect("no panic"));
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up_when_all_peers_hold_too_much() {
        let (one, other) = UnixStream::pair().expect("a pair");
        let account = Some(Account::new(8_000_000));
        let bounded =
            Setup { limits: Limits { account, ..setup(SocketType::Router).limits }, ..setup(SocketType::Router) };
        let (worker, _parent) = tokio::join!(
            Connection::open(Stream::Unix(one), bounded),
            Connection::open(Stream::Unix(other), setup(SocketType::Dealer)),
        );
        let mut worker = worker.expect("it is ready");
        let sent = (0..20).take_while(|_| worker.outbox().send_now(vec![0; 1_000_000], Follow::Nothing)).count();
        assert!((5..15).contains(&sent), "{sent} were taken");
        let ended = worker.receive().await.err();
        assert!(matches!(ended, Some(ConnectionError::Protocol(ProtocolError::TooMuchHeld(8_000_000)))), "{ended:?}");
    }

    #[tokio::test]
    async fn the_last_messages_reach_a_peer_that_still_writes() {
        for _ in 0..20 {
            let (mut parent, worker) = ends().await;
            worker.outbox().send_now(vec![7; 5_000_000], Follow::More);
            parent.outbox().send_now(vec![8; 10_000], Follow::Nothing);
            let closing = tokio::spawn(worker.finish(Duration::from_secs(10)));
            assert_eq!(next(&mut parent).await.map(|payload| payload.len()), Some(5_000_000));
            assert_eq!(next(&mut parent).await, None);
            drop(parent);
            closing.await.expect("no panic");
        }
    }

    #[tokio::test]
    async fn nothing_can_be_sent_to_a_peer_that_is_gone() {
        let (parent, mut worker) = ends().await;
        drop(parent);
        assert!(matches!(worker.receive().await, Err(ConnectionError::Closed)));
        worker.outbox().close();
        assert!(!worker.outbox().send(vec![1], Follow::Nothing).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_given_up() {
        let (one, _silent) = UnixStream::pair().expect("a pair");
        let opened = Connection::open(Stream::Unix(one), setup(SocketType::Dealer)).await;
        assert!(matches!(opened.err(), Some(ConnectionError::Silent)));
    }

    #[tokio::test]
    async fn a_peer_is_told_that_it_is_refused() {
        let (one, mut other) = UnixStream::pair().expect("a pair");
        other.write_all(&hello(SocketType::Router, None)).await.expect("it is written");
        let connection = Connection::open(Stream::Unix(one), setup(SocketType::Dealer)).await.expect("it is ready");
        let refusing = tokio::spawn(connection.refuse("its token is wrong", Duration::from_secs(10)));
        let mut bytes = Vec::new();
        other.read_to_end(&mut bytes).await.expect("it is closed");
        drop(other);
        refusing.await.expect("no panic");
        assert!(bytes.ends_with(&refusal("its token is wrong")), "{bytes:?}");
    }
}
