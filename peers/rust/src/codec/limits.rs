//! How large and how deep a message may be.

/// Limits of one codec (rule LIM-1). What is beyond is refused in both directions.
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
    /// Lists and maps within each other, in one argument or result. Default: 100.
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
    /// What is wrong with them: each has to be at least 1.
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

/// Levels that the message itself adds around an argument: its map, and the list of arguments.
pub(crate) const ENVELOPE_DEPTH: usize = 2;

/// Values that the message itself adds: its map, the names of its fields, and those that are not counted.
pub(crate) const ENVELOPE_VALUES: usize = 32;

/// Longest id that is read, in characters.
pub(crate) const MAX_ID_LENGTH: usize = 256;
