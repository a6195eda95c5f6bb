//! Errors on the wire: parts in `metadata.error`, or the text form of Python.

use super::encode::encoded_bytes;
use super::message::{Body, Message};
use crate::error::RemoteError;
use crate::value::{Map, Value};

/// The levels of causes and of the errors of an error that are written and read.
pub(crate) const MAX_DEPTH: usize = 10;

/// The number of errors in one answer that are written and read.
const MAX_ERRORS: usize = 100;

/// The longest message or stack that is written, in bytes. The middle of a longer one is left out.
const MAX_TEXT: usize = 256 * 1024;

/// The same for a cause.
const MAX_NESTED_TEXT: usize = 16 * 1024;

/// The longest name and code that are written, in bytes.
const MAX_NAME: usize = 1000;

/// The bytes of all data of one answer.
const MAX_DATA_BYTES: usize = 64 * 1024;

/// The fields of one error that are considered.
const MAX_FIELDS: usize = 100;

/// The arrays and maps within one field.
const MAX_FIELD_DEPTH: usize = 16;

/// The parts of an error, as a worker sends them in `metadata.error`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorParts {
    /// The error's name or type.
    pub name: String,
    /// The message.
    pub message: String,
    /// The error's own code, if it has one; an integer as its digits.
    pub code: Option<String>,
    /// The stack or traceback, if the worker's language has one.
    pub stack: Option<String>,
    /// The cause of the error.
    pub cause: Option<Box<ErrorParts>>,
    /// The errors of an `AggregateError` of JavaScript, of an `ExceptionGroup` of Python, of Go's `errors.Join`.
    pub errors: Vec<ErrorParts>,
    /// Other fields of the error.
    pub data: Map,
}

/// The codes of refusals and the beginnings of their texts. Older workers send only the text.
const REFUSALS: [(&str, &str); 8] = [
    ("FUNCTION_NOT_FOUND", "function '"),
    // Of older Rust.
    ("FUNCTION_NOT_FOUND", "function not found: "),
    ("NOT_CALLABLE", "'"),
    ("PRIVATE_METHOD", "cannot call private method '"),
    ("MISSING_FUNCTION", "message missing 'function'"),
    ("WRONG_NAMESPACE", "no namespace '"),
    ("OVERLOADED", "too many calls "),
    ("STOPPING", "this worker is stopping"),
];

const TRACEBACK: &str = "\nTraceback (most recent call last):";

impl ErrorParts {
    /// An error with a name and a message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into(), ..Self::default() }
    }

    /// The refusal of a call.
    pub(crate) fn refusal(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.to_owned()), ..Self::new("RefusedCall", message) }
    }

    /// The parts without those that may exceed a limit.
    pub(crate) fn without_details(self) -> Self {
        Self { cause: None, errors: Vec::new(), data: Map::new(), ..self }
    }

    /// The parts as they are sent, within bounds (rules ERR-3 to ERR-6).
    pub(crate) fn bounded(self) -> Self {
        Bounds { errors: 0, data_bytes: 0 }.apply(self, 0)
    }

    pub(crate) fn into_value(self) -> Value {
        let mut parts = Map::from([("name".to_owned(), self.name.into()), ("message".to_owned(), self.message.into())]);
        let optional = [("code", self.code), ("stack", self.stack)];
        parts.extend(optional.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))));
        if let Some(cause) = self.cause {
            parts.insert("cause".to_owned(), cause.into_value());
        }
        if !self.errors.is_empty() {
            let errors = self.errors.into_iter().map(Self::into_value).collect();
            parts.insert("errors".to_owned(), Value::Array(errors));
        }
        if !self.data.is_empty() {
            parts.insert("data".to_owned(), Value::Map(self.data));
        }
        Value::Map(parts)
    }

    fn from_metadata(message: &Message) -> Option<Self> {
        Self::from_value(message.metadata.as_ref()?.get("error")?, 0, &mut MAX_ERRORS.clone())
    }

    /// Reads parts, without those of other types. `None` for what has no message, and beyond the bounds.
    fn from_value(value: &Value, depth: usize, left: &mut usize) -> Option<Self> {
        let parts = value.as_map()?;
        let text = |key: &str| parts.get(key).and_then(Value::as_str).map(str::to_owned);
        let message = text("message")?;
        if depth > MAX_DEPTH || *left == 0 {
            return None;
        }
        *left -= 1;
        let code = match parts.get("code") {
            Some(Value::Int(code)) => Some(code.to_string()),
            Some(Value::UInt(code)) => Some(code.to_string()),
            _ => text("code"),
        };
        let cause = parts.get("cause").and_then(|cause| Self::from_value(cause, depth + 1, left));
        let errors = parts.get("errors").and_then(Value::as_array).unwrap_or_default();
        Some(Self {
            name: text("name").filter(|name| !name.is_empty()).unwrap_or_else(|| "Error".to_owned()),
            message,
            code,
            stack: text("stack"),
            cause: cause.map(Box::new),
            errors: errors.iter().filter_map(|error| Self::from_value(error, depth + 1, left)).collect(),
            data: parts.get("data").and_then(Value::as_map).cloned().unwrap_or_default(),
        })
    }

    fn into_remote_error(self, function: &str) -> RemoteError {
        RemoteError {
            name: self.name,
            message: self.message,
            remote_code: self.code,
            stack: self.stack,
            data: self.data,
            cause: self.cause.map(|cause| Box::new(cause.into_remote_error(""))),
            errors: self.errors.into_iter().map(|error| error.into_remote_error("")).collect(),
            function: function.to_owned(),
            code: "REMOTE_ERROR",
        }
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
    match refusal_code(&parts, is_text_only) {
        Some(code) => RemoteError { remote_code: None, code, ..parts.into_remote_error(function) },
        None => parts.into_remote_error(function),
    }
}

