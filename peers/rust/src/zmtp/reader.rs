//! Reads the bytes of one peer, however they are split. Does no input or output itself.

use std::ops::Range;
use std::sync::Arc;

use super::ProtocolError;
use super::account::{Account, Share};
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
    /// The account of all peers, if there can be many.
    pub(crate) account: Option<Arc<Account>>,
}

impl Limits {
    /// For a peer that has not been accepted.
    pub(crate) fn of_strangers() -> Self {
        Self { message_bytes: CHUNK, skips_larger: false, account: None }
    }
}

/// What a peer has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let share = Share::of(limits.account.clone());
        let phase = Phase::Greeting;
        Self { own, limits, buffer: Vec::new(), at: 0, missing: 0, phase, skip: None, share }
    }

    /// Changes what the peer may send from now on.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.share = Share::of(limits.account.clone());
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
        let rests = self.share.has_account() && self.at == self.buffer.len();
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
                    let held = if missing == 0 { 0 } else { self.buffer.len() - self.at };
                    self.share.set(held).map_err(ProtocolError::TooMuchHeld)?;
                    return Ok(None);
                }
                Scan::Command { frame, content } => {
                    let read = read_command(&self.buffer[content..frame.end], self.own, self.phase == Phase::Messages)?;
                    if frame.start == self.at {
                        self.at = frame.end;
                    } else {
                        // It stands between the frames of a message.
                        self.buffer.drain(frame);
                    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zmtp::wire::{command, hello, write_head};

    const LIMIT: usize = 1000;

    /// What a message is read as, with its payload.
    type Read = Received<Vec<u8>>;

    fn limits() -> Limits {
        Limits { message_bytes: LIMIT, skips_larger: false, account: None }
    }

    fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
        [&[flags | LONG], (body.len() as u64).to_be_bytes().as_slice(), body].concat()
    }

    fn message(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_head(&mut bytes, payload.len());
        bytes.extend(payload);
        bytes
    }

    fn greeted() -> Vec<u8> {
        hello(SocketType::Dealer, Some(("X-Token", "secret")))
    }

    /// What a reader makes of bytes that come in these pieces: the payload of each message, or what came instead.
    fn read_with<'a>(limits: Limits, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Read>, ProtocolError> {
        let mut reader = Reader::new(SocketType::Router, limits);
        let mut all = Vec::new();
        for piece in pieces {
            reader.space().extend_from_slice(piece);
            while let Some(item) = reader.next()? {
                match item {
                    Item::Message(Received::Message(payload)) => {
                        all.push(Received::Message(reader.bytes(payload).to_vec()));
                    }
                    Item::Message(Received::Malformed) => all.push(Received::Malformed),
                    Item::Message(Received::TooLarge) => all.push(Received::TooLarge),
                    Item::Ping(pong) => all.push(Received::Message(pong)),
                    Item::Ready(ready) => assert_eq!(ready.property("x-token"), Some(b"secret".as_slice())),
                }
            }
        }
        Ok(all)
    }

    fn read(bytes: &[u8], step: usize) -> Result<Vec<Read>, ProtocolError> {
        read_with(limits(), bytes.chunks(step))
    }

    /// One after READY of each kind of item, and what it is read as.
    fn items() -> Vec<(Vec<u8>, Option<Read>)> {
        let ping = command(b"PING", b"\0\0context");
        vec![
            (message(b""), Some(Received::Message(Vec::new()))),
            (message(b"short"), Some(Received::Message(b"short".to_vec()))),
            (message(&[7; 900]), Some(Received::Message(vec![7; 900]))),
            ([frame(MORE, b""), frame(MORE, b"a"), frame(0, b"b")].concat(), Some(Received::Message(b"a".to_vec()))),
            (frame(0, b"alone"), Some(Received::Malformed)),
            ([frame(MORE, b"full"), frame(0, b"b")].concat(), Some(Received::Malformed)),
            (ping, Some(Received::Message(command(b"PONG", b"context")))),
            (command(b"SUBSCRIBE", b"all"), None),
        ]
    }

    #[test]
    fn items_are_read_however_the_bytes_are_split() {
        let (items, expected): (Vec<_>, Vec<_>) = items().into_iter().unzip();
        let expected: Vec<_> = expected.into_iter().flatten().collect();
        let bytes = [greeted(), items.concat()].concat();
        for step in 1..=bytes.len() {
            assert_eq!(read(&bytes, step), Ok(expected.clone()), "in pieces of {step}");
        }
        for at in 1..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(read_with(limits(), [first, second].into_iter()), Ok(expected.clone()), "split at {at}");
        }
    }

    #[test]
    fn a_command_between_the_frames_of_a_message_does_not_change_it() {
        let ping = command(b"PING", b"\0\0");
        let bytes = [greeted(), frame(MORE, b""), ping, frame(0, b"payload"), message(b"next")].concat();
        let pong = Received::Message(command(b"PONG", b""));
        let expected = [pong, Received::Message(b"payload".to_vec()), Received::Message(b"next".to_vec())];
        for step in 1..=bytes.len() {
            assert_eq!(read(&bytes, step).as_deref(), Ok(expected.as_slice()), "in pieces of {step}");
        }
    }

    #[test]
    fn a_message_above_the_limit_ends_the_connection_as_soon_as_it_is_announced() {
        for length in [LIMIT as u64 + 1, 1 << 36, 1 << 62, u64::MAX] {
            let bytes = [greeted(), frame(MORE, b""), vec![LONG], length.to_be_bytes().to_vec()].concat();
            for step in 1..=bytes.len() {
                assert_eq!(read(&bytes, step), Err(ProtocolError::TooLarge(LIMIT)), "{length} in pieces of {step}");
            }
        }
        let together = [greeted(), frame(MORE, &[0; 600]), frame(0, &[0; 600])].concat();
        assert_eq!(read(&together, 64), Err(ProtocolError::TooLarge(LIMIT)));
    }

    #[test]
    fn a_message_above_the_limit_can_be_skipped_instead() {
        let large = [frame(MORE, b""), frame(MORE, &[1; 2000]), command(b"X", b"y"), frame(0, &[4; 300])].concat();
        let bytes = [greeted(), message(b"before"), large, message(b"after")].concat();
        let expected =
            [Received::Message(b"before".to_vec()), Received::TooLarge, Received::Message(b"after".to_vec())];
        for step in 1..=bytes.len() {
            let limits = Limits { skips_larger: true, ..limits() };
            assert_eq!(
                read_with(limits, bytes.chunks(step)).as_deref(),
                Ok(expected.as_slice()),
                "in pieces of {step}"
            );
        }
    }

    #[test]
    fn what_breaks_the_protocol_ends_the_connection() {
        let ready = greeted();
        let after = |bytes: &[u8]| read(&[ready.as_slice(), bytes].concat(), 7);
        assert_eq!(after(&frame(8, b"")), Err(ProtocolError::Flags(8 | LONG)));
        assert_eq!(after(&frame(COMMAND | MORE, b"\x01X")), Err(ProtocolError::Flags(COMMAND | MORE | LONG)));
        assert_eq!(after(&frame(COMMAND, &[0; 5000])), Err(ProtocolError::LongCommand(5000)));
        assert_eq!(after(&frame(COMMAND, b"\x09X")), Err(ProtocolError::Command));
        assert_eq!(after(&frame(COMMAND, b"")), Err(ProtocolError::Command));
        assert_eq!(after(&command(b"PING", b"")), Err(ProtocolError::Command));
        assert_eq!(after(&command(b"PING", &[0; 19])), Err(ProtocolError::Command));
        assert_eq!(after(&frame(MORE, b"").repeat(MAX_FRAMES + 1)), Err(ProtocolError::TooManyFrames(MAX_FRAMES)));
        let greeting = &ready[..GREETING_BYTES];
        let instead = |bytes: &[u8]| read(&[greeting, bytes].concat(), 7);
        assert_eq!(instead(&message(b"early")), Err(ProtocolError::NotReady));
        assert_eq!(instead(&command(b"PING", b"\0\0")), Err(ProtocolError::NotReady));
        assert_eq!(instead(&command(b"ERROR", b"\x02no")), Err(ProtocolError::Refused("no".to_owned())));
        assert_eq!(instead(&command(b"READY", b"\x04name")), Err(ProtocolError::Command));
        assert_eq!(instead(&command(b"READY", b"")), Err(ProtocolError::SocketType(String::new())));
        let router = hello(SocketType::Router, None);
        assert_eq!(read(&router, 7), Err(ProtocolError::SocketType("ROUTER".to_owned())));
    }

    #[test]
    fn another_protocol_is_refused_as_soon_as_it_shows() {
        assert_eq!(read(b"G", 1), Err(ProtocolError::NotZmtp));
        assert_eq!(read(b"\x16\x03\x01", 1), Err(ProtocolError::NotZmtp));
        assert_eq!(read(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0], 1), Err(ProtocolError::NotZmtp));
        assert_eq!(read(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1], 1), Err(ProtocolError::Version(1)));
        let mut plain = greeted();
        plain[12..17].copy_from_slice(b"PLAIN");
        assert_eq!(read(&plain[..13], 1), Err(ProtocolError::Mechanism));
        let mut later = greeted();
        later[11] = 9;
        assert_eq!(read(&later, 7), Ok(Vec::new()), "a later minor version is compatible");
    }

    #[test]
    fn an_announcement_costs_no_memory() {
        let mut reader = Reader::new(SocketType::Router, Limits { message_bytes: 1 << 30, ..limits() });
        let announced = [greeted(), frame(MORE, b""), vec![LONG], (1u64 << 30).to_be_bytes()[..].to_vec()].concat();
        reader.space().extend(announced.into_iter().take(GREETING_BYTES + 90));
        while reader.next().expect("it is allowed").is_some() {}
        assert!(reader.space().capacity() <= 4 * CHUNK);
        // It grows with what has come.
        reader.space().extend(vec![0; 10 * CHUNK]);
        while reader.next().expect("it is allowed").is_some() {}
        assert!(reader.space().capacity() <= 40 * CHUNK);
    }

    #[test]
    fn incomplete_messages_of_all_peers_are_bounded_together() {
        let limit = 5 * CHUNK;
        let limits = Limits { message_bytes: 1 << 30, skips_larger: false, account: Some(Account::new(limit)) };
        let begun = [greeted(), frame(MORE, b""), vec![LONG], (1u64 << 29).to_be_bytes().to_vec()].concat();
        let mut readers: Vec<Reader> = (0..2).map(|_| Reader::new(SocketType::Router, limits.clone())).collect();
        let outcomes: Vec<_> = readers
            .iter_mut()
            .map(|reader| {
                reader.space().extend_from_slice(&begun);
                while reader.next().expect("it is allowed").is_some() {}
                reader.space().extend(vec![0; 3 * CHUNK]);
                reader.next()
            })
            .collect();
        assert_eq!(outcomes, [Ok(None), Err(ProtocolError::TooMuchHeld(limit))]);
    }

    /// Bytes from a generator with a fixed seed: valid items, changed here and there, in pieces of random size.
    #[test]
    fn hostile_bytes_are_read_or_refused_without_a_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let valid = items();
        let (mut read_whole, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes = greeted();
            for _ in 0..random(6) {
                bytes.extend(&valid[random(valid.len())].0);
            }
            for _ in 0..random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            if random(4) == 0 {
                let at = random(bytes.len());
                let noise: Vec<u8> = (0..random(64)).map(|_| random(256) as u8).collect();
                bytes.splice(at..at, noise);
            }
            bytes.truncate(1 + random(bytes.len() * 2));
            let whole = read_unnamed(&bytes, bytes.len(), random(2) == 0);
            let in_pieces = read_unnamed(&bytes, 1 + random(100), false);
            if let (Ok(whole), Ok(in_pieces)) = (&whole, &in_pieces) {
                assert_eq!(whole, in_pieces, "{bytes:?}");
                read_whole += 1;
            } else {
                refused += 1;
            }
        }
        assert!(read_whole > 1000 && refused > 1000, "{read_whole} and {refused}: the test tests little");
    }

    /// As [`read`], for a READY without the property.
    fn read_unnamed(bytes: &[u8], step: usize, skips_larger: bool) -> Result<usize, ProtocolError> {
        let mut reader = Reader::new(SocketType::Router, Limits { skips_larger, ..limits() });
        let mut count = 0;
        for piece in bytes.chunks(step) {
            reader.space().extend_from_slice(piece);
            while let Some(item) = reader.next()? {
                if let Item::Message(Received::Message(payload)) = item {
                    count += 1 + reader.bytes(payload).len();
                }
            }
            assert!(reader.buffer.len() - reader.at <= LIMIT + MAX_COMMAND as usize + 10 * MAX_FRAMES);
        }
        Ok(count)
    }
}
