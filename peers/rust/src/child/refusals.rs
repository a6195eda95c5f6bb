//! The answers to calls that are refused. Parents recognize these texts.

use super::nearest_name::nearest_name;
use crate::codec::ErrorParts;

/// How much of an unknown name an answer repeats, in characters: the name comes from a peer.
const MAX_SHOWN: usize = 100;

/// A name that cannot be called.
pub(super) fn not_callable(name: &str, names: &[String]) -> ErrorParts {
    if name.is_empty() {
        return ErrorParts::refusal("MISSING_FUNCTION", "Message missing 'function' field");
    }
    let shown: String = match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    if name.starts_with('_') {
        return ErrorParts::refusal("PRIVATE_METHOD", format!("Cannot call private method '{shown}'"));
    }
    let hint = nearest_name(name, names).map(|nearest| format!("; did you mean '{nearest}'?")).unwrap_or_default();
    ErrorParts::refusal("FUNCTION_NOT_FOUND", format!("Function '{shown}' not found{hint}"))
}

/// A call for a worker with another namespace.
pub(super) fn wrong_namespace(asked: &str, own: &str) -> ErrorParts {
    ErrorParts::refusal("WRONG_NAMESPACE", format!("No namespace '{asked}' here; this worker's is '{own}'"))
}

/// Too many calls run and wait.
pub(super) fn overloaded(max_pending: usize) -> ErrorParts {
    let message = format!("Too many calls are waiting here (maxPending {max_pending}); call again later");
    ErrorParts::refusal("OVERLOADED", message)
}

/// The calls that run and wait take too much memory.
pub(super) fn out_of_memory(max_bytes: usize) -> ErrorParts {
    let message =
        format!("Too many calls are waiting here, with more than {max_bytes} bytes (max_held_bytes); call again later");
    ErrorParts::refusal("OVERLOADED", message)
}

/// The worker is stopping. The call does not run.
pub(super) fn stopping() -> ErrorParts {
    ErrorParts::refusal("STOPPING", "This worker is stopping and takes no more calls")
}