/// A worker that sends parts sends the code of a refusal too. Without a code, the text comes from a method.
fn refusal_code(parts: &ErrorParts, is_text_only: bool) -> Option<&'static str> {
    let text = parts.message.to_lowercase();
    let fits = |code: &str, start: &str| {
        text.starts_with(start)
            && match code {
                "FUNCTION_NOT_FOUND" if start.ends_with('\'') => {
                    text[start.len()..].split_once('\'').is_some_and(|(_, rest)| rest.starts_with(" not found"))
                }
                "NOT_CALLABLE" => {
                    text.ends_with("' is not callable") || text.contains("' is a function property, not a method")
                }
                _ => true,
            }
    };
    // As a stopping worker refused calls before the code STOPPING.
    let is_older_stopping = match parts.code.as_deref() {
        Some(code) => code == "NOT_RUNNING",
        None => parts.name == "NotRunningError",
    };
    let known =
        |code: &str| is_text_only || parts.code.as_deref() == Some(code) || code == "STOPPING" && is_older_stopping;
    REFUSALS.iter().find(|(code, start)| known(code) && fits(code, start)).map(|(code, _)| *code)
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts && text.chars().all(|part| part.is_ascii_alphanumeric() || part == '_' || part == '.')
}

/// What of one error is sent so far.
struct Bounds {
    errors: usize,
    data_bytes: usize,
}

impl Bounds {
    fn apply(&mut self, parts: ErrorParts, depth: usize) -> ErrorParts {
        self.errors += 1;
        let longest = if depth == 0 { MAX_TEXT } else { MAX_NESTED_TEXT };
        let cause = parts.cause.and_then(|cause| self.nested(*cause, depth + 1)).map(Box::new);
        let errors = parts.errors.into_iter().map_while(|error| self.nested(error, depth + 1)).collect();
        let considered = parts.data.into_iter().take(MAX_FIELDS);
        ErrorParts {
            name: shorten(parts.name, MAX_NAME),
            message: shorten(parts.message, longest),
            code: parts.code.filter(|code| code.len() <= MAX_NAME),
            stack: parts.stack.map(|stack| shorten(stack, longest)),
            cause,
            errors,
            data: considered.filter(|(name, value)| self.has_room(name, value)).collect(),
        }
    }

    fn nested(&mut self, parts: ErrorParts, depth: usize) -> Option<ErrorParts> {
        (depth <= MAX_DEPTH && self.errors < MAX_ERRORS).then(|| self.apply(parts, depth))
    }

    /// Whether a field can be sent, and is not too large.
    fn has_room(&mut self, name: &str, value: &Value) -> bool {
        let left = MAX_DATA_BYTES - self.data_bytes;
        match encoded_bytes(value, left, MAX_FIELD_DEPTH) {
            Some(bytes) if bytes + name.len() <= left => {
                self.data_bytes += bytes + name.len();
                true
            }
            _ => false,
        }
    }
}

