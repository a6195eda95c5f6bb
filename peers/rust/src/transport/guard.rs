//! Stands between TCP and the `zeromq` crate, which takes memory for a frame as soon as its length is announced and knows
//! no limit: a frame of 2^36 bytes, announced by any local program, would end the process. Of a connection that it cannot
//! read, or that ends within a message, it tells the error for ever, but not whose it is; one that it cannot write it cuts,
//! with what came in there unread. So the crate has a socket in a directory that is ours alone, and what comes in by TCP goes
//! there through [`Frames`], message by message: for the crate, every connection can be written and ends in order.

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

/// The pause between two attempts to connect.
const AGAIN: Duration = Duration::from_millis(20);

/// How long a peer may take to close its side when the crate has closed ours.
const LINGER: Duration = Duration::from_secs(1);

/// The least that a handshake is given, however late it begins.
const SHORTEST: Duration = Duration::from_millis(100);

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Keeps a door open. When it is dropped nobody new comes in; those who are in stay.
pub(super) struct Guard(JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A directory for a socket, readable by this user alone, removed when this is dropped.
pub(super) struct Nook(PathBuf);

impl Nook {
    pub(super) fn new() -> io::Result<Self> {
        // Short, since the path of a socket has 104 bytes at most.
        let name = format!("mf-{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        let directory = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => Ok(Self(directory)),
            Err(error) => {
                let advice = "let TMPDIR name a directory that can be written";
                Err(io::Error::new(error.kind(), format!("{} cannot be made: {error}; {advice}", directory.display())))
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    /// What the crate calls it.
    pub(super) fn endpoint(&self) -> String {
        format!("ipc://{}", self.socket().display())
    }
}

impl Drop for Nook {
    fn drop(&mut self) {
        // What is left of it harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Lets in who comes to a port of this machine, and leads them to the crate's socket, which is bound there already. Gives
/// the port that the system chose.
pub(super) async fn let_in(nook: Nook) -> io::Result<(Guard, u16)> {
    let door = TcpListener::bind((LOCAL, 0)).await?;
    let port = door.local_addr()?.port();
    let guard = tokio::spawn(async move {
        loop {
            // One who is gone again, or too many open files: the next one may have better luck.
            let Ok((outside, _)) = door.accept().await else {
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            if let Ok(inside) = UnixStream::connect(nook.socket()).await {
                tokio::spawn(lead(outside, inside));
            }
        }
    });
    Ok((Guard(guard), port))
}

/// Connects a socket of the crate to a port of this machine; keeps trying until the timeout while nobody is there. Gives what
/// the socket has to tell, too.
pub(super) async fn lead_out<S: Socket>(port: u16, timeout: Duration) -> ZmqResult<(S, Receiver<SocketEvent>)> {
    let until = Instant::now() + timeout;
    let outside = reach(port, until).await?;
    let nook = Nook::new()?;
    let door = UnixListener::bind(nook.socket())?;
    let mut options = SocketOptions::default();
    options.connect_timeout(until.saturating_duration_since(Instant::now()).max(SHORTEST));
    let mut socket = S::with_options(options);
    let (events, endpoint) = (socket.monitor(), nook.endpoint());
    let open = async {
        let (inside, _) = door.accept().await?;
        tokio::spawn(lead(outside, inside));
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
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// Carries bytes both ways until both sides have ended, or what comes in is not allowed.
async fn lead(outside: TcpStream, inside: UnixStream) {
    // A call should not wait for the next one to fill a packet.
    let _ = outside.set_nodelay(true);
    let (from_outside, mut to_outside) = outside.into_split();
    let (mut from_inside, to_inside) = inside.into_split();
    let everything = |bytes: &[u8]| Some(bytes.len());
    let mut frames = Frames::default();
    {
        let mut inward = pin!(carry(from_outside, to_inside, move |bytes| frames.whole(bytes)));
        let mut outward = pin!(carry(&mut from_inside, &mut to_outside, everything));
        tokio::select! {
            was_allowed = &mut inward => if was_allowed {
                // The crate closes its socket when it has read what came.
                outward.await;
                return;
            },
            // The crate has closed its socket, the peer reads to the end and does the same.
            _ = &mut outward => {
                let _ = timeout(LINGER, inward).await;
                return;
            }
        }
    }
    // The peer is cut off at once, the crate closes its socket in order.
    drop(to_outside);
    carry(from_inside, sink(), everything).await;
}

/// Carries bytes one way, to the end; tells whether all were allowed. `whole` tells how many of those that came may go on;
/// the others wait for more. Where nobody takes them any more they are read all the same: closing with bytes unread would
/// break the other way too, with what is still under way there, and so does the crate when it cannot write.
async fn carry<F, T>(mut from: F, mut to: T, mut whole: impl FnMut(&[u8]) -> Option<usize>) -> bool
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

    /// The two ends that `lead` stands between: the peer's and the crate's.
    async fn ends() -> (TcpStream, TcpStream, UnixStream, UnixStream) {
        let door = TcpListener::bind((LOCAL, 0)).await.expect("a port");
        let address = door.local_addr().expect("an address");
        let (peer, accepted) = tokio::join!(TcpStream::connect(address), door.accept());
        let (inside, of_crate) = UnixStream::pair().expect("a pair");
        (peer.expect("it connects"), accepted.expect("it is accepted").0, inside, of_crate)
    }

    /// As much as the system takes without a reader.
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
        // An end by reset is one too, behind the last byte.
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
            let leading = tokio::spawn(lead(outside, inside));
            assert_eq!(read_to_end(&mut peer).await, answer);
            drop(peer);
            leading.await.expect("no panic");
        }
    }

    #[tokio::test]
    async fn the_last_answers_of_a_peer_reach_a_crate_that_still_writes() {
        let (mut peer, outside, inside, mut of_crate) = ends().await;
        // So that the answer has to wait while the heartbeats meet a peer that is gone.
        inside.writable().await.expect("it is connected");
        let before = fill(|bytes| inside.try_write(bytes));
        // A greeting and empty messages.
        peer.write_all(&[0; 10_000]).await.expect("it is connected");
        drop(peer);
        let leading = tokio::spawn(lead(outside, inside));
        let mut read = 0;
        let mut chunk = [0; 4096];
        while read < before + 10_000 {
            of_crate.write_all(HEARTBEAT).await.expect("somebody takes it to the end");
            let length = of_crate.read(&mut chunk).await.expect("it is connected");
            assert_ne!(length, 0, "it ends after {read} bytes");
            read += length;
        }
        drop(of_crate);
        leading.await.expect("no panic");
    }

    #[tokio::test]
    async fn half_a_message_does_not_reach_the_crate() {
        let (mut peer, outside, inside, of_crate) = ends().await;
        let bytes = [[0; GREETING].as_slice(), &[0, 2, 7, 7], &[0, 200, 7]].concat();
        peer.write_all(&bytes).await.expect("it is connected");
        drop(peer);
        let leading = tokio::spawn(lead(outside, inside));
        assert_eq!(read_to_end(of_crate).await, GREETING + 4);
        leading.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_peer_that_stays_is_left() {
        let (peer, outside, inside, of_crate) = ends().await;
        drop(of_crate);
        timeout(LINGER * 5, lead(outside, inside)).await.expect("it does not wait for ever");
        assert_eq!(read_to_end(peer).await, 0);
    }
}
