//! Checks the bytes that a peer sends: the announced lengths of frames, commands, of which the crate knows only that of the
//! handshake, and the ends of messages.
//!
//! The format is ZMTP 3.1, <https://rfc.zeromq.org/spec/37/>.

/// The longest message, with all its frames: the limit of the payload (64 MiB), and room for the rest.
const MAX_MESSAGE: u64 = 64 * 1024 * 1024 + 64 * 1024;

/// The most frames of a message. Three are needed; even empty ones cost memory.
const MAX_FRAMES: u32 = 64;

/// The length of the greeting, which precedes the frames.
const GREETING: u64 = 64;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Follows the bytes of one connection.
pub(super) struct Frames {
    /// The remaining bytes of the greeting or of a frame's body, which are not checked.
    passing: u64,
    head: Vec<u8>,
    /// The bytes of the message so far.
    bytes: u64,
    frames: u32,
    /// The command of the handshake has arrived.
    is_shaken: bool,
}

impl Default for Frames {
    fn default() -> Self {
        // The greeting is not checked.
        Self { passing: GREETING, head: Vec::new(), bytes: 0, frames: 0, is_shaken: false }
    }
}

impl Frames {
    /// Returns how many of these bytes belong to complete messages. The others begin a message that continues. `None` means that
    /// the bytes are not allowed and the connection must be closed.
    pub(super) fn whole(&mut self, bytes: &[u8]) -> Option<usize> {
        let (mut read, mut whole) = (0, 0);
        while read < bytes.len() {
            if self.passing == 0 {
                self.head.push(bytes[read]);
                read += 1;
                self.take_head()?;
            } else {
                let passed = (bytes.len() - read).min(usize::try_from(self.passing).unwrap_or(usize::MAX));
                self.passing -= passed as u64;
                read += passed;
            }
            if self.is_whole() {
                whole = read;
            }
        }
        Some(whole)
    }

    fn is_whole(&self) -> bool {
        let is_greeting = !self.is_shaken;
        self.head.is_empty() && self.frames == 0 && (self.passing == 0 || is_greeting)
    }

    /// Reads the head of a frame. Returns `None` if it is not allowed.
    fn take_head(&mut self) -> Option<()> {
        let Some(length) = announced(&self.head) else { return Some(()) };
        let (is_last, is_command) = (self.head[0] & MORE == 0, self.head[0] & COMMAND != 0);
        let is_known = !(is_command && self.is_shaken);
        self.is_shaken = true;
        self.head.clear();
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(length);
        self.passing = length;
        let is_allowed = is_known && self.bytes <= MAX_MESSAGE && self.frames <= MAX_FRAMES;
        if is_last {
            (self.bytes, self.frames) = (0, 0);
        }
        is_allowed.then_some(())
    }
}

/// The length in the head of a frame, once the head is complete: flags, then one or eight bytes.
fn announced(head: &[u8]) -> Option<u64> {
    match head {
        [flags, length @ ..] if flags & LONG != 0 => Some(u64::from_be_bytes(length.try_into().ok()?)),
        [_, length] => Some(u64::from(*length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(flags: u8, length: u64) -> Vec<u8> {
        [[flags | LONG].as_slice(), &length.to_be_bytes()].concat()
    }

    fn allowed(parts: &[Vec<u8>], step: usize) -> bool {
        let bytes = [vec![0; 64], parts.concat()].concat();
        let mut frames = Frames::default();
        bytes.chunks(step).all(|chunk| frames.whole(chunk).is_some())
    }

    #[test]
    fn messages_within_the_limits_pass_in_pieces_of_any_size() {
        let message = [vec![MORE, 0], vec![0, 3, 7, 7, 7], frame(0, 300), vec![1; 300]];
        for step in 1..=400 {
            assert!(allowed(&message, step), "in pieces of {step}");
        }
    }

    #[test]
    fn only_complete_messages_pass() {
        let parts = [
            vec![0; 64],
            vec![COMMAND, 3, 7, 7, 7],
            vec![MORE, 0, 0, 2, 7, 7],
            vec![0, 0],
            frame(0, 300),
            vec![1; 300],
        ];
        let bytes = parts.concat();
        // The ends of messages, and each byte of the greeting.
        let ends: Vec<usize> = (0..=64).chain([69, 75, 77, 386]).collect();
        for step in 1..=400 {
            let (mut frames, mut begin, mut gone) = (Frames::default(), 0, 0);
            for chunk in bytes.chunks(step) {
                let whole = frames.whole(chunk).expect("it is allowed");
                if whole > 0 {
                    gone = begin + whole;
                }
                begin += chunk.len();
                let expected = ends.iter().rfind(|end| **end <= begin);
                assert_eq!(Some(&gone), expected, "in pieces of {step}, after {begin}");
            }
        }
    }

    #[test]
    fn an_announced_length_above_the_limit_is_refused() {
        for length in [MAX_MESSAGE + 1, 1 << 36, 1 << 50, u64::MAX] {
            for step in 1..=80 {
                assert!(!allowed(&[frame(0, length)], step), "{length} in pieces of {step}");
            }
        }
        assert!(allowed(&[frame(0, MAX_MESSAGE)], 7));
    }

    #[test]
    fn the_handshake_is_the_only_command() {
        let command = vec![COMMAND, 1, 0];
        for step in 1..=80 {
            assert!(allowed(&[command.clone(), vec![0, 1, 0], vec![MORE, 0], vec![0, 0]], step));
            assert!(!allowed(&[command.clone(), vec![0, 1, 0], command.clone()], step), "in pieces of {step}");
            assert!(!allowed(&[command.clone(), vec![COMMAND | LONG, 0, 0, 0, 0, 0, 0, 0, 0]], step));
        }
    }

    #[test]
    fn the_frames_of_a_message_count_together() {
        let half = |flags| [frame(flags, 0).as_slice(), &[]].concat();
        assert!(!allowed(&vec![half(MORE); 65], 9));
        assert!(allowed(&vec![half(0); 1000], 9));
        assert!(!allowed(&[frame(MORE, 300), vec![0; 300], frame(0, MAX_MESSAGE - 299)], 9));
        assert!(allowed(&[frame(MORE, 300), vec![0; 300], frame(0, MAX_MESSAGE - 300)], 9));
    }
}
