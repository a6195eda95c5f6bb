//! The arguments of a call, and the macro [`call!`](crate::call).

use serde::Serialize;

use crate::error::Result;
use crate::value::{Value, to_value_at};

/// The arguments of a call: a tuple of types that serde can serialize, or a `Vec<Value>`.
pub trait IntoArgs {
    /// Converts the arguments to values.
    ///
    /// # Errors
    /// [`Error::Serialization`](crate::Error::Serialization), with the path of the argument.
    fn into_args(self) -> Result<Vec<Value>>;
}

impl IntoArgs for Vec<Value> {
    fn into_args(self) -> Result<Vec<Value>> {
        Ok(self)
    }
}

impl IntoArgs for () {
    fn into_args(self) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt),+;)*) => {
        $(impl<$($name: Serialize),+> IntoArgs for ($($name,)+) {
            fn into_args(self) -> Result<Vec<Value>> {
                Ok(vec![$(arg(&self.$index, $index)?),+])
            }
        })*
    };
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

fn arg<T: Serialize>(value: &T, index: usize) -> Result<Value> {
    to_value_at(&format!("args[{index}]"), value)
}

/// Calls a method by its name, like a function: `call!(worker, add(10, 20)).await?`.
///
/// The type of the result is inferred, or annotated: `let sum: i64 = call!(worker, add(10, 20)).await?`. Options come last:
/// `call!(worker, add(10, 20), CallOptions::new().timeout(Duration::from_secs(5)))`. The macro takes up to eight arguments.
/// [`crate::ParentWorker::call`] takes any number, and names that are no Rust identifiers.
#[macro_export]
macro_rules! call {
    ($worker:expr, $function:ident($($arg:expr),* $(,)?)) => {
        $worker.call(::std::stringify!($function), ($($arg,)*), ::std::option::Option::None)
    };
    ($worker:expr, $function:ident($($arg:expr),* $(,)?), $options:expr) => {
        $worker.call(::std::stringify!($function), ($($arg,)*), ::std::option::Option::Some($options))
    };
}
