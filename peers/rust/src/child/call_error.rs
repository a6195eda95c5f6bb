//! The error of a method.

use crate::codec::ErrorParts;

/// The result of a worker's method.
pub type CallResult<T> = Result<T, CallError>;

/// The error of a method, as its caller gets it: a name, a message and an optional code.
///
/// `?` turns every [`std::error::Error`] into one, with the name of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError(pub(crate) ErrorParts);

impl CallError {
    /// An error with this message and the name `Error`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(ErrorParts::new("Error", message))
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

    /// The error with which `handle_call` answers a call of an unknown function.
    pub fn not_found(function: &str) -> Self {
        Self(ErrorParts::refusal("FUNCTION_NOT_FOUND", format!("Function '{function}' not found")))
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
        Self::new(error.to_string()).with_name(name)
    }
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
}
