//! Encodes values in the shortest form, within the limits.

use rmp::encode;

use super::limits::Limits;
use crate::error::{Error, Result};
use crate::value::{TIMESTAMP_TYPE, Value};

/// Writes one argument, result or field.
///
/// # Errors
/// [`Error::Serialization`] `LIMIT_EXCEEDED`, with the path of the value that exceeds a limit.
pub(super) fn write_value(
    out: &mut Vec<u8>,
    value: &Value,
    path: &str,
    limits: &Limits,
    left: &mut usize,
) -> Result<()> {
    let mut writer = Writer { out, limits, left };
    writer.value(value, 0).map_err(|beyond| Error::Serialization {
        code: "LIMIT_EXCEEDED",
        path: format!("{path}{}", beyond.path),
        message: beyond.what,
    })
}

/// A value that exceeds a limit. The path grows while the recursion returns.
struct Beyond {
    what: String,
    path: String,
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    limits: &'a Limits,
    /// The number of values that may still follow.
    left: &'a mut usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Beyond> {
        self.count()?;
        match value {
            Value::Nil => self.out.push(0xc0),
            Value::Bool(value) => self.out.push(if *value { 0xc3 } else { 0xc2 }),
            Value::Int(value) => {
                sound(encode::write_sint(self.out, *value));
            }
            Value::UInt(value) => {
                sound(encode::write_uint(self.out, *value));
            }
            Value::Float(value) if !value.is_finite() => self.out.push(0xc0),
            Value::Float(value) => sound(encode::write_f64(self.out, *value)),
            Value::Str(value) => {
                check(value.len(), self.limits.string_bytes, "bytes of text", "string_bytes")?;
                sound(encode::write_str(self.out, value));
            }
            Value::Bytes(value) => {
                check(value.len(), self.limits.binary_bytes, "bytes of binary", "binary_bytes")?;
                sound(encode::write_bin(self.out, value));
            }
            Value::Time(time) => self.extension(TIMESTAMP_TYPE, &time.to_data()),
            Value::Ext(kind, data) => {
                check(data.len(), self.limits.binary_bytes, "bytes of binary", "binary_bytes")?;
                self.extension(*kind, data);
            }
            Value::Array(items) => {
                check(items.len(), self.limits.array_length, "items", "array_length")?;
                self.check_depth(depth)?;
                sound(encode::write_array_len(self.out, length(items.len())));
                for (index, item) in items.iter().enumerate() {
                    self.value(item, depth + 1).map_err(|beyond| beyond.below(&format!("[{index}]")))?;
                }
            }
            Value::Map(entries) => {
                check(entries.len(), self.limits.map_length, "entries", "map_length")?;
                self.check_depth(depth)?;
                sound(encode::write_map_len(self.out, length(entries.len())));
                for (key, entry) in entries {
                    self.count()?;
                    sound(encode::write_str(self.out, key));
                    self.value(entry, depth + 1).map_err(|beyond| beyond.below(&format!(".{key}")))?;
                }
            }
        }
        Ok(())
    }

    fn extension(&mut self, kind: i8, data: &[u8]) {
        sound(encode::write_ext_meta(self.out, length(data.len()), kind));
        self.out.extend_from_slice(data);
    }

    fn count(&mut self) -> Result<(), Beyond> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| Beyond {
            what: format!("too many values, above the limit values ({})", self.limits.values),
            path: String::new(),
        })?;
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), Beyond> {
        check(depth + 1, self.limits.depth, "levels of lists and maps", "depth")
    }
}

impl Beyond {
    fn below(mut self, segment: &str) -> Self {
        // The rest of a longer path would not help.
        if self.path.len() < 200 {
            self.path.insert_str(0, segment);
        }
        self
    }
}

fn check(is: usize, limit: usize, what: &str, name: &str) -> Result<(), Beyond> {
    if is > limit {
        return Err(Beyond { what: format!("{is} {what}, above the limit {name} ({limit})"), path: String::new() });
    }
    Ok(())
}

/// Lengths have been checked against the limits. For limits above 2^32, [`super::encode`] checks the size of the message.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Writing into a vector cannot fail.
fn sound<T, E: std::fmt::Debug>(written: Result<T, E>) -> T {
    written.expect("a vector takes all bytes")
}
