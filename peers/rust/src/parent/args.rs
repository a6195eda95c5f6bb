//! Arguments of a call, and the macro.

use serde::Serialize;

use crate::error::{MultifrostError, Result};
use crate::value::{Value, to_value};

/// Arguments of a call: a tuple of anything that serde can write, or values as they are.
pub trait IntoArgs {
    /// Makes values of them.
    ///
    /// # Errors
    /// [`MultifrostError::Serialization`], with the argument's place.
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
    to_value(value).map_err(|error| match error {
        MultifrostError::Serialization { code, path, message } => {
            MultifrostError::Serialization { code, path: format!("args[{index}]{path}"), message }
        }
        other => other,
    })
}

/// Calls a method by its name, as if it were a function: `call!(worker, add(10, 20)).await?`.
///
/// The result's type is inferred, or told: `let sum: i64 = call!(worker, add(10, 20)).await?`. Options come last:
/// `call!(worker, add(10, 20), CallOptions::new().timeout(Duration::from_secs(5)))`. Takes up to eight arguments;
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
