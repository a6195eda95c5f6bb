//! Decodes values. Limits are checked before memory is allocated for an announced length.

use std::borrow::Cow;
use std::fmt::{self, Display};

use super::limits::{ENVELOPE_DEPTH, ENVELOPE_VALUES, Limits};
use crate::value::{Map, Timestamp, Value};

/// Why bytes cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `MALFORMED_MESSAGE`, `LIMIT_EXCEEDED` or `OVERLOADED`.
    pub(crate) code: &'static str,
    what: String,
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

pub(crate) type Read<T> = Result<T, Fault>;

pub(crate) fn malformed(what: impl Into<String>) -> Fault {
    Fault { code: "MALFORMED_MESSAGE", what: what.into() }
}

fn exceeds(what: &str, limit: &str, value: usize) -> Fault {
    Fault { code: "LIMIT_EXCEEDED", what: format!("{what}, above the limit {limit} ({value})") }
}

/// Reads the bytes of one message.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    limits: &'a Limits,
    values: usize,
    /// The memory that the values may take, and take so far.
    memory: usize,
    taken: usize,
}

/// The memory of one value, and of a node of a map, which has room for 11 entries and usually has 6 or more.
const VALUE_BYTES: usize = size_of::<Value>();
const NODE_BYTES: usize = 11 * (size_of::<String>() + VALUE_BYTES) + 16;
const NODE_ENTRIES: usize = 6;

