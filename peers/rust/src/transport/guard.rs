//! Stands between TCP and the `zeromq` crate, which takes memory for a frame as soon as its length is announced and knows
//! no limit: a frame of 2^36 bytes, announced by any local program, would end the process. So the crate has a socket in a
//! directory that is ours alone, and what comes in by TCP goes there through [`Frames`].
//!
//! A spawned worker needs none: it connects to the parent that has started it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::LOCAL;
use super::frames::Frames;

/// The pause between two attempts to connect.
const AGAIN: Duration = Duration::from_millis(20);

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
        DirBuilder::new().mode(0o700).create(&directory)?;
        Ok(Self(directory))
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

/// Waits for the crate's socket to come to the nook, and leads it to a port of this machine.
pub(super) struct WayOut {
    door: UnixListener,
    outside: TcpStream,
}

impl WayOut {
    /// Connects to the port; keeps trying until the timeout while nobody is there.
    pub(super) async fn to(port: u16, timeout: Duration, nook: &Nook) -> io::Result<Self> {
        let until = Instant::now() + timeout;
        let outside = loop {
            match TcpStream::connect((LOCAL, port)).await {
                Ok(outside) => break outside,
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        Ok(Self { door: UnixListener::bind(nook.socket())?, outside })
    }

    /// Leads it there. Ends when it has come.
    pub(super) async fn open(self) -> io::Result<()> {
        let (inside, _) = self.door.accept().await?;
        tokio::spawn(lead(self.outside, inside));
        Ok(())
    }
}

/// Carries bytes both ways until one side ends, or sends what is not allowed.
async fn lead(outside: TcpStream, inside: UnixStream) {
    // A call should not wait for the next one to fill a packet.
    let _ = outside.set_nodelay(true);
    let (mut from_outside, mut to_outside) = outside.into_split();
    let (mut from_inside, mut to_inside) = inside.into_split();
    let inward = async move {
        let mut frames = Frames::default();
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = from_outside.read(&mut chunk).await {
            if !frames.allow(&chunk[..length]) || to_inside.write_all(&chunk[..length]).await.is_err() {
                break;
            }
        }
        // The crate notices the end, and ends the other way.
        let _ = to_inside.shutdown().await;
    };
    let outward = async move {
        let _ = tokio::io::copy(&mut from_inside, &mut to_outside).await;
        let _ = to_outside.shutdown().await;
    };
    tokio::select! {
        // What is still in the crate's queue when the peer has ended cannot reach it.
        () = inward => {}
        // The socket was closed: everything has been written.
        () = outward => {}
    }
}
