//! A ZeroMQ peer on a plain socket, which says whatever a test wants.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The first bytes of a ZMTP peer: the greeting, and READY with the type of its socket and a property.
pub fn hello(socket_type: &str, property: Option<(&str, &str)>) -> Vec<u8> {
    let mut hello = vec![0; 64];
    (hello[0], hello[9], hello[10], hello[11]) = (0xff, 0x7f, 3, 1);
    hello[12..16].copy_from_slice(b"NULL");
    let mut ready = b"\x05READY".to_vec();
    for (name, value) in [("Socket-Type", socket_type)].into_iter().chain(property) {
        ready.push(name.len() as u8);
        ready.extend(name.as_bytes());
        ready.extend((value.len() as u32).to_be_bytes());
        ready.extend(value.as_bytes());
    }
    hello.extend([4, ready.len() as u8]);
    hello.extend(ready);
    hello
}

/// The head of a frame of this length.
pub fn announcement(length: u64) -> Vec<u8> {
    [[2].as_slice(), &length.to_be_bytes()].concat()
}

/// The frames of one message.
pub fn message(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        bytes.push(if index + 1 < frames.len() { 3 } else { 2 });
        bytes.extend((frame.len() as u64).to_be_bytes());
        bytes.extend(frame);
    }
    bytes
}

/// A connection whose handshake is complete.
pub struct BarePeer<S = TcpStream> {
    pub stream: S,
    /// The content of the other side's READY command.
    pub ready: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BarePeer<S> {
    /// Exchanges greetings and READY.
    pub async fn open(mut stream: S, socket_type: &str, property: Option<(&str, &str)>) -> Self {
        stream.write_all(&hello(socket_type, property)).await.expect("it is written");
        let mut greeting = [0; 64];
        stream.read_exact(&mut greeting).await.expect("a greeting");
        assert_eq!((greeting[0], greeting[9], greeting[10]), (0xff, 0x7f, 3));
        let mut peer = Self { stream, ready: Vec::new() };
        let (flags, ready) = peer.frame().await.expect("READY");
        assert!(flags == 4 && ready.starts_with(b"\x05READY"), "{flags} {ready:?}");
        peer.ready = ready;
        peer
    }

    pub async fn send(&mut self, frames: &[Vec<u8>]) {
        self.stream.write_all(&message(frames)).await.expect("it is written");
    }

    /// The frames of the next message. `None` at the end.
    pub async fn receive(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        loop {
            let (flags, body) = self.frame().await?;
            if flags & 4 == 0 {
                frames.push(body);
                if flags & 1 == 0 {
                    return Some(frames);
                }
            }
        }
    }

    /// The flags and the body of the next frame. `None` at the end.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let flags = self.stream.read_u8().await.ok()?;
        let length = match flags & 2 {
            0 => u64::from(self.stream.read_u8().await.ok()?),
            _ => self.stream.read_u64().await.ok()?,
        };
        let mut body = vec![0; length as usize];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((flags, body))
    }
}
