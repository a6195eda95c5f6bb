//! Reads the bytes of one peer, however they are split. Does no input or output itself.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ProtocolError;
use super::wire::{
    COMMAND, Command, GREETING_BYTES, Head, LONG, MORE, Ready, SocketType, check_greeting, read_command,
};

/// How many bytes are read at once, at least.
const CHUNK: usize = 64 * 1024;

/// The longest command, in bytes.
const MAX_COMMAND: u64 = 4096;

/// The most frames of a message. Two are needed; even empty ones cost time.
const MAX_FRAMES: usize = 16;

/// What a peer may send.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// The longest message, with all its frames, in bytes.
    pub(crate) message_bytes: usize,
    /// What happens to a longer one: it is read and dropped, or it ends the connection.
    pub(crate) skips_larger: bool,
    /// The account of the incomplete messages of all peers, if there can be many.
    pub(crate) incomplete: Option<Arc<Incomplete>>,
}

impl Limits {
    /// For a peer that has not been accepted.
    pub(crate) fn of_strangers() -> Self {
        Self { message_bytes: CHUNK, skips_larger: false, incomplete: None }
    }
}

/// What a peer has sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<T> {
    /// The payload of a message.
    Message(T),
    /// Frames that are no message of the protocol.
    Malformed,
    /// A message above the limit.
    TooLarge,
}

/// What the bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Ready(Ready),
    /// With the answer, as a frame.
    Ping(Vec<u8>),
    /// Where the payload is, which [`Reader::bytes`] returns until more bytes are read.
    Message(Received<Range<usize>>),
}

/// The state of one peer's stream of bytes.
pub(super) struct Reader {
    own: SocketType,
    limits: Limits,
    buffer: Vec<u8>,
    /// Where the message begins that is not complete.
    at: usize,
    /// The bytes that the next frame still needs, as far as known.
    missing: usize,
    phase: Phase,
    skip: Option<Skip>,
    share: Share,
}

#[derive(PartialEq, Eq)]
enum Phase {
    Greeting,
    Handshake,
    Messages,
}

/// The rest of a message above the limit.
struct Skip {
    /// The bytes of its current frame that are to come.
    left: u64,
    has_more: bool,
}

enum Scan {
    Partial { missing: usize },
    Command { frame: Range<usize>, content: usize },
    Message { payload: Option<Range<usize>>, end: usize },
    TooLarge { body: usize, head: Head },
}

impl Reader {
    pub(super) fn new(own: SocketType, limits: Limits) -> Self {
        let share = Share { of: limits.incomplete.clone(), bytes: 0 };
        let phase = Phase::Greeting;
        Self { own, limits, buffer: Vec::new(), at: 0, missing: 0, phase, skip: None, share }
    }

