//! ZeroMQ's protocol, ZMTP 3.1 with the mechanism NULL, on tokio: <https://rfc.zeromq.org/spec/37/>. A [`Connection`] is one
//! peer, which its owner may accept or refuse, unlike with a ZeroMQ library, whose sockets hide their peers.
//!
//! Nothing of a peer is trusted: [`reader`] checks each byte before memory is allocated for what the byte announces.

mod account;
mod connection;
mod listener;
mod outbox;
mod reader;
mod stream;
mod wire;

use std::io;
use std::time::Duration;

pub(crate) use account::Account;
pub(crate) use connection::{Connection, Setup};
pub(crate) use listener::{Listener, PrivateSocket};
pub(crate) use outbox::{Follow, Outbox};
pub(crate) use reader::{Limits, Received};
pub(crate) use stream::Stream;
pub(crate) use wire::SocketType;

/// The property of READY with which a worker proves that its parent started it.
pub(crate) const TOKEN_PROPERTY: &str = "X-Token";

/// How long a peer may take from connecting to its READY.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a connection ended or was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("it closed the connection")]
    Closed,
    #[error("its READY did not come within {} s", HANDSHAKE_TIMEOUT.as_secs())]
    Silent,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

/// How a peer breaks the protocol or exceeds a limit. Its connection must be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    #[error("it does not speak ZMTP 3")]
    NotZmtp,
    #[error("it speaks ZMTP {0}, not 3")]
    Version(u8),
    #[error("its mechanism is not NULL")]
    Mechanism,
    #[error("it sent a frame with the flags {0:#04x}")]
    Flags(u8),
    #[error("it sent a command that cannot be read")]
    Command,
    #[error("it sent a command of {0} bytes")]
    LongCommand(u64),
    #[error("it sent something else before its READY command")]
    NotReady,
    #[error("its socket has the type '{0}', which is not the counterpart of this one")]
    SocketType(String),
    #[error("it refused the connection: {0}")]
    Refused(String),
    #[error("it sent a message of more than {0} bytes")]
    TooLarge(usize),
    #[error("it sent a message of more than {0} frames")]
    TooManyFrames(usize),
    #[error("more than {0} bytes are held for all peers, and more for it than an equal part")]
    TooMuchHeld(usize),
}
