//! Errors on the wire: parts in `metadata.error`, or the text form of Python.

use super::message::{Body, Message};
use crate::error::RemoteError;
use crate::value::{Map, Value};

/// The parts of an error, as a worker sends them in `metadata.error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorParts {
    /// The error's name or type.
    pub name: String,
    /// The message.
    pub message: String,
    /// The error's own code, if it has one.
    pub code: Option<String>,
    /// The stack or traceback, if the worker's language has one.
    pub stack: Option<String>,
}

/// The codes of refusals and the beginnings of their texts. Older workers send only the text.
const REFUSALS: [(&str, &str); 6] = [
    ("FUNCTION_NOT_FOUND", "function '"),
    ("NOT_CALLABLE", "'"),
    ("PRIVATE_METHOD", "cannot call private method '"),
    ("MISSING_FUNCTION", "message missing 'function'"),
    ("WRONG_NAMESPACE", "no namespace '"),
    ("OVERLOADED", "too many calls "),
];

const TRACEBACK: &str = "\nTraceback (most recent call last):";

impl ErrorParts {
    /// An error with a name and a message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into(), code: None, stack: None }
    }

    /// The refusal of a call.
    pub(crate) fn refusal(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.to_owned()), ..Self::new("RefusedCall", message) }
    }

    pub(crate) fn into_value(self) -> Value {
        let mut parts = Map::from([("name".to_owned(), self.name.into()), ("message".to_owned(), self.message.into())]);
        let optional = [("code", self.code), ("stack", self.stack)];
        parts.extend(optional.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))));
        Value::Map(parts)
    }

    fn from_metadata(message: &Message) -> Option<Self> {
        let parts = message.metadata.as_ref()?.get("error")?.as_map()?;
        let text = |key: &str| parts.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            name: text("name").filter(|name| !name.is_empty()).unwrap_or_else(|| "Error".to_owned()),
            message: text("message")?,
            code: text("code"),
            stack: text("stack"),
        })
    }

    /// Reads `Name: message` with a traceback on the following lines. Without a traceback, the whole text is the message.
    fn from_text(text: &str) -> Self {
        let Some(at) = text.find(TRACEBACK) else {
            return Self::new("Error", text);
        };
        let (head, stack) = (&text[..at], &text[at + 1..]);
        let (name, message) = match head.split_once(':') {
            Some((name, message)) if is_name(name) => (name, message.strip_prefix(' ').unwrap_or(message)),
            _ => ("Error", head),
        };
        Self { stack: Some(stack.to_owned()), ..Self::new(name, message) }
    }
}

/// The error that a caller of `function` gets for an error answer of any implementation. `None` for other messages.
pub fn remote_error_of(message: &Message, function: &str) -> Option<RemoteError> {
    match &message.body {
        Body::Error { error } => Some(read_remote_error(message, error, function)),
        _ => None,
    }
}

fn read_remote_error(message: &Message, error: &str, function: &str) -> RemoteError {
    let sent = ErrorParts::from_metadata(message);
    let is_text_only = sent.is_none();
    let parts = sent.unwrap_or_else(|| ErrorParts::from_text(error));
    let refusal = refusal_code(&parts, is_text_only);
    RemoteError {
        name: parts.name,
        message: parts.message,
        remote_code: if refusal.is_some() { None } else { parts.code },
        stack: parts.stack,
        function: function.to_owned(),
        code: refusal.unwrap_or("REMOTE_ERROR"),
    }
}

/// A worker that sends parts sends the code of a refusal too. Without a code, the text comes from a method.
fn refusal_code(parts: &ErrorParts, is_text_only: bool) -> Option<&'static str> {
    let text = parts.message.to_lowercase();
    let fits = |code: &str, start: &str| {
        text.starts_with(start)
            && match code {
                "FUNCTION_NOT_FOUND" => {
                    text[start.len()..].split_once('\'').is_some_and(|(_, rest)| rest.starts_with(" not found"))
                }
                "NOT_CALLABLE" => {
                    text.ends_with("' is not callable") || text.contains("' is a function property, not a method")
                }
                _ => true,
            }
    };
    let known = |code: &str| is_text_only || parts.code.as_deref() == Some(code);
    REFUSALS.iter().find(|(code, start)| known(code) && fits(code, start)).map(|(code, _)| *code)
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts && text.chars().all(|part| part.is_ascii_alphanumeric() || part == '_' || part == '.')
}
