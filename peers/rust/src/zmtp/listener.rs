//! Listening sockets: on a port of this machine, or in a directory of this user.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::time::sleep;

use super::stream::{LOCAL, Stream};

/// The longest path of a Unix socket on every system, in bytes.
const MAX_PATH: usize = 103;

/// Connections that may wait to be accepted. A system that has more of them lets a peer wait for a second before it tries again.
const BACKLOG: u32 = 1024;

/// The pause after a connection could not be accepted, for example as there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens on a port that the system chooses. Returns the port.
    pub(crate) fn bind_port() -> io::Result<(Self, u16)> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((LOCAL, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        Ok((Self::Tcp(listener), port))
    }

    /// Waits for the next connection. Cancel safe.
    pub(crate) async fn accept(&self) -> Stream {
        loop {
            let accepted = match self {
                Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
                Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
            };
            match accepted {
                Ok(stream) => return stream,
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// A Unix socket in a new directory, accessible only to this user. Dropping it removes both.
#[derive(Debug)]
pub(crate) struct PrivateSocket {
    directory: PathBuf,
}

impl PrivateSocket {
    /// Listens on a new socket. `None` means that no directory for it can be written, or that its path would be too long.
    pub(crate) fn listen() -> Option<(Self, Listener)> {
        [std::env::temp_dir(), PathBuf::from("/tmp")].iter().find_map(|parent| Self::listen_in(parent))
    }

    fn listen_in(parent: &Path) -> Option<(Self, Listener)> {
        let name = format!("mf-{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        let directory = std::path::absolute(parent).ok()?.join(name);
        if directory.join("s").as_os_str().as_bytes().len() > MAX_PATH {
            return None;
        }
        DirBuilder::new().mode(0o700).create(&directory).ok()?;
        let socket = Self { directory };
        let listener = UnixListener::bind(socket.path()).ok()?;
        Some((socket, Listener::Unix(listener)))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("s")
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        // A directory that cannot be removed does no harm.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
