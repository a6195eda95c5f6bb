//! The description of Rust types for other languages.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use crate::value::{Bytes, Map, Timestamp, Value};

/// A type on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `any`, `nil`, `bool`, `int`, `float`, `str`, `bytes` or `time`.
    Plain(&'static str),
    /// A list of one type.
    List(Box<Type>),
    /// A map with text keys.
    Map(Box<Type>),
    /// A list of fixed length.
    Tuple(Vec<Type>),
    /// One of several types.
    Union(Vec<Type>),
    /// A record with a name: its fields and their types.
    Record(&'static str, Vec<(&'static str, Type)>),
}

/// A type with a description for callers. Implement it for a struct to describe its fields:
///
/// ```
/// use multifrost::{Type, WireType};
///
/// struct Point { x: f64, y: f64 }
///
/// impl WireType for Point {
///     fn wire_type() -> Type {
///         Type::Record("Point", vec![("x", f64::wire_type()), ("y", f64::wire_type())])
///     }
/// }
/// ```
pub trait WireType {
    /// The type on the wire.
    fn wire_type() -> Type;
}

impl Type {
    pub(super) fn may_be_nil(&self) -> bool {
        matches!(self, Self::Union(members) if members.contains(&Self::Plain("nil")))
    }

    /// The value that is sent. Records are added to `types`.
    pub(super) fn to_value(&self, types: &mut Map) -> Value {
        let (kind, content) = match self {
            Self::Plain(name) => return Value::from(*name),
            Self::List(item) => ("list", item.to_value(types)),
            Self::Map(entry) => ("map", entry.to_value(types)),
            Self::Tuple(items) => ("tuple", all(items, types)),
            Self::Union(members) => ("union", all(members, types)),
            Self::Record(name, fields) => {
                if !types.contains_key(*name) {
                    types.insert((*name).to_owned(), Value::Nil);
                    let record = record(fields, types);
                    types.insert((*name).to_owned(), record);
                }
                ("ref", Value::from(*name))
            }
        };
        Value::Map(Map::from([(kind.to_owned(), content)]))
    }
}

fn all(members: &[Type], types: &mut Map) -> Value {
    Value::Array(members.iter().map(|member| member.to_value(types)).collect())
}

fn record(fields: &[(&str, Type)], types: &mut Map) -> Value {
    let described = fields.iter().map(|(name, of_type)| {
        let mut field = Map::from([("type".to_owned(), of_type.to_value(types))]);
        if of_type.may_be_nil() {
            field.insert("optional".to_owned(), Value::Bool(true));
        }
        ((*name).to_owned(), Value::Map(field))
    });
    let fields = Value::Map(described.collect());
    Value::Map(Map::from([("fields".to_owned(), fields)]))
}

macro_rules! plain {
    ($($name:literal: $($kind:ty),+;)*) => {
        $($(impl WireType for $kind {
            fn wire_type() -> Type {
                Type::Plain($name)
            }
        })+)*
    };
}

plain! {
    "any": Value;
    "nil": ();
    "bool": bool;
    "int": i8, i16, i32, i64, isize, u8, u16, u32, u64, usize;
    "float": f32, f64;
    "str": String, &str, char;
    "bytes": Bytes;
    "time": Timestamp;
}

impl<T: WireType> WireType for Vec<T> {
    fn wire_type() -> Type {
        Type::List(Box::new(T::wire_type()))
    }
}

impl<T: WireType> WireType for HashMap<String, T> {
    fn wire_type() -> Type {
        Type::Map(Box::new(T::wire_type()))
    }
}

impl<T: WireType> WireType for BTreeMap<String, T> {
    fn wire_type() -> Type {
        Type::Map(Box::new(T::wire_type()))
    }
}

impl<T: WireType> WireType for Option<T> {
    fn wire_type() -> Type {
        Type::Union(vec![T::wire_type(), Type::Plain("nil")])
    }
}

impl<A: WireType, B: WireType> WireType for (A, B) {
    fn wire_type() -> Type {
        Type::Tuple(vec![A::wire_type(), B::wire_type()])
    }
}

impl<A: WireType, B: WireType, C: WireType> WireType for (A, B, C) {
    fn wire_type() -> Type {
        Type::Tuple(vec![A::wire_type(), B::wire_type(), C::wire_type()])
    }
}

/// The result of a method is described by its `Ok` type.
impl<T: WireType, E> WireType for Result<T, E> {
    fn wire_type() -> Type {
        T::wire_type()
    }
}

/// Finds out whether a type is a [`WireType`]: `Probe` answers for those that are, `&Probe` for all others, and method lookup
/// tries `Probe` first.
#[doc(hidden)]
pub struct Probe<T>(PhantomData<T>);

#[doc(hidden)]
pub type ProbeAnswer = Option<Type>;

impl<T> Probe<T> {
    #[doc(hidden)]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

#[doc(hidden)]
pub trait Known {
    fn answer(&self) -> ProbeAnswer;
}

impl<T: WireType> Known for Probe<T> {
    fn answer(&self) -> ProbeAnswer {
        Some(T::wire_type())
    }
}

#[doc(hidden)]
pub trait Unknown {
    fn answer(&self) -> ProbeAnswer;
}

impl<T> Unknown for &Probe<T> {
    fn answer(&self) -> ProbeAnswer {
        None
    }
}
