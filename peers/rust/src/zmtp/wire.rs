//! The bytes of greetings, commands and frames.

use super::ProtocolError;

pub(super) const MORE: u8 = 1;
pub(super) const LONG: u8 = 2;
pub(super) const COMMAND: u8 = 4;

pub(super) const GREETING_BYTES: usize = 64;

/// Signature, version 3.1, the mechanism NULL, and zeros.
const GREETING: [u8; GREETING_BYTES] = {
    let mut greeting = [0; GREETING_BYTES];
    (greeting[0], greeting[9], greeting[10], greeting[11]) = (0xff, 0x7f, 3, 1);
    (greeting[12], greeting[13], greeting[14], greeting[15]) = (b'N', b'U', b'L', b'L');
    greeting
};

/// The longest context of a PING, in bytes.
const MAX_PING_CONTEXT: usize = 16;

/// The kind of socket that an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketType {
    /// A parent.
    Dealer,
    /// A worker.
    Router,
}

impl SocketType {
    fn name(self) -> &'static str {
        match self {
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
        }
    }

    /// The types that messages of this protocol can be exchanged with.
    fn talks_to(self, other: &[u8]) -> bool {
        match self {
            Self::Dealer => other == b"ROUTER",
            Self::Router => matches!(other, b"DEALER" | b"REQ"),
        }
    }
}

/// Checks as much of a greeting as there is, so that another protocol is refused at its first byte.
pub(super) fn check_greeting(bytes: &[u8]) -> Result<(), ProtocolError> {
    if bytes.first().is_some_and(|byte| *byte != 0xff) || bytes.get(9).is_some_and(|byte| *byte != 0x7f) {
        return Err(ProtocolError::NotZmtp);
    }
    if let Some(major @ ..3) = bytes.get(10) {
        return Err(ProtocolError::Version(*major));
    }
    let has_mechanism = bytes.iter().zip(&GREETING).skip(12).take(20).all(|(is, expected)| is == expected);
    if has_mechanism { Ok(()) } else { Err(ProtocolError::Mechanism) }
}

/// What an end sends first, in one write: the greeting and READY.
pub(super) fn hello(own: SocketType, property: Option<(&str, &str)>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in [("Socket-Type", own.name()), ("Identity", "")].into_iter().chain(property) {
        body.push(u8::try_from(name.len()).expect("names are short"));
        body.extend(name.as_bytes());
        body.extend(u32::try_from(value.len()).expect("values are short").to_be_bytes());
        body.extend(value.as_bytes());
    }
    [&GREETING, command(b"READY", &body).as_slice()].concat()
}

/// Encodes a command.
pub(super) fn command(name: &[u8], body: &[u8]) -> Vec<u8> {
    let length = 1 + name.len() + body.len();
    let mut frame = Vec::with_capacity(length + 9);
    match u8::try_from(length) {
        Ok(length) => frame.extend([COMMAND, length]),
        Err(_) => {
            frame.push(COMMAND | LONG);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.push(name.len() as u8);
    frame.extend(name);
    frame.extend(body);
    frame
}

/// The ERROR command, which tells a peer that it is not wanted.
pub(super) fn refusal(reason: &str) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.len().min(200)];
    command(b"ERROR", &[&[reason.len() as u8], reason].concat())
}

/// What [`write_head`] adds at most, in bytes.
pub(super) const MAX_HEAD: usize = 11;

/// Adds what precedes a payload: the empty frame, and the head of the payload's frame. Returns the number of bytes.
pub(super) fn write_head(out: &mut Vec<u8>, payload: usize) -> usize {
    match u8::try_from(payload) {
        Ok(length) => {
            out.extend([MORE, 0, 0, length]);
            4
        }
        Err(_) => {
            out.extend([MORE, 0, LONG]);
            out.extend((payload as u64).to_be_bytes());
            MAX_HEAD
        }
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) flags: u8,
    /// The bytes of the head.
    pub(super) size: usize,
    /// The bytes of the body.
    pub(super) length: u64,
}

impl Head {
    /// Reads a head. `None` means that bytes of it are missing.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.first()?;
        if flags & LONG == 0 {
            return Some(Self { flags, size: 2, length: u64::from(*bytes.get(1)?) });
        }
        let length = u64::from_be_bytes(*bytes.get(1..)?.first_chunk()?);
        Some(Self { flags, size: 9, length })
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// A command of a peer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ready(Ready),
    /// With the answer, as a frame.
    Ping(Vec<u8>),
    Other,
}

/// The properties in a peer's READY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready(Vec<(String, Vec<u8>)>);

impl Ready {
    /// The value of a property, whose name may be in any case.
    pub(super) fn property(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }
}

/// Reads the content of a command's frame. Before the peer's READY, nothing but READY is allowed.
pub(super) fn read_command(content: &[u8], own: SocketType, is_ready: bool) -> Result<Command, ProtocolError> {
    let (length, rest) = content.split_first().ok_or(ProtocolError::Command)?;
    let (name, body) = rest.split_at_checked(usize::from(*length)).ok_or(ProtocolError::Command)?;
    match name {
        b"" => Err(ProtocolError::Command),
        b"READY" if !is_ready => read_ready(body, own).map(Command::Ready),
        b"ERROR" if !is_ready => {
            Err(ProtocolError::Refused(String::from_utf8_lossy(body.get(1..).unwrap_or_default()).into_owned()))
        }
        _ if !is_ready => Err(ProtocolError::NotReady),
        b"PING" => match body.split_at_checked(2) {
            Some((_, context)) if context.len() <= MAX_PING_CONTEXT => Ok(Command::Ping(command(b"PONG", context))),
            _ => Err(ProtocolError::Command),
        },
        _ => Ok(Command::Other),
    }
}

fn read_ready(mut body: &[u8], own: SocketType) -> Result<Ready, ProtocolError> {
    let mut properties = Vec::new();
    while !body.is_empty() {
        let (name, value, rest) = split_property(body).ok_or(ProtocolError::Command)?;
        properties.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        body = rest;
    }
    let ready = Ready(properties);
    let socket_type = ready.property("Socket-Type").unwrap_or_default();
    if !own.talks_to(socket_type) {
        let shown = &socket_type[..socket_type.len().min(32)];
        return Err(ProtocolError::SocketType(shown.escape_ascii().to_string()));
    }
    Ok(ready)
}

fn split_property(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = body.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    (!name.is_empty()).then_some((name, value, rest))
}
