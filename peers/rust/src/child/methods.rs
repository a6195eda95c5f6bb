//! The macro that turns an `impl` block into a worker.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call_error::{CallError, CallResult};
use crate::value::{Value, to_value_at};

/// Implements [`crate::ChildWorker`] with the `async fn`s of an `impl` block. The block itself stays as it is, so that its
/// functions can be tested without a worker. Each takes `&self` and types that serde can deserialize, and returns a `Result`
/// of a type that serde can serialize; the error is a [`crate::CallError`] or any [`std::error::Error`].
///
/// ```
/// use multifrost::{CallError, CallResult, methods};
///
/// struct MathWorker;
///
/// methods! {
///     impl MathWorker {
///         /// The sum of both.
///         async fn add(&self, a: i64, b: i64) -> CallResult<i64> {
///             a.checked_add(b).ok_or_else(|| CallError::new("the sum is too large"))
///         }
///     }
/// }
/// ```
#[macro_export]
macro_rules! methods {
    (impl $worker:ty {$(
        $(#[doc = $doc:literal])*
        $visibility:vis async fn $name:ident(&$self:ident $(, $arg:ident : $kind:ty)* $(,)?) -> $result:ty $body:block
    )*}) => {
        impl $worker {$(
            $(#[doc = $doc])*
            $visibility async fn $name(&$self $(, $arg: $kind)*) -> $result $body
        )*}

        impl $crate::ChildWorker for $worker {
            fn list_functions(&self) -> ::std::vec::Vec<::std::string::String> {
                ::std::vec![$(::std::stringify!($name).to_owned()),*]
            }

            async fn handle_call(
                &self,
                function: &str,
                args: ::std::vec::Vec<$crate::Value>,
            ) -> $crate::CallResult<$crate::Value> {
                match function {
                    $(::std::stringify!($name) => {
                        #[allow(unused_mut)]
                        let mut args = $crate::expansion::Args::new(function, &[$(::std::stringify!($arg)),*], args)?;
                        $(let $arg: $kind = args.take()?;)*
                        ::std::mem::drop(args);
                        $crate::expansion::Answer::into_answer(self.$name($($arg),*).await)
                    })*
                    _ => ::std::result::Result::Err($crate::CallError::not_found(function)),
                }
            }

            fn interface(&self) -> $crate::Interface {
                #[allow(unused_imports)]
                use $crate::expansion::{Known, Unknown};
                let mut interface = $crate::Interface::default();
                $(interface.functions.insert(::std::stringify!($name).to_owned(), $crate::Function {
                    parameters: ::std::vec![$($crate::Parameter {
                        name: ::std::stringify!($arg).to_owned(),
                        of_type: (&$crate::expansion::Probe::<$kind>::new()).answer(),
                    }),*],
                    returns: (&$crate::expansion::Probe::<$result>::new()).answer(),
                    doc: $crate::expansion::doc_of(&[$($doc),*]),
                });)*
                interface
            }
        }
    };
}

/// The arguments of one call, taken in order.
#[doc(hidden)]
pub struct Args {
    function: String,
    names: std::slice::Iter<'static, &'static str>,
    values: std::vec::IntoIter<Value>,
}

impl Args {
    /// Refuses more arguments than parameters.
    #[doc(hidden)]
    pub fn new(function: &str, names: &'static [&'static str], values: Vec<Value>) -> CallResult<Self> {
        if values.len() > names.len() {
            let takes = format!("{function}({}) takes {} arguments", names.join(", "), names.len());
            return Err(argument_error(format!("{takes}, {} were given", values.len())));
        }
        Ok(Self { function: function.to_owned(), names: names.iter(), values: values.into_iter() })
    }

    /// Takes the next argument. One that is left out at the end is nil, which only an `Option` accepts.
    #[doc(hidden)]
    pub fn take<T: DeserializeOwned>(&mut self) -> CallResult<T> {
        let name = self.names.next().copied().unwrap_or_default();
        let given = self.values.next();
        let is_missing = given.is_none();
        given.unwrap_or_default().to().map_err(|error| {
            let what = if is_missing { "is missing".to_owned() } else { error.to_string() };
            argument_error(format!("the argument '{name}' of {}() {what}", self.function))
        })
    }
}

fn argument_error(message: String) -> CallError {
    CallError::new(message).with_name("ArgumentError")
}

/// Turns the result of a method into an answer.
#[doc(hidden)]
pub trait Answer {
    fn into_answer(self) -> CallResult<Value>;
}

impl<T: Serialize, E: Into<CallError>> Answer for Result<T, E> {
    fn into_answer(self) -> CallResult<Value> {
        let value = self.map_err(Into::into)?;
        Ok(to_value_at("result", &value)?)
    }
}

/// The first paragraph of a doc comment.
#[doc(hidden)]
pub fn doc_of(lines: &[&str]) -> String {
    let paragraph: Vec<&str> = lines.iter().map(|line| line.trim()).take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}
