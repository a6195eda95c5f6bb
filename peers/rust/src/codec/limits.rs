//! The limits of messages.

/// The limits of messages and values (rule LIM-1), when writing and when reading. Each must be at least 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message. Default: 64 MiB.
    pub message_bytes: usize,
    /// Bytes of one text. Default: 64 MiB.
    pub string_bytes: usize,
    /// Bytes of one binary value. Default: 64 MiB.
    pub binary_bytes: usize,
    /// Items of one list. Default: 1,000,000.
    pub array_length: usize,
    /// Entries of one map. Default: 1,000,000.
    pub map_length: usize,
    /// Values of a message, keys included. Default: 4,000,000.
    pub values: usize,
    /// Levels of lists and maps in one argument or result. Default: 100.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB_64: usize = 64 * 1024 * 1024;
        Self {
            message_bytes: MIB_64,
            string_bytes: MIB_64,
            binary_bytes: MIB_64,
            array_length: 1_000_000,
            map_length: 1_000_000,
            values: 4_000_000,
            depth: 100,
        }
    }
}

impl Limits {
    /// What is wrong with the limits, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        let all = [
            ("message_bytes", self.message_bytes),
            ("string_bytes", self.string_bytes),
            ("binary_bytes", self.binary_bytes),
            ("array_length", self.array_length),
            ("map_length", self.map_length),
            ("values", self.values),
            ("depth", self.depth),
        ];
        let zero = all.iter().find(|(_, limit)| *limit == 0);
        zero.map(|(name, _)| format!("the limit {name} must be at least 1, not 0"))
    }
}

/// The levels that a message adds around an argument: its map, and the list of arguments.
pub(crate) const ENVELOPE_DEPTH: usize = 2;

/// The values that a message adds to those of the user.
pub(crate) const ENVELOPE_VALUES: usize = 32;

/// The longest id that is accepted, in characters.
pub(crate) const MAX_ID_LENGTH: usize = 256;
