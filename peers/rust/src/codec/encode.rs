//! Encodes messages.

use rmp::encode as rmp;

use super::limits::{ENVELOPE_VALUES, Limits};
use super::message::{APP_ID, Body, Message};
use super::writer::write_value;
use crate::error::{Error, Result};
use crate::value::Value;

/// Encodes a message of the app `comlink_ipc_v3`, with its fields in the order of rule MSG-1.
///
/// # Errors
/// [`Error::Serialization`] `LIMIT_EXCEEDED`, with the path of the value that exceeds a limit, or `MESSAGE_TOO_LARGE`.
pub fn encode(message: &Message, limits: &Limits) -> Result<Vec<u8>> {
    encode_for(APP_ID, message, limits)
}

/// Encodes a message of any app. See [`encode`].
pub(crate) fn encode_for(app: &str, message: &Message, limits: &Limits) -> Result<Vec<u8>> {
    let mut fields = Fields { out: Vec::with_capacity(256), count: 0, limits, left: limits.values + ENVELOPE_VALUES };
    // The head of a map. No message has 16 fields.
    fields.out.push(0x80);
    fields.text("app", app)?;
    fields.text("id", &message.id)?;
    fields.text("type", message.type_name())?;
    fields.float("timestamp", message.timestamp);
    write_body(&mut fields, &message.body)?;
    if let Some(metadata) = &message.metadata {
        fields.value("metadata", &Value::Map(metadata.clone()))?;
    }
    fields.out[0] |= fields.count;
    if fields.out.len() > limits.message_bytes {
        return Err(too_large(fields.out.len(), limits));
    }
    Ok(fields.out)
}

fn write_body(fields: &mut Fields<'_>, body: &Body) -> Result<()> {
    match body {
        Body::Call { function, args, namespace, client_name } => {
            fields.text("function", function)?;
            fields.args(args)?;
            fields.text("namespace", namespace)?;
            client_name.as_ref().map_or(Ok(()), |name| fields.text("client_name", name))
        }
        Body::Response { result } => result.as_ref().map_or(Ok(()), |result| fields.value("result", result)),
        Body::Error { error } => fields.text("error", error),
        Body::Stdout { output } | Body::Stderr { output } => fields.text("output", output),
        Body::Heartbeat { args } => args.as_ref().map_or(Ok(()), |args| fields.args(args)),
        Body::Shutdown | Body::Ready => Ok(()),
    }
}

/// The bytes that a value takes. `None` if there are more than `most`, or more levels than `depth`.
pub(super) fn encoded_bytes(value: &Value, most: usize, depth: usize) -> Option<usize> {
    let limits = Limits { message_bytes: most, string_bytes: most, binary_bytes: most, depth, ..Limits::default() };
    let mut out = Vec::new();
    write_value(&mut out, value, "", &limits, &mut most.clone()).ok()?;
    Some(out.len())
}

struct Fields<'a> {
    out: Vec<u8>,
    count: u8,
    limits: &'a Limits,
    /// The number of values that the message may still have.
    left: usize,
}

impl Fields<'_> {
    fn key(&mut self, key: &str) {
        self.count += 1;
        rmp::write_str(&mut self.out, key).expect("a vector takes all bytes");
    }

    fn text(&mut self, key: &str, text: &str) -> Result<()> {
        self.key(key);
        if text.len() > self.limits.string_bytes {
            let message =
                format!("{} bytes of text, above the limit string_bytes ({})", text.len(), self.limits.string_bytes);
            return Err(Error::Serialization { code: "LIMIT_EXCEEDED", path: key.to_owned(), message });
        }
        rmp::write_str(&mut self.out, text).expect("a vector takes all bytes");
        Ok(())
    }

    fn float(&mut self, key: &str, value: f64) {
        self.key(key);
        rmp::write_f64(&mut self.out, value).expect("a vector takes all bytes");
    }

    fn value(&mut self, key: &str, value: &Value) -> Result<()> {
        self.key(key);
        write_value(&mut self.out, value, key, self.limits, &mut self.left)
    }

    fn args(&mut self, args: &[Value]) -> Result<()> {
        self.key("args");
        if args.len() > self.limits.array_length {
            let message =
                format!("{} arguments, above the limit array_length ({})", args.len(), self.limits.array_length);
            return Err(Error::Serialization { code: "LIMIT_EXCEEDED", path: "args".to_owned(), message });
        }
        rmp::write_array_len(&mut self.out, args.len() as u32).expect("a vector takes all bytes");
        for (index, arg) in args.iter().enumerate() {
            write_value(&mut self.out, arg, &format!("args[{index}]"), self.limits, &mut self.left)?;
        }
        Ok(())
    }
}

fn too_large(bytes: usize, limits: &Limits) -> Error {
    let message = format!("the message has {bytes} bytes, above the limit message_bytes ({})", limits.message_bytes);
    Error::Serialization { code: "MESSAGE_TOO_LARGE", path: String::new(), message }
}
