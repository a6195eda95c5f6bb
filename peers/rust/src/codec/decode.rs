//! Decodes messages.

use super::limits::{ENVELOPE_DEPTH, Limits, MAX_ID_LENGTH};
use super::message::{APP_ID, Body, DEFAULT_NAMESPACE, Message};
use super::reader::{Fault, Reader};
use crate::value::Value;

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
    decode_for(APP_ID, bytes, limits)
}

/// Decodes a message of any app. See [`decode`].
pub(crate) fn decode_for(app: &str, bytes: &[u8], limits: &Limits) -> Result<Message, Unread> {
    decode_within(app, bytes, limits, usize::MAX).map(|(message, _)| message)
}

/// Decodes a message that may take this memory, in bytes. Returns the memory that it takes.
pub(crate) fn decode_within(
    app: &str,
    bytes: &[u8],
    limits: &Limits,
    memory: usize,
) -> Result<(Message, usize), Unread> {
    let mut fields = Fields::default();
    match read_fields(bytes, limits, memory, &mut fields) {
        Ok(taken) => shape(app, fields).map(|message| (message, taken)),
        Err(fault) => {
            let kind = if fault.code == "OVERLOADED" { UnreadKind::Overload } else { UnreadKind::Dropped };
            let reason = format!("a message of {} bytes cannot be read: {fault}", bytes.len());
            Err(fields.unread(kind, reason))
        }
    }
}

/// The fields of a message that the protocol knows.
#[derive(Default)]
struct Fields {
    app: Option<Value>,
    id: Option<Value>,
    message_type: Option<Value>,
    timestamp: Option<Value>,
    function: Option<Value>,
    args: Option<Value>,
    namespace: Option<Value>,
    client_name: Option<Value>,
    /// As the older JavaScript implementation writes it.
    older_client_name: Option<Value>,
    result: Option<Value>,
    error: Option<Value>,
    output: Option<Value>,
    metadata: Option<Value>,
}

impl Fields {
    fn set(&mut self, key: &str, value: Value) {
        let field = match key {
            "app" => &mut self.app,
            "id" => &mut self.id,
            "type" => &mut self.message_type,
            "timestamp" => &mut self.timestamp,
            "function" => &mut self.function,
            "args" => &mut self.args,
            "namespace" => &mut self.namespace,
            "client_name" => &mut self.client_name,
            "clientName" => &mut self.older_client_name,
            "result" => &mut self.result,
            "error" => &mut self.error,
            "output" => &mut self.output,
            "metadata" => &mut self.metadata,
            _ => return,
        };
        *field = Some(value);
    }

    fn unread(&self, kind: UnreadKind, reason: impl Into<String>) -> Unread {
        let usable = |id: &&str| !id.is_empty() && id.chars().count() <= MAX_ID_LENGTH;
        Unread {
            kind,
            reason: reason.into(),
            id: text_of(&self.id).filter(usable).map(str::to_owned),
            message_type: text_of(&self.message_type).map(str::to_owned),
        }
    }
}

/// Reads the fields, and returns the memory that they take. Those before a fault are kept, so that the answer can have the id
/// of the message.
fn read_fields(bytes: &[u8], limits: &Limits, memory: usize, fields: &mut Fields) -> Result<usize, Fault> {
    let mut reader = Reader::new(bytes, limits)?.within(memory);
    for _ in 0..reader.map_head()? {
        let key = reader.key()?;
        // The list of arguments itself does not count as a level.
        let depth = if key == "args" { ENVELOPE_DEPTH - 1 } else { ENVELOPE_DEPTH };
        fields.set(&key, reader.value(depth)?);
    }
    reader.end()?;
    Ok(reader.taken())
}

fn shape(app: &str, mut fields: Fields) -> Result<Message, Unread> {
    if text_of(&fields.app) != Some(app) {
        return Err(fields.unread(UnreadKind::Ignored, "the message is for another app"));
    }
    let id_length = text_of(&fields.id).map_or(0, |id| id.chars().count());
    let needs_id = matches!(text_of(&fields.message_type), Some("call" | "response" | "error" | "heartbeat"));
    let body = match read_body(&mut fields) {
        Some(Ok(_)) if id_length > MAX_ID_LENGTH => {
            return Err(fields.unread(UnreadKind::Dropped, "the message's id is too long"));
        }
        Some(_) if id_length == 0 && needs_id => {
            return Err(fields.unread(UnreadKind::Dropped, "the message has no id"));
        }
        Some(Ok(body)) => body,
        Some(Err(reason)) => return Err(fields.unread(UnreadKind::Dropped, reason)),
        None => return Err(fields.unread(UnreadKind::Ignored, "the message has an unknown type")),
    };
    let timestamp = fields.timestamp.as_ref().and_then(Value::as_f64).unwrap_or_default();
    let metadata = match fields.metadata {
        Some(Value::Map(metadata)) => Some(metadata),
        _ => None,
    };
    Ok(Message { id: into_text(fields.id).unwrap_or_default(), timestamp, metadata, body })
}

/// Returns `None` for an unknown type, and what is wrong with a field as the error.
fn read_body(fields: &mut Fields) -> Option<Result<Body, String>> {
    let body = match text_of(&fields.message_type)? {
        "call" => read_call(fields),
        "response" => Ok(Body::Response { result: fields.result.take() }),
        "error" => take_text(&mut fields.error, "error").map(|error| Body::Error { error }),
        "stdout" => take_text(&mut fields.output, "output").map(|output| Body::Stdout { output }),
        "stderr" => take_text(&mut fields.output, "output").map(|output| Body::Stderr { output }),
        "heartbeat" => Ok(Body::Heartbeat { args: take_list(&mut fields.args) }),
        "shutdown" => Ok(Body::Shutdown),
        "ready" => Ok(Body::Ready),
        _ => return None,
    };
    Some(body)
}

fn read_call(fields: &mut Fields) -> Result<Body, String> {
    let function = match fields.function.take() {
        None => String::new(),
        Some(Value::Str(function)) => function,
        Some(_) => return Err("a call's 'function' must be text".to_owned()),
    };
    let args = match fields.args.take() {
        None | Some(Value::Nil) => Vec::new(),
        Some(Value::Array(args)) => args,
        Some(_) => return Err("a call's 'args' must be a list".to_owned()),
    };
    let namespace = into_text(fields.namespace.take()).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    let client_name = into_text(fields.client_name.take()).or_else(|| into_text(fields.older_client_name.take()));
    Ok(Body::Call { function, args, namespace, client_name })
}

fn take_list(field: &mut Option<Value>) -> Option<Vec<Value>> {
    match field.take() {
        Some(Value::Array(args)) => Some(args),
        _ => None,
    }
}

fn take_text(field: &mut Option<Value>, name: &str) -> Result<String, String> {
    match field.take() {
        Some(Value::Str(text)) => Ok(text),
        None | Some(Value::Nil) => Ok(String::new()),
        Some(_) => Err(format!("the field '{name}' must be text")),
    }
}

fn text_of(field: &Option<Value>) -> Option<&str> {
    field.as_ref().and_then(Value::as_str)
}

fn into_text(field: Option<Value>) -> Option<String> {
    match field {
        Some(Value::Str(text)) => Some(text),
        _ => None,
    }
}
