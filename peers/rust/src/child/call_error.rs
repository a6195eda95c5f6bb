//! What a method fails with.

use std::error::Error;

use crate::codec::ErrorParts;

/// The result of a worker's method.
pub type CallResult<T> = Result<T, CallError>;

/// A failure of a method, as its caller is told: a name, a message and, where given, a code.
///
/// Every [`std::error::Error`] turns into one by `?`, with its type's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError(pub(crate) ErrorParts);

impl CallError {
    /// A failure with this message and the name `Error`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(ErrorParts::new("Error", message))
    }

    /// Gives it another name, such as `ValueError`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Gives it a code that programs can tell it by.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// For a `handle_call` that is asked for a function which it does not have.
    pub fn not_found(function: &str) -> Self {
        Self(ErrorParts::refusal("FUNCTION_NOT_FOUND", format!("Function '{function}' not found")))
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl<E: Error> From<E> for CallError {
    fn from(error: E) -> Self {
        let path = std::any::type_name::<E>();
        let plain = path.split('<').next().unwrap_or(path);
        let name = plain.rsplit("::").next().unwrap_or(plain);
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