/// The memory that the allocator adds to a text.
const ALLOCATION_BYTES: usize = 16;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], limits: &'a Limits) -> Read<Self> {
        if bytes.len() > limits.message_bytes {
            return Err(exceeds(&format!("{} bytes", bytes.len()), "message_bytes", limits.message_bytes));
        }
        Ok(Self { rest: bytes, limits, values: 0, memory: usize::MAX, taken: 0 })
    }

    /// Limits the memory that the values may take, in bytes.
    pub(crate) fn within(self, memory: usize) -> Self {
        Self { memory, ..self }
    }

    /// The memory that the values take, as far as they have been read.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    fn take_memory(&mut self, bytes: usize) -> Read<()> {
        self.taken = self.taken.saturating_add(bytes);
        if self.taken > self.memory {
            return Err(Fault {
                code: "OVERLOADED",
                what: format!("it takes more than {} bytes of memory", self.memory),
            });
        }
        Ok(())
    }

    /// How many bytes have not been read.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Checks that all bytes have been read.
    pub(crate) fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(malformed(format!("{} bytes too many", self.rest.len()))) }
    }

    /// Reads the head of the message's map, and returns the number of fields.
    pub(crate) fn map_head(&mut self) -> Read<usize> {
        let length = match self.head()? {
            head @ 0x80..=0x8f => usize::from(head & 0x0f),
            0xde => self.length(2)?,
            0xdf => self.length(4)?,
            _ => return Err(malformed("a message must be a map")),
        };
        self.check_items(length, 2, "map_length", self.limits.map_length, 0)?;
        Ok(length)
    }

    /// Reads a key of a map. Numbers, booleans and nil become text.
    pub(crate) fn key(&mut self) -> Read<Cow<'a, str>> {
        let value = match self.rest.first() {
            Some(head @ 0xa0..=0xbf) => {
                self.head()?;
                return self.text(usize::from(head & 0x1f));
            }
            // Checked first, since nested keys would recurse without end.
            Some(0x80..=0x9f | 0xdc..=0xdf) => return Err(malformed("a map has a list or a map as a key")),
            _ => self.value(ENVELOPE_DEPTH)?,
        };
        Ok(Cow::Owned(match value {
            Value::Str(key) => key,
            Value::Int(key) => key.to_string(),
            Value::UInt(key) => key.to_string(),
            Value::Float(key) => key.to_string(),
            Value::Bool(key) => key.to_string(),
            Value::Nil => "null".to_owned(),
            other => return Err(malformed(format!("a map has {} as a key", other.kind()))),
        }))
    }

    /// Reads one value, `depth` levels below the top.
    pub(crate) fn value(&mut self, depth: usize) -> Read<Value> {
        let head = self.head()?;
        match head {
            0x00..=0x7f => Ok(Value::Int(i64::from(head))),
            0xe0..=0xff => Ok(Value::Int(i64::from(head as i8))),
            0x80..=0x8f => self.map(usize::from(head & 0x0f), depth),
            0x90..=0x9f => self.array(usize::from(head & 0x0f), depth),
            0xa0..=0xbf => self.text(usize::from(head & 0x1f)).map(to_text),
            0xc0 => Ok(Value::Nil),
            0xc1 => Err(malformed("it has the byte 0xc1, which MessagePack does not use")),
            0xc2 | 0xc3 => Ok(Value::Bool(head == 0xc3)),
            0xc4..=0xc6 => {
                let length = self.length(1 << (head - 0xc4))?;
                self.binary(length)
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (head - 0xc7))?;
                self.extension(length)
            }
            0xca => Ok(Value::Float(f64::from(f32::from_be_bytes(self.fixed()?)))),
            0xcb => Ok(Value::Float(f64::from_be_bytes(self.fixed()?))),
            0xcc => Ok(Value::Int(i64::from(u8::from_be_bytes(self.fixed()?)))),
            0xcd => Ok(Value::Int(i64::from(u16::from_be_bytes(self.fixed()?)))),
            0xce => Ok(Value::Int(i64::from(u32::from_be_bytes(self.fixed()?)))),
            0xcf => Ok(Value::from(u64::from_be_bytes(self.fixed()?))),
            0xd0 => Ok(Value::Int(i64::from(i8::from_be_bytes(self.fixed()?)))),
            0xd1 => Ok(Value::Int(i64::from(i16::from_be_bytes(self.fixed()?)))),
            0xd2 => Ok(Value::Int(i64::from(i32::from_be_bytes(self.fixed()?)))),
            0xd3 => Ok(Value::Int(i64::from_be_bytes(self.fixed()?))),
            0xd4..=0xd8 => self.extension(1 << (head - 0xd4)),
            0xd9..=0xdb => {
                let length = self.length(1 << (head - 0xd9))?;
                self.text(length).map(to_text)
            }
            0xdc | 0xdd => {
                let length = self.length(2 << (head - 0xdc))?;
                self.array(length, depth)
            }
            0xde | 0xdf => {
                let length = self.length(2 << (head - 0xde))?;
                self.map(length, depth)
            }
        }
    }

    fn array(&mut self, length: usize, depth: usize) -> Read<Value> {
        self.check_items(length, 1, "array_length", self.limits.array_length, depth)?;
        // Its items count too. A growing list has up to as many unused places.
        self.take_memory(length * VALUE_BYTES)?;
        let mut items = Vec::with_capacity(length.min(1024));
        for _ in 0..length {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(items))
    }

    fn map(&mut self, length: usize, depth: usize) -> Read<Value> {
        self.check_items(length, 2, "map_length", self.limits.map_length, depth)?;
        self.take_memory(length.div_ceil(NODE_ENTRIES) * NODE_BYTES)?;
        let mut entries = Map::new();
        for _ in 0..length {
            let key = self.key()?.into_owned();
            entries.insert(key, self.value(depth + 1)?);
        }
        Ok(Value::Map(entries))
    }

    fn check_items(&self, length: usize, each: usize, name: &str, limit: usize, depth: usize) -> Read<()> {
        if length > limit {
            return Err(exceeds(&format!("{length} items"), name, limit));
        }
        if depth >= self.limits.depth + ENVELOPE_DEPTH {
            return Err(exceeds("lists and maps nested too deep", "depth", self.limits.depth));
        }
        if length * each > self.rest.len() {
            return Err(malformed("it announces more items than it has bytes"));
        }
        Ok(())
    }

    fn text(&mut self, length: usize) -> Read<Cow<'a, str>> {
        if length > self.limits.string_bytes {
            return Err(exceeds(&format!("a text of {length} bytes"), "string_bytes", self.limits.string_bytes));
        }
        self.take_memory(length + ALLOCATION_BYTES)?;
        // Invalid UTF-8 becomes U+FFFD, as in the other languages.
        Ok(String::from_utf8_lossy(self.take(length)?))
    }

    fn binary(&mut self, length: usize) -> Read<Value> {
        self.check_binary(length)?;
        self.take_memory(length + ALLOCATION_BYTES)?;
        Ok(Value::Bytes(self.take(length)?.to_vec()))
    }

    fn extension(&mut self, length: usize) -> Read<Value> {
        let kind = i8::from_be_bytes(self.fixed()?);
        // The longest timestamp has 12 bytes. The limit of binary values does not hold for it.
        if length > 12 {
            self.check_binary(length)?;
        }
        self.take_memory(length + ALLOCATION_BYTES)?;
        let data = self.take(length)?;
        Ok(match (kind, data) {
            // `undefined`, as the older JavaScript implementation writes it.
            (0, [0]) => Value::Nil,
            (-1, data) if ![4, 8, 12].contains(&data.len()) => {
                return Err(malformed(format!("it has a timestamp of {length} bytes")));
            }
            (-1, data) => Timestamp::from_data(data).map_or_else(|| Value::Ext(-1, data.to_vec()), Value::Time),
            (kind, data) => Value::Ext(kind, data.to_vec()),
        })
    }

    fn check_binary(&self, length: usize) -> Read<()> {
        if length > self.limits.binary_bytes {
            return Err(exceeds(
                &format!("a binary value of {length} bytes"),
                "binary_bytes",
                self.limits.binary_bytes,
            ));
        }
        Ok(())
    }

    fn head(&mut self) -> Read<u8> {
        self.values += 1;
        if self.values > self.limits.values + ENVELOPE_VALUES {
            return Err(exceeds("too many values", "values", self.limits.values));
        }
        self.take_memory(VALUE_BYTES)?;
        Ok(self.take(1)?[0])
    }

    fn length(&mut self, bytes: usize) -> Read<usize> {
        Ok(self.take(bytes)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn fixed<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }
}

