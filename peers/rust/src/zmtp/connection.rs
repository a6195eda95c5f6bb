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
        let mut hello: &[u8] = &hello(setup.own, setup.property);
        while !hello.is_empty() {
            writing.writable().await?;
            match writing.try_write(hello) {
                Ok(count) => hello = &hello[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut reader = Reader::new(setup.own, setup.limits);
        let ready = loop {
            match reader.next()? {
                Some(Item::Ready(ready)) => break ready,
                // The reader refuses everything else before READY.
                Some(_) => {}
                None => read(&mut reading, &mut reader).await?,
            }
        };
        let outbox = Outbox::new(writing);
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

    /// Waits for bytes of the peer, and meanwhile writes what the system did not take at once. Then [`Connection::next`] may
    /// have messages. Nothing is read while too much waits for the peer. Cancel safe.
    pub(crate) async fn receive(&mut self) -> Result<(), ConnectionError> {
        let Self { reading, reader, outbox, .. } = self;
        loop {
            let may_read = !outbox.is_full();
            tokio::select! {
                biased;
                read = read(reading, reader), if may_read => return read,
                () = outbox.unblocked() => {}
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
                () = outbox.unblocked() => {}
            }
            dropped.clear();
        }
    }
}

async fn read(reading: &mut Reading, reader: &mut Reader) -> Result<(), ConnectionError> {
    if reader.rest() {
        reading.readable().await?;
    }
    match reading.read(reader.space()).await? {
        0 => Err(ConnectionError::Closed),
        _ => Ok(()),
    }
}
