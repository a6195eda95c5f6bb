//! Functions that both programs of the interop matrix share: see ../README.md.

use std::fmt::Write;

use multifrost::{Map, Timestamp, Value};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of bytes, as hex.
pub fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Describes a value in the form of ../README.md.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => format!("int {value}"),
        Value::UInt(value) => format!("int {value}"),
        Value::Float(value) => format!("float {:016x}", value.to_bits()),
        Value::Str(value) => format!("str {}", hex(value.as_bytes())),
        Value::Bytes(value) => format!("bytes {}", hex(value)),
        Value::Time(time) => format!("time {}", time_text(*time)),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(describe).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", hex(key.as_bytes()), describe(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Ext(kind, data) => format!("ext {kind} {}", hex(data)),
    }
}

fn time_text(time: Timestamp) -> String {
    format!("{}.{:09}", time.seconds(), time.nanoseconds())
}

/// A value from its JSON with tags, as the other table has it.
///
/// # Panics
/// Where the JSON is none of that table: the file is a part of this project.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::from(text.as_str()),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::Int(value),
            (None, Some(value)) => Value::from(value),
            _ => panic!("{number} is no whole number; floats have a tag"),
        },
        Json::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        Json::Object(entries) => match entries.iter().next() {
            Some((tag, content)) if entries.len() == 1 && tag.starts_with('$') => tagged(tag, content),
            _ => Value::Map(entries.iter().map(|(key, value)| (key.clone(), from_json(value))).collect::<Map>()),
        },
    }
}

fn tagged(tag: &str, content: &Json) -> Value {
    let text = content.as_str().unwrap_or_default();
    match tag {
        "$int" => text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).expect(text),
        "$float" => Value::Float(text.parse().expect(text)),
        "$bytes" => Value::Bytes(bytes_of(text)),
        "$time" => {
            let (seconds, nanoseconds) = text.split_once('.').expect(text);
            let time = Timestamp::new(seconds.parse().expect(text), nanoseconds.parse().expect(text));
            Value::Time(time.expect(text))
        }
        "$ext" => {
            let kind = content[0].as_i64().expect("a type") as i8;
            Value::Ext(kind, bytes_of(content[1].as_str().expect("hex")))
        }
        _ => panic!("there is no tag {tag}"),
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect(hex)).collect()
}