fn to_text(text: Cow<'_, str>) -> Value {
    Value::Str(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one value. Nothing may follow.
    fn read_value(bytes: &[u8], limits: &Limits) -> Read<Value> {
        let mut reader = Reader::new(bytes, limits)?;
        let value = reader.value(ENVELOPE_DEPTH)?;
        reader.end()?;
        Ok(value)
    }

    fn fault(bytes: &[u8]) -> Fault {
        read_value(bytes, &Limits::default()).expect_err("unreadable")
    }

    #[test]
    fn an_announced_length_costs_no_memory() {
        for bytes in
            [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xdf, 0xff, 0xff, 0xff, 0xff], &[0xc6, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(fault(bytes).code, "LIMIT_EXCEEDED");
        }
        assert_eq!(fault(&[0xdc, 0xff, 0xff]).code, "MALFORMED_MESSAGE");
    }

    #[test]
    fn nesting_is_limited_in_values_and_keys() {
        assert_eq!(fault(&vec![0x91; 1_000_000]).code, "LIMIT_EXCEEDED");
        assert_eq!(fault(&vec![0x81; 1_000_000]).code, "MALFORMED_MESSAGE");
    }

    /// Bytes from a generator with a fixed seed. Many begin as messages do.
    #[test]
    fn random_bytes_are_read_or_refused_without_a_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut readable = 0;
        for _ in 0..200_000 {
            let length = random() % 40;
            let bytes: Vec<u8> =
                (0..length).map(|_| if random() % 2 == 0 { 0x80 | random() as u8 } else { random() as u8 }).collect();
            readable += usize::from(read_value(&bytes, &Limits::default()).is_ok());
            let _ = crate::codec::decode(&bytes, &Limits::default());
        }
        assert!(readable > 1000, "only {readable} were values: the test tests little");
    }
}