    /// Changes what the peer may send from now on.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.share = Share { of: limits.incomplete.clone(), bytes: 0 };
        self.limits = limits;
    }

    /// Where to add the next bytes. There is room for some. It grows with what has arrived, not with what was announced.
    pub(super) fn space(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > CHUNK {
            self.buffer = Vec::new();
        }
        self.buffer.reserve(self.missing.min(self.buffer.len()).max(CHUNK));
        &mut self.buffer
    }

    /// Frees the memory while nothing is incomplete, if there can be many peers. Returns whether it did.
    pub(super) fn rest(&mut self) -> bool {
        let rests = self.limits.incomplete.is_some() && self.at == self.buffer.len();
        if rests {
            (self.buffer, self.at) = (Vec::new(), 0);
        }
        rests
    }

    /// The bytes of a payload.
    pub(super) fn bytes(&self, payload: Range<usize>) -> &[u8] {
        &self.buffer[payload]
    }

    /// Takes the next complete item. `None` means that more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Item>, ProtocolError> {
        if self.phase == Phase::Greeting {
            check_greeting(&self.buffer[..self.buffer.len().min(GREETING_BYTES)])?;
            if self.buffer.len() < GREETING_BYTES {
                return Ok(None);
            }
            (self.at, self.phase) = (GREETING_BYTES, Phase::Handshake);
        }
        loop {
            if self.skip.is_some() {
                return Ok(self.skip_on().then_some(Item::Message(Received::TooLarge)));
            }
            match self.scan()? {
                Scan::Partial { missing } => {
                    self.missing = missing;
                    self.share.set(if missing == 0 { 0 } else { self.buffer.len() - self.at })?;
                    return Ok(None);
                }
                Scan::Command { frame, content } => {
                    let read = read_command(&self.buffer[content..frame.end], self.own, self.phase == Phase::Messages)?;
                    // It may stand between the frames of a message.
                    self.buffer.drain(frame);
                    match read {
                        Command::Ready(ready) => {
                            self.phase = Phase::Messages;
                            return Ok(Some(Item::Ready(ready)));
                        }
                        Command::Ping(pong) => return Ok(Some(Item::Ping(pong))),
                        Command::Other => {}
                    }
                }
                Scan::Message { payload, end } => {
                    self.at = end;
                    return Ok(Some(Item::Message(payload.map_or(Received::Malformed, Received::Message))));
                }
                Scan::TooLarge { .. } if !self.limits.skips_larger => {
                    return Err(ProtocolError::TooLarge(self.limits.message_bytes));
                }
                Scan::TooLarge { body, head } => {
                    self.at = body;
                    self.skip = Some(Skip { left: head.length, has_more: head.has(MORE) });
                }
            }
        }
    }

    /// Reads the frames of the next message, as far as they are there. A command ends the scan.
    fn scan(&self) -> Result<Scan, ProtocolError> {
        let (mut at, mut frames, mut bytes) = (self.at, 0, 0u64);
        let mut is_delimited = false;
        let mut payload = None;
        loop {
            let Some(head) = Head::read(&self.buffer[at..]) else {
                return Ok(Scan::Partial { missing: usize::from(at < self.buffer.len() || frames > 0) });
            };
            let body = at + head.size;
            if head.flags & !(MORE | LONG | COMMAND) != 0 || (head.has(COMMAND) && head.has(MORE)) {
                return Err(ProtocolError::Flags(head.flags));
            }
            if head.has(COMMAND) {
                if head.length > MAX_COMMAND {
                    return Err(ProtocolError::LongCommand(head.length));
                }
            } else if self.phase != Phase::Messages {
                return Err(ProtocolError::NotReady);
            } else {
                frames += 1;
                bytes = bytes.saturating_add(head.length);
                if frames > MAX_FRAMES {
                    return Err(ProtocolError::TooManyFrames(MAX_FRAMES));
                }
                if bytes > self.limits.message_bytes as u64 {
                    return Ok(Scan::TooLarge { body, head });
                }
            }
            // Both limits are far below the largest `usize`.
            let end = body + head.length as usize;
            if end > self.buffer.len() {
                return Ok(Scan::Partial { missing: end - self.buffer.len() });
            }
            if head.has(COMMAND) {
                return Ok(Scan::Command { frame: at..end, content: body });
            }
            match frames {
                1 => is_delimited = head.length == 0,
                2 if is_delimited => payload = Some(body..end),
                _ => {}
            }
            if !head.has(MORE) {
                return Ok(Scan::Message { payload, end });
            }
            at = end;
        }
    }

    /// Drops what there is of a message above the limit. Returns whether that was all of it.
    fn skip_on(&mut self) -> bool {
        while let Some(skip) = &mut self.skip {
            let there = self.buffer.len() - self.at;
            let passed = usize::try_from(skip.left).unwrap_or(usize::MAX).min(there);
            self.at += passed;
            skip.left -= passed as u64;
            if skip.left > 0 {
                return false;
            }
            if !skip.has_more {
                self.skip = None;
                return true;
            }
            let Some(head) = Head::read(&self.buffer[self.at..]) else { return false };
            self.at += head.size;
            skip.left = head.length;
            skip.has_more = head.has(MORE) || head.has(COMMAND);
        }
        false
    }
}

/// The account of the incomplete messages of all peers: bounds what they cost together.
#[derive(Debug)]
pub(crate) struct Incomplete {
    limit: usize,
    bytes: AtomicUsize,
    peers: AtomicUsize,
}

impl Incomplete {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, bytes: AtomicUsize::new(0), peers: AtomicUsize::new(0) })
    }
}

/// One peer's part of the account.
struct Share {
    of: Option<Arc<Incomplete>>,
    bytes: usize,
}

impl Share {
    /// Sets what is held for this peer. Small messages do not count. Above the limit, peers with more than an equal part are
    /// refused.
    fn set(&mut self, held: usize) -> Result<(), ProtocolError> {
        let Some(all) = &self.of else { return Ok(()) };
        let held = if held > CHUNK { held } else { 0 };
        if held == self.bytes {
            return Ok(());
        }
        match (self.bytes, held) {
            (0, _) => all.peers.fetch_add(1, Ordering::Relaxed),
            (_, 0) => all.peers.fetch_sub(1, Ordering::Relaxed),
            _ => all.peers.load(Ordering::Relaxed),
        };
        // Wraps around where it shrinks, and so does the sum.
        all.bytes.fetch_add(held.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.bytes = held;
        let part = all.limit / all.peers.load(Ordering::Relaxed).max(1);
        if all.bytes.load(Ordering::Relaxed) > all.limit && held >= part {
            return Err(ProtocolError::TooMuchIncomplete(all.limit));
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = self.set(0);
    }
}
