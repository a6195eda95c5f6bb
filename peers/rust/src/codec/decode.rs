//! Decodes messages.

use super::limits::{ENVELOPE_DEPTH, Limits, MAX_ID_LENGTH};
use super::message::{APP_ID, Body, DEFAULT_NAMESPACE, Message};
use super::reader::{Fault, Reader};
use crate::value::{Map, Value};

/// Bytes that are no message for this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Whether the message is broken or for another program.
    pub kind: UnreadKind,
    /// What is wrong with the message.
    pub reason: String,
    /// Its id, if it precedes the fault, so that the sender can be answered.
    pub id: Option<String>,
    /// Its type, if it precedes the fault.
    pub message_type: Option<String>,
}

/// What happens to bytes that are no message for this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadKind {
    /// Broken: dropped, counted and logged.
    Dropped,
    /// Of another app or an unknown type: ignored.
    Ignored,
    /// Takes more memory than a worker has left for calls: refused.
    Overload,
}

/// Decodes a message of the app `comlink_ipc_v3`.
///
/// # Errors
/// [`Unread`]. It does not panic, whatever the bytes are.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Message, Unread> {
    decode_within(bytes, limits, usize::MAX).map(|(message, _)| message)
}

/// Decodes a message that may take this memory, in bytes. Returns the memory that it takes.
pub(crate) fn decode_within(bytes: &[u8], limits: &Limits, memory: usize) -> Result<(Message, usize), Unread> {
    let mut fields = Map::new();
    match read_fields(bytes, limits, memory, &mut fields) {
        Ok(taken) => shape(fields).map(|message| (message, taken)),
        Err(fault) => {
            let kind = if fault.code == "OVERLOADED" { UnreadKind::Overload } else { UnreadKind::Dropped };
            let reason = format!("a message of {} bytes cannot be read: {fault}", bytes.len());
            Err(unread(kind, reason, &fields))
        }
    }
}

/// Reads the fields, and returns the memory that they take. Those before a fault are kept, so that the answer can have the id
/// of the message.
fn read_fields(bytes: &[u8], limits: &Limits, memory: usize, fields: &mut Map) -> Result<usize, Fault> {
    let mut reader = Reader::new(bytes, limits)?.within(memory);
    for _ in 0..reader.map_head()? {
        let key = reader.key()?;
        // The list of arguments itself does not count as a level.
        let depth = if key == "args" { ENVELOPE_DEPTH - 1 } else { ENVELOPE_DEPTH };
        fields.insert(key, reader.value(depth)?);
    }
    reader.end()?;
    Ok(reader.taken())
}

fn shape(mut fields: Map) -> Result<Message, Unread> {
    if text_of(&fields, "app") != Some(APP_ID) {
        return Err(unread(UnreadKind::Ignored, "the message is for another app", &fields));
    }
    let id = text_of(&fields, "id").unwrap_or_default().to_owned();
    let needs_id = matches!(text_of(&fields, "type"), Some("call" | "response" | "error" | "heartbeat"));
    let body = match read_body(&mut fields) {
        Some(Ok(body)) if id.chars().count() > MAX_ID_LENGTH => {
            drop(body);
            return Err(unread(UnreadKind::Dropped, "the message's id is too long", &fields));
        }
        Some(_) if id.is_empty() && needs_id => {
            return Err(unread(UnreadKind::Dropped, "the message has no id", &fields));
        }
        Some(Ok(body)) => body,
        Some(Err(reason)) => return Err(unread(UnreadKind::Dropped, reason, &fields)),
        None => return Err(unread(UnreadKind::Ignored, "the message has an unknown type", &fields)),
    };
    let timestamp = fields.get("timestamp").and_then(Value::as_f64).unwrap_or_default();
    let metadata = match fields.remove("metadata") {
        Some(Value::Map(metadata)) => Some(metadata),
        _ => None,
    };
    Ok(Message { id, timestamp, metadata, body })
}

/// Returns `None` for an unknown type, and what is wrong with a field as the error.
fn read_body(fields: &mut Map) -> Option<Result<Body, String>> {
    let body = match text_of(fields, "type")? {
        "call" => read_call(fields),
        "response" => Ok(Body::Response { result: fields.remove("result") }),
        "error" => take_text(fields, "error").map(|error| Body::Error { error }),
        "stdout" => take_text(fields, "output").map(|output| Body::Stdout { output }),
        "stderr" => take_text(fields, "output").map(|output| Body::Stderr { output }),
        "heartbeat" => Ok(Body::Heartbeat { args: take_list(fields) }),
        "shutdown" => Ok(Body::Shutdown),
        "ready" => Ok(Body::Ready),
        _ => return None,
    };
    Some(body)
}

fn read_call(fields: &mut Map) -> Result<Body, String> {
    let function = match fields.remove("function") {
        None => String::new(),
        Some(Value::Str(function)) => function,
        Some(_) => return Err("a call's 'function' must be text".to_owned()),
    };
    let args = match fields.remove("args") {
        None | Some(Value::Nil) => Vec::new(),
        Some(Value::Array(args)) => args,
        Some(_) => return Err("a call's 'args' must be a list".to_owned()),
    };
    let namespace = text_of(fields, "namespace").unwrap_or(DEFAULT_NAMESPACE).to_owned();
    let client_name = text_of(fields, "client_name").or_else(|| text_of(fields, "clientName")).map(str::to_owned);
    Ok(Body::Call { function, args, namespace, client_name })
}

fn take_list(fields: &mut Map) -> Option<Vec<Value>> {
    match fields.remove("args") {
        Some(Value::Array(args)) => Some(args),
        _ => None,
    }
}

fn take_text(fields: &mut Map, name: &str) -> Result<String, String> {
    match fields.remove(name) {
        Some(Value::Str(text)) => Ok(text),
        None | Some(Value::Nil) => Ok(String::new()),
        Some(_) => Err(format!("the field '{name}' must be text")),
    }
}

fn text_of<'a>(fields: &'a Map, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

fn unread(kind: UnreadKind, reason: impl Into<String>, fields: &Map) -> Unread {
    let usable = |id: &&str| !id.is_empty() && id.chars().count() <= MAX_ID_LENGTH;
    Unread {
        kind,
        reason: reason.into(),
        id: text_of(fields, "id").filter(usable).map(str::to_owned),
        message_type: text_of(fields, "type").map(str::to_owned),
    }
}