/// Leaves out the middle of a text that is longer than this, in bytes.
fn shorten(text: String, longest: usize) -> String {
    if text.len() <= longest {
        return text;
    }
    let boundary = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    let (start, end) = (boundary(longest / 2), boundary(text.len() - longest / 2));
    format!("{}\n[...]\n{}", &text[..start], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_of(parts: &ErrorParts) -> usize {
        parts.cause.as_deref().map_or(0, |cause| 1 + depth_of(cause))
    }

    fn chain(length: usize) -> ErrorParts {
        (0..length).fold(ErrorParts::new("E", "0"), |cause, _| ErrorParts {
            cause: Some(Box::new(cause)),
            ..ErrorParts::new("E", "m")
        })
    }

    fn read(parts: Value, text: &str) -> RemoteError {
        let body = Body::Error { error: text.to_owned() };
        let metadata = Map::from([("error".to_owned(), parts)]);
        remote_error_of(&Message { metadata: Some(metadata), ..Message::new(body) }, "f").expect("an error")
    }

    #[test]
    fn what_is_sent_of_an_error_is_bounded() {
        assert_eq!(depth_of(&chain(1000).bounded()), MAX_DEPTH);
        let many = ErrorParts { errors: vec![ErrorParts::new("E", "m"); 1000], ..ErrorParts::new("E", "m") };
        assert_eq!(many.bounded().errors.len(), MAX_ERRORS - 1);
        let long = "é".repeat(1_000_000);
        let cause = Some(Box::new(ErrorParts::new("E", long.clone())));
        let texts = ErrorParts { stack: Some(long.clone()), cause, ..ErrorParts::new(long.clone(), long) }.bounded();
        assert!(texts.message.len() <= MAX_TEXT + 10 && texts.stack.expect("a stack").len() <= MAX_TEXT + 10);
        assert!(texts.cause.expect("a cause").message.len() <= MAX_NESTED_TEXT + 10);
        assert!(texts.name.len() <= MAX_NAME + 10);
    }

    #[test]
    fn fields_that_are_too_large_or_too_deep_are_left_out() {
        let deep = (0..50).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
        let fields = [("large", "x".repeat(70_000)), ("fits", "y".repeat(60_000)), ("more", "z".repeat(6_000))];
        let mut data: Map = fields.map(|(name, text)| (name.to_owned(), Value::from(text))).into();
        data.extend([("deep".to_owned(), deep), ("small".to_owned(), Value::Int(1))]);
        let sent = ErrorParts { data, ..ErrorParts::new("E", "m") }.bounded().data;
        assert_eq!(sent.keys().collect::<Vec<_>>(), ["fits", "small"]);
        let data = (0..1000).map(|index| (index.to_string(), Value::Int(index))).collect();
        assert_eq!(ErrorParts { data, ..ErrorParts::new("E", "m") }.bounded().data.len(), MAX_FIELDS);
    }

    #[test]
    fn parts_of_other_types_are_left_out() {
        let odd = Map::from([
            ("name".to_owned(), Value::Int(5)),
            ("message".to_owned(), Value::from("m")),
            ("code".to_owned(), Value::Float(5.5)),
            ("cause".to_owned(), Value::from("c")),
            ("errors".to_owned(), Value::Map(Map::new())),
            ("data".to_owned(), Value::Array(vec![])),
        ]);
        let error = read(Value::Map(odd), "text");
        assert_eq!((error.name.as_str(), error.message.as_str(), error.remote_code), ("Error", "m", None));
        assert!(error.cause.is_none() && error.errors.is_empty() && error.data.is_empty());
        let deep = read(chain(50).into_value(), "");
        let causes = std::iter::successors(deep.cause.as_deref(), |error| error.cause.as_deref());
        assert_eq!(causes.count(), MAX_DEPTH);
    }

    #[test]
    fn a_stopping_worker_is_recognised_also_where_it_is_older() {
        let text = "This worker is stopping and takes no more calls";
        let sent = |name: &str, code: Option<&str>, message: &str| {
            ErrorParts { code: code.map(str::to_owned), ..ErrorParts::new(name, message) }.into_value()
        };
        let forms = [
            sent("RefusedCall", Some("STOPPING"), text),
            sent("NotRunningError", None, text),
            sent("CallError", Some("NOT_RUNNING"), text),
            Value::Nil,
        ];
        for parts in forms {
            assert_eq!(read(parts.clone(), text).code, "STOPPING", "{parts:?}");
        }
        for parts in [sent("Error", None, text), sent("Error", Some("E"), text), sent("E", Some("STOPPING"), "other")] {
            assert_eq!(read(parts.clone(), text).code, "REMOTE_ERROR", "{parts:?}");
        }
    }

    #[test]
    fn a_function_that_older_rust_does_not_find_is_a_refusal() {
        assert_eq!(read(Value::Nil, "Function not found: x").code, "FUNCTION_NOT_FOUND");
        assert_eq!(read(Value::Nil, "Function 'x' not found").code, "FUNCTION_NOT_FOUND");
        assert_eq!(read(Value::Nil, "Function not found").code, "REMOTE_ERROR");
    }
}
