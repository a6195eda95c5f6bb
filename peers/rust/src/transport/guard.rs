//! Protects the `zeromq` crate from its peers. The crate allocates memory for a frame as soon as its length is announced,
//! without a limit: a frame of 2^36 bytes, announced by any local program, would end the process. For a connection that it
//! cannot read, or that ends within a message, it returns the same error forever, without the peer. A connection to which it
//! cannot write it closes, and drops unread messages. So the crate gets a socket in a private directory. Bytes from TCP are
//! checked by [`Frames`] and copied there message by message. For the crate, each connection can be written and ends normally.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_channel::mpsc::Receiver;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, sink};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeromq::{Socket, SocketEvent, SocketOptions, ZmqResult};

use super::LOCAL;
use super::frames::Frames;

/// The pause between two attempts to connect or accept.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How long a peer may take to close its side after the crate has closed ours.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The least time for a handshake, even if it begins late.
const MIN_HANDSHAKE_TIMEOUT: Duration = Duration::from_millis(100);

/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;

/// Accepts connections until it is dropped. Existing connections stay open.
pub(super) struct Guard(JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A directory for a socket, accessible only to this user. Dropping it removes the directory.
pub(super) struct PrivateSocket(PathBuf);

impl PrivateSocket {
    pub(super) fn new() -> io::Result<Self> {
        // Short, since the path of a socket may have at most 104 bytes.
        let name = format!("mf-{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        let directory = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => Ok(Self(directory)),
            Err(error) => {
                let advice = "set TMPDIR to a directory that can be written";
                Err(io::Error::new(
                    error.kind(),
                    format!("{} cannot be created: {error}; {advice}", directory.display()),
                ))
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    /// The endpoint for the crate.
    pub(super) fn endpoint(&self) -> String {
        format!("ipc://{}", self.socket().display())
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        // A directory that cannot be removed does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Listens on a port of this machine that the system chooses, and connects peers to the crate's socket, which must be bound
/// already. Returns the port.
pub(super) async fn listen(private: PrivateSocket) -> io::Result<(Guard, u16)> {
    let listener = TcpListener::bind((LOCAL, 0)).await?;
    let port = listener.local_addr()?.port();
    let guard = tokio::spawn(async move {
        loop {
            // For example, the peer has already closed, or there are too many open files.
            let Ok((outside, _)) = listener.accept().await else {
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            };
            if let Ok(inside) = UnixStream::connect(private.socket()).await {
                tokio::spawn(copy_both_ways(outside, inside));
            }
        }
    });
    Ok((Guard(guard), port))
}

/// Connects a socket of the crate to a port of this machine. Retries until the timeout. Returns the socket and its events.
pub(super) async fn connect_guarded<S: Socket>(port: u16, timeout: Duration) -> ZmqResult<(S, Receiver<SocketEvent>)> {
    let until = Instant::now() + timeout;
    let outside = reach(port, until).await?;
    let private = PrivateSocket::new()?;
    let listener = UnixListener::bind(private.socket())?;
    let mut options = SocketOptions::default();
    options.connect_timeout(until.saturating_duration_since(Instant::now()).max(MIN_HANDSHAKE_TIMEOUT));
    let mut socket = S::with_options(options);
    let (events, endpoint) = (socket.monitor(), private.endpoint());
    let open = async {
        let (inside, _) = listener.accept().await?;
        tokio::spawn(copy_both_ways(outside, inside));
        Ok(())
    };
    tokio::try_join!(socket.connect(&endpoint), open)?;
    Ok((socket, events))
}

async fn reach(port: u16, until: Instant) -> io::Result<TcpStream> {
    loop {
        match TcpStream::connect((LOCAL, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
        }
    }
}

/// Copies bytes both ways until both sides have ended, or the peer sends bytes that are not allowed.
async fn copy_both_ways(outside: TcpStream, inside: UnixStream) {
    // So that a call does not wait for the next one to fill a packet.
    let _ = outside.set_nodelay(true);
    let (from_outside, mut to_outside) = outside.into_split();
    let (mut from_inside, to_inside) = inside.into_split();
    let everything = |bytes: &[u8]| Some(bytes.len());
    let mut frames = Frames::default();
    {
        let mut inward = pin!(copy_one_way(from_outside, to_inside, move |bytes| frames.whole(bytes)));
        let mut outward = pin!(copy_one_way(&mut from_inside, &mut to_outside, everything));
        tokio::select! {
            was_allowed = &mut inward => if was_allowed {
                // The crate closes its socket after it has read everything.
                outward.await;
                return;
            },
            // The crate has closed its socket. The peer reads to the end and closes too.
            _ = &mut outward => {
                let _ = timeout(CLOSE_TIMEOUT, inward).await;
                return;
            }
        }
    }
    // The peer is disconnected at once. The crate closes its socket normally.
    drop(to_outside);
    copy_one_way(from_inside, sink(), everything).await;
}

/// Copies bytes one way, to the end, and returns whether all were allowed. `whole` returns how many of the new bytes may be
/// written; the others wait for more. After a failed write it goes on reading: closing with unread bytes would break the
/// other direction too, and so would a write error in the crate.
async fn copy_one_way<F, T>(mut from: F, mut to: T, mut whole: impl FnMut(&[u8]) -> Option<usize>) -> bool
where
    F: AsyncRead + Unpin,
    T: AsyncWrite + Unpin,
{
    let mut chunk = vec![0; CHUNK];
    let mut held = Vec::new();
    let (mut was_allowed, mut is_taken) = (true, true);
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let Some(whole) = whole(&chunk[..length]) else {
            was_allowed = false;
            break;
        };
        if whole > 0 {
            is_taken = is_taken && to.write_all(&held).await.is_ok() && to.write_all(&chunk[..whole]).await.is_ok();
            held = Vec::new();
        }
        held.extend_from_slice(&chunk[whole..length]);
    }
    let _ = to.shutdown().await;
    was_allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: usize = 64;
    const HEARTBEAT: &[u8] = b"a heartbeat that comes at the end";

    /// The two ends between which `copy_both_ways` copies: the peer's and the crate's.
    async fn ends() -> (TcpStream, TcpStream, UnixStream, UnixStream) {
        let listener = TcpListener::bind((LOCAL, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (peer, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (inside, of_crate) = UnixStream::pair().expect("a pair");
        (peer.expect("it connects"), accepted.expect("it is accepted").0, inside, of_crate)
    }

    /// Writes as much as the system buffers without a reader.
    fn fill(mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> usize {
        let mut filled = 0;
        while let Ok(length) = write(&[0; 4096]) {
            filled += length;
        }
        filled
    }

    async fn read_to_end(mut from: impl AsyncRead + Unpin) -> usize {
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(10), from.read_to_end(&mut bytes)).await.expect("it ends");
        // A reset after the last byte counts as an end.
        read.unwrap_or(bytes.len())
    }

    #[tokio::test]
    async fn the_last_answers_reach_a_peer_that_still_writes() {
        for _ in 0..20 {
            let (mut peer, outside, inside, of_crate) = ends().await;
            of_crate.writable().await.expect("it is connected");
            let answer = fill(|bytes| of_crate.try_write(bytes));
            drop(of_crate);
            peer.write_all(HEARTBEAT).await.expect("it is connected");
            let copying = tokio::spawn(copy_both_ways(outside, inside));
            assert_eq!(read_to_end(&mut peer).await, answer);
            drop(peer);
            copying.await.expect("no panic");
        }
    }

    #[tokio::test]
    async fn the_last_answers_of_a_peer_reach_a_crate_that_still_writes() {
        let (mut peer, outside, inside, mut of_crate) = ends().await;
        // So that the answer waits while heartbeats are written to a peer that is gone.
        inside.writable().await.expect("it is connected");
        let before = fill(|bytes| inside.try_write(bytes));
        // A greeting and empty messages.
        peer.write_all(&[0; 10_000]).await.expect("it is connected");
        drop(peer);
        let copying = tokio::spawn(copy_both_ways(outside, inside));
        let mut read = 0;
        let mut chunk = [0; 4096];
        while read < before + 10_000 {
            of_crate.write_all(HEARTBEAT).await.expect("it is read to the end");
            let length = of_crate.read(&mut chunk).await.expect("it is connected");
            assert_ne!(length, 0, "it ends after {read} bytes");
            read += length;
        }
        drop(of_crate);
        copying.await.expect("no panic");
    }

    #[tokio::test]
    async fn an_incomplete_message_does_not_reach_the_crate() {
        let (mut peer, outside, inside, of_crate) = ends().await;
        let bytes = [[0; GREETING].as_slice(), &[0, 2, 7, 7], &[0, 200, 7]].concat();
        peer.write_all(&bytes).await.expect("it is connected");
        drop(peer);
        let copying = tokio::spawn(copy_both_ways(outside, inside));
        assert_eq!(read_to_end(of_crate).await, GREETING + 4);
        copying.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_peer_that_does_not_close_is_disconnected() {
        let (peer, outside, inside, of_crate) = ends().await;
        drop(of_crate);
        timeout(CLOSE_TIMEOUT * 5, copy_both_ways(outside, inside)).await.expect("it does not wait without end");
        assert_eq!(read_to_end(peer).await, 0);
    }
}
