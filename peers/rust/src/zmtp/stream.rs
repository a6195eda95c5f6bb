//! Sockets of both kinds: TCP on this machine, and Unix sockets.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

/// The address of sockets. It is local, since there is no authentication.
pub(super) const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The half to read from.
#[derive(Debug)]
pub(super) enum Reading {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// The half to write to.
#[derive(Debug)]
pub(super) enum Writing {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Stream {
    pub(crate) async fn connect_port(port: u16) -> io::Result<Self> {
        TcpStream::connect((LOCAL, port)).await.map(Self::Tcp)
    }

    pub(crate) async fn connect_path(path: &Path) -> io::Result<Self> {
        UnixStream::connect(path).await.map(Self::Unix)
    }

    /// The ports of a TCP connection: this end's and the peer's.
    pub(crate) fn ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Tcp(stream) => Some((stream.local_addr().ok()?.port(), stream.peer_addr().ok()?.port())),
            Self::Unix(_) => None,
        }
    }

    pub(super) fn split(self) -> (Reading, Writing) {
        match self {
            Self::Tcp(stream) => {
                // So that a call does not wait for the next one to fill a packet.
                let _ = stream.set_nodelay(true);
                let (reading, writing) = stream.into_split();
                (Reading::Tcp(reading), Writing::Tcp(writing))
            }
            Self::Unix(stream) => {
                let (reading, writing) = stream.into_split();
                (Reading::Unix(reading), Writing::Unix(writing))
            }
        }
    }
}

impl Reading {
    /// Reads into the spare capacity. Returns the number of bytes, 0 at the end. Cancel safe.
    pub(super) async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Tcp(half) => half.read_buf(buffer).await,
            Self::Unix(half) => half.read_buf(buffer).await,
        }
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(half) => half.ready(Interest::READABLE).await.map(drop),
            Self::Unix(half) => half.ready(Interest::READABLE).await.map(drop),
        }
    }
}

impl Writing {
    /// Writes what the system takes at once.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(half) => half.try_write(bytes),
            Self::Unix(half) => half.try_write(bytes),
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(half) => half.writable().await,
            Self::Unix(half) => half.writable().await,
        }
    }

    /// Sends the end of the stream, from any thread.
    pub(super) fn shut_down(&self) {
        // Fails if the connection is broken or there is no descriptor left; then dropping the half sends the end.
        if let Ok(copy) = self.as_fd().try_clone_to_owned() {
            let _ = std::net::TcpStream::from(copy).shutdown(std::net::Shutdown::Write);
        }
    }

    /// Whether something has arrived and is not read yet.
    pub(super) fn has_unread(&self) -> bool {
        // The descriptor does not block, nor does its copy.
        let copy = self.as_fd().try_clone_to_owned();
        copy.is_ok_and(|copy| matches!(std::net::TcpStream::from(copy).peek(&mut [0]), Ok(1)))
    }
}

impl AsFd for Writing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(half) => half.as_ref().as_fd(),
            Self::Unix(half) => half.as_ref().as_fd(),
        }
    }
}
