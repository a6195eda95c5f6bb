//! The vectors that all languages share: see ../../interop/README.md.

use std::fs;
use std::path::Path;

use multifrost::RemoteError;
use multifrost::codec::{Body, Limits, Message, Unread, UnreadKind, answer_heartbeat, decode, encode, remote_error_of};
use multifrost::{Map, Timestamp, Value};
use serde_json::Value as Json;

#[test]
fn each_vector_is_read_and_written() {
    let vectors = read_vectors();
    assert!(vectors.len() >= 120, "there are only {} vectors", vectors.len());
    let complaints: Vec<String> = vectors
        .iter()
        .filter(|vector| vector["except"].get("rust").is_none())
        .filter_map(|vector| check(vector).err().map(|what| format!("{}: {what}", vector["name"])))
        .collect();
    assert!(complaints.is_empty(), "{} of {} vectors:\n{}", complaints.len(), vectors.len(), complaints.join("\n"));
}

fn read_vectors() -> Vec<Json> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop/vectors");
    let files = fs::read_dir(directory).expect("the vectors are there").map(|entry| entry.expect("an entry").path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.flat_map(|path| {
        let text = fs::read_to_string(&path).expect("readable");
        serde_json::from_str::<Vec<Json>>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
    .collect()
}

fn check(vector: &Json) -> Result<(), String> {
    let bytes = bytes_of(vector["hex"].as_str().ok_or("no hex")?);
    let read = decode(&bytes, &Limits::default());
    let message = match (vector["outcome"].as_str(), read) {
        (Some("read"), Ok(message)) => message,
        (Some("dropped"), Err(Unread { kind: UnreadKind::Dropped, .. })) => return Ok(()),
        (Some("ignored"), Err(Unread { kind: UnreadKind::Ignored, .. })) => return Ok(()),
        (outcome, read) => return Err(format!("expected {outcome:?}, got {read:?}")),
    };
    let expected = message_of(&vector["message"]);
    if format!("{message:?}") != format!("{expected:?}") {
        return Err(format!("read as\n  {message:?}\nnot as\n  {expected:?}"));
    }
    if vector["written"] == true {
        let written = encode(&expected, &Limits::default()).map_err(|error| error.to_string())?;
        if written != bytes {
            return Err(format!("written as\n  {}\nnot as\n  {}", hex(&written), hex(&bytes)));
        }
    }
    if let Some(heartbeat) = vector["answers"].as_str() {
        let answer = answer_heartbeat(&bytes_of(heartbeat), &Limits::default(), message.timestamp);
        if answer.as_ref() != Some(&bytes) {
            return Err(format!("answered with\n  {}\nnot with\n  {}", hex(&answer.unwrap_or_default()), hex(&bytes)));
        }
    }
    match &vector["remote"] {
        Json::Null => Ok(()),
        remote => check_remote(&message, remote),
    }
}

fn check_remote(message: &Message, expected: &Json) -> Result<(), String> {
    let mut remote = remote_error_of(message, "").ok_or("it is no error")?;
    if remote.name == "RefusedCall" && expected["code"] != remote.code {
        return Err(format!("{:?} is no refusal", remote.message));
    }
    if remote.code != "REMOTE_ERROR" && expected.get("code").is_some() {
        remote.remote_code = Some(remote.code.to_owned());
    }
    let (is, wanted) = (parts_of(&remote), wanted_parts(expected));
    if is == wanted { Ok(()) } else { Err(format!("the caller gets {is:?}, not {wanted:?}")) }
}

/// An error in the form of the vectors.
fn parts_of(remote: &RemoteError) -> Value {
    let text = |text: &str| Value::from(text);
    let mut parts = Map::from([("name".to_owned(), text(&remote.name)), ("message".to_owned(), text(&remote.message))]);
    parts.extend(remote.remote_code.iter().map(|code| ("code".to_owned(), text(code))));
    parts.extend(remote.stack.iter().map(|stack| ("stack".to_owned(), text(stack))));
    parts.extend(remote.cause.iter().map(|cause| ("cause".to_owned(), parts_of(cause))));
    if !remote.errors.is_empty() {
        parts.insert("errors".to_owned(), Value::Array(remote.errors.iter().map(parts_of).collect()));
    }
    if !remote.data.is_empty() {
        parts.insert("data".to_owned(), Value::Map(remote.data.clone()));
    }
    Value::Map(parts)
}

/// The parts of a vector. A code that is an integer is its digits.
fn wanted_parts(expected: &Json) -> Value {
    let Value::Map(mut parts) = value_of(expected) else { panic!("{expected} is no map") };
    if let Some(Value::Int(code)) = parts.get("code") {
        let digits = Value::from(code.to_string());
        parts.insert("code".to_owned(), digits);
    }
    if !expected["cause"].is_null() {
        parts.insert("cause".to_owned(), wanted_parts(&expected["cause"]));
    }
    if let Some(errors) = expected["errors"].as_array() {
        parts.insert("errors".to_owned(), Value::Array(errors.iter().map(wanted_parts).collect()));
    }
    Value::Map(parts)
}

fn message_of(json: &Json) -> Message {
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let args = || json["args"].as_array().map(|args| args.iter().map(value_of).collect());
    let body = match json["type"].as_str().unwrap_or_default() {
        "call" => Body::Call {
            function: text("function"),
            args: args().unwrap_or_default(),
            namespace: text("namespace"),
            client_name: json["client_name"].as_str().map(str::to_owned),
        },
        "response" => Body::Response { result: json.get("result").map(value_of) },
        "error" => Body::Error { error: text("error") },
        "stdout" => Body::Stdout { output: text("output") },
        "stderr" => Body::Stderr { output: text("output") },
        "heartbeat" => Body::Heartbeat { args: args() },
        "shutdown" => Body::Shutdown,
        "ready" => Body::Ready,
        other => panic!("there is no type {other}"),
    };
    let metadata = json.get("metadata").map(value_of).and_then(|metadata| metadata.as_map().cloned());
    let timestamp = json.get("timestamp").map(value_of).and_then(|timestamp| timestamp.as_f64()).unwrap_or_default();
    Message { id: text("id"), timestamp, metadata, body }
}

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::from(text.as_str()),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::Int(value),
            (None, Some(value)) => Value::from(value),
            _ => Value::Float(number.as_f64().expect("a number")),
        },
        Json::Array(items) => Value::Array(items.iter().map(value_of).collect()),
        Json::Object(entries) => match entries.iter().next() {
            Some((tag, content)) if entries.len() == 1 && tag.starts_with('$') => tagged(tag, content),
            _ => Value::Map(entries.iter().map(|(key, value)| (key.clone(), value_of(value))).collect::<Map>()),
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
        "$undefined" => Value::Nil,
        _ => panic!("there is no tag {tag}"),
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect(hex)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
