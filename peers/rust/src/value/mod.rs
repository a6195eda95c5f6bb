//! Arguments and results.

mod de;
mod ser;
mod timestamp;
mod to_value;

use std::collections::BTreeMap;

pub(crate) use timestamp::TIMESTAMP_TYPE;
pub use timestamp::Timestamp;
pub use to_value::to_value;
pub(crate) use to_value::to_value_at;

use crate::error::{Error, Result};

/// A map with text keys, in the order of the keys' bytes.
pub type Map = BTreeMap<String, Value>;

/// Any argument or result. Integers keep all 64 bits. Binary data and timestamps have separate variants.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing: `None`, `()`, JavaScript's `null` and `undefined`.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above [`i64::MAX`]. Smaller ones are [`Value::Int`].
    UInt(u64),
    /// A 64-bit float. `NaN` and the infinities are sent as nil.
    Float(f64),
    /// Text.
    Str(String),
    /// Binary data.
    Bytes(Vec<u8>),
    /// A moment in time.
    Time(Timestamp),
    /// A list.
    Array(Vec<Value>),
    /// A map.
    Map(Map),
    /// Another extension type of MessagePack.
    Ext(i8, Vec<u8>),
}

/// Binary data. It is sent as binary, whereas a `Vec<u8>` is sent as a list of numbers.
///
/// A `Vec<u8>` can be read from binary too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl Value {
    /// Converts the value to a Rust type. Whole numbers can become floats, binary a `Vec<u8>`.
    ///
    /// # Errors
    /// [`Error::Serialization`] if it has another type.
    pub fn to<T: serde::de::DeserializeOwned>(self) -> Result<T> {
        T::deserialize(self).map_err(|error| Error::unreadable(&error))
    }

    /// The whole number, if it is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if it is one that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::UInt(value) => Some(*value),
            _ => None,
        }
    }

    /// The number as a float, if it is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::UInt(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(value) => Some(value),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The data, if it is binary.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(value) => Some(value),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is [`Value::Nil`].
    pub fn is_nil(&self) -> bool {
        *self == Self::Nil
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::UInt(value), Self::Int)
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Self::Bytes(value.0)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

macro_rules! from_kinds {
    ($($kind:ty => $variant:ident),* $(,)?) => {
        $(impl From<$kind> for Value {
            fn from(value: $kind) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from_kinds! {
    bool => Bool, i8 => Int, i16 => Int, i32 => Int, i64 => Int, u8 => Int, u16 => Int, u32 => Int,
    f32 => Float, f64 => Float, String => Str, Timestamp => Time, Vec<Value> => Array, Map => Map,
}
