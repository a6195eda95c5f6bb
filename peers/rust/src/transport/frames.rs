//! What a peer sends, looked at on its way: the lengths that its frames announce.
//!
//! Source of the format: ZMTP 3.1, <https://rfc.zeromq.org/spec/37/>.

/// The longest that a message may be, all of its frames together: the payload's own limit (64 MiB), and room for the rest.
const MAX_MESSAGE: u64 = 64 * 1024 * 1024 + 64 * 1024;

/// The most frames of a message. Three are needed; an empty one costs memory too.
const MAX_FRAMES: u32 = 64;

/// What comes first on a connection, before frames.
const GREETING: u64 = 64;

const MORE: u8 = 1;
const LONG: u8 = 2;

/// Follows one connection's bytes.
#[derive(Default)]
pub(super) struct Frames {
    /// Bytes that need no look: of the greeting, or of a frame behind its length.
    passing: Passing,
    head: Vec<u8>,
    bytes: u64,
    frames: u32,
}

struct Passing(u64);

impl Default for Passing {
    fn default() -> Self {
        Self(GREETING)
    }
}

impl Frames {
    /// Whether these bytes may be handed on. Once they may not, the connection is of no more use.
    pub(super) fn allow(&mut self, mut bytes: &[u8]) -> bool {
        while let Some(&first) = bytes.first() {
            if self.passing.0 > 0 {
                let passed = bytes.len().min(usize::try_from(self.passing.0).unwrap_or(usize::MAX));
                self.passing.0 -= passed as u64;
                bytes = &bytes[passed..];
                continue;
            }
            self.head.push(first);
            bytes = &bytes[1..];
            if !self.take_head() {
                return false;
            }
        }
        true
    }

    fn take_head(&mut self) -> bool {
        let Some(length) = announced(&self.head) else { return true };
        let is_last = self.head[0] & MORE == 0;
        self.head.clear();
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(length);
        self.passing = Passing(length);
        let is_allowed = self.bytes <= MAX_MESSAGE && self.frames <= MAX_FRAMES;
        if is_last {
            (self.bytes, self.frames) = (0, 0);
        }
        is_allowed
    }
}

/// The length in a frame's head, when all of it is there: flags, then one byte or eight.
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
        bytes.chunks(step).all(|chunk| frames.allow(chunk))
    }

    #[test]
    fn messages_within_the_limits_pass_however_they_are_cut() {
        let message = [vec![MORE, 0], vec![0, 3, 7, 7, 7], frame(0, 300), vec![1; 300]];
        for step in 1..=400 {
            assert!(allowed(&message, step), "in pieces of {step}");
        }
    }

    #[test]
    fn what_is_announced_has_an_end_however_it_is_cut() {
        for length in [MAX_MESSAGE + 1, 1 << 36, 1 << 50, u64::MAX] {
            for step in 1..=80 {
                assert!(!allowed(&[frame(0, length)], step), "{length} in pieces of {step}");
            }
        }
        assert!(allowed(&[frame(0, MAX_MESSAGE)], 7));
    }

    #[test]
    fn the_frames_of_a_message_count_together() {
        let half = |flags| [frame(flags, 0).as_slice(), &[]].concat();
        assert!(!allowed(&vec![half(MORE); 65], 9));
        assert!(allowed(&vec![half(0); 1000], 9));
        let mut frames = Frames { passing: Passing(0), ..Frames::default() };
        assert!(frames.allow(&frame(MORE, MAX_MESSAGE / 2 + 1)));
        frames.passing = Passing(0);
        assert!(!frames.allow(&frame(0, MAX_MESSAGE / 2 + 1)));
    }
}
