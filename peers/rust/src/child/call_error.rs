//! The error of a method.

use crate::codec::{ErrorParts, MAX_DEPTH};
use crate::error::RemoteError;
use crate::value::Value;

/// The result of a worker's method.
pub type CallResult<T> = Result<T, CallError>;

/// The error of a method, as its caller gets it: a name, a message, an optional code, further data and a cause.
///
/// `?` turns every [`std::error::Error`] into one, with the name of its type, and its sources as causes.
#[derive(Debug, Clone, PartialEq)]
pub struct CallError(pub(crate) Box<ErrorParts>);

impl CallError {
    /// An error with this message and the name `Error`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(ErrorParts::new("Error", message)))
    }

    /// Sets the name, such as `ValueError`. Default: `Error`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Sets a code, by which programs can recognize the error. Default: none.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Adds a field, which callers find in the data of the error. The fields of one answer have at most 64 KiB.
    #[must_use]
    pub fn with_data(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.data.insert(name.into(), value.into());
        self
    }

    /// Sets the cause. Default: none.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Self>) -> Self {
        self.0.cause = Some(cause.into().0);
        self
    }

    /// The error with which `handle_call` answers a call of an unknown function.
    pub fn not_found(function: &str) -> Self {
        Self(Box::new(ErrorParts::refusal("FUNCTION_NOT_FOUND", format!("Function '{function}' not found"))))
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl<E: std::error::Error> From<E> for CallError {
    fn from(error: E) -> Self {
        let path = std::any::type_name::<E>();
        let plain = path.split('<').next().unwrap_or(path);
        let name = plain.rsplit("::").next().unwrap_or(plain);
        // Callers know the errors of this crate by the name that they had before.
        let name = if path == std::any::type_name::<crate::Error>() { "MultifrostError" } else { name };
        let mut call_error = Self::new(error.to_string()).with_name(name);
        call_error.0.cause = error.source().and_then(|source| parts_of_source(source, 1)).map(Box::new);
        call_error
    }
}

/// Describes a source. Its type cannot be named, unless it comes from another worker.
fn parts_of_source(source: &(dyn std::error::Error + 'static), depth: usize) -> Option<ErrorParts> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut parts = ErrorParts::new("Error", source.to_string());
    if let Some(remote) = source.downcast_ref::<RemoteError>() {
        parts.name.clone_from(&remote.name);
        parts.code.clone_from(&remote.remote_code);
        parts.data.clone_from(&remote.data);
    }
    parts.cause = source.source().and_then(|next| parts_of_source(next, depth + 1)).map(Box::new);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_type_as_its_name() {
        fn parse() -> CallResult<i64> {
            Ok("x".parse::<i64>()?)
        }
        let error = parse().expect_err("no number");
        assert_eq!(error.0.name, "ParseIntError");
        assert_eq!(error.message(), "invalid digit found in string");
    }

    #[test]
    fn the_sources_of_an_error_are_its_causes() {
        #[derive(Debug)]
        struct Nested(usize);
        impl std::fmt::Display for Nested {
            fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(to, "level {}", self.0)
            }
        }
        impl std::error::Error for Nested {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                // A chain without an end.
                static NEXT: Nested = Nested(1);
                Some(&NEXT)
            }
        }
        let parts = CallError::from(Nested(0)).0;
        let causes: Vec<_> = std::iter::successors(parts.cause.as_deref(), |parts| parts.cause.as_deref()).collect();
        assert_eq!((causes.len(), causes[0].message.as_str()), (MAX_DEPTH, "level 1"));
    }

    #[test]
    fn a_cause_and_fields_can_be_added() {
        let error = CallError::new("no row").with_data("row", 7).with_cause(CallError::new("no table"));
        assert_eq!(error.0.data["row"], Value::Int(7));
        assert_eq!(error.0.cause.expect("a cause").message, "no table");
    }
}
