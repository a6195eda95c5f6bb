//! How values are serialized. [`super::to_value`] converts any Rust type to one.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::timestamp::TIMESTAMP_TYPE;
use super::{Bytes, Value};

/// The name of a newtype struct that `rmp-serde` writes as an extension.
pub(super) const EXT_STRUCT: &str = rmp_serde::MSGPACK_EXT_STRUCT_NAME;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::UInt(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Str(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::Time(time) => serialize_ext(serializer, TIMESTAMP_TYPE, &time.to_data()),
            Self::Array(items) => items.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Ext(kind, data) => serialize_ext(serializer, *kind, data),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

fn serialize_ext<S: Serializer>(serializer: S, kind: i8, data: &[u8]) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(EXT_STRUCT, &(kind, RawBytes(data)))
}

struct RawBytes<'a>(&'a [u8]);

impl Serialize for RawBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Map, Timestamp, to_value};
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Record {
        name: String,
        size: u64,
        data: Bytes,
        at: Timestamp,
        anything: Value,
        kind: Kind,
        missing: Option<i32>,
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Kind {
        Plain,
        Sized(u8),
        Boxed { width: f32 },
    }

    fn record(kind: Kind) -> Record {
        Record {
            name: "größe".into(),
            size: u64::MAX,
            data: Bytes(vec![0, 255]),
            at: Timestamp::new(-1, 5).expect("valid"),
            anything: Value::Ext(7, vec![1, 2, 3]),
            kind,
            missing: None,
        }
    }

    #[test]
    fn a_struct_becomes_a_map_and_is_restored() {
        let value = to_value(&record(Kind::Plain)).expect("sendable");
        let map = value.as_map().expect("a map");
        assert_eq!(map["size"], Value::UInt(u64::MAX));
        assert_eq!(map["data"], Value::Bytes(vec![0, 255]));
        assert_eq!(map["at"], Value::Time(Timestamp::new(-1, 5).expect("valid")));
        assert_eq!(map["missing"], Value::Nil);
        for kind in [Kind::Plain, Kind::Sized(3), Kind::Boxed { width: 0.5 }] {
            let value = to_value(&record(kind)).expect("sendable");
            let back: Record = value.clone().to().expect("readable");
            assert_eq!(to_value(&back).expect("sendable"), value);
        }
    }

    #[test]
    fn whole_numbers_are_read_as_floats_and_binary_as_bytes() {
        assert_eq!(Value::Int(3).to::<f64>().expect("a float"), 3.0);
        assert_eq!(Value::Bytes(vec![1, 2]).to::<Vec<u8>>().expect("bytes"), [1, 2]);
        assert_eq!(to_value(&vec![1u8, 2]).expect("sendable"), Value::Array(vec![Value::Int(1), Value::Int(2)]));
        assert_eq!(Value::Array(vec![Value::Int(1)]).to::<Bytes>().expect("bytes"), Bytes(vec![1]));
    }

    #[test]
    fn a_value_of_another_type_is_an_error() {
        let error = Value::from("x").to::<i64>().expect_err("no number");
        assert!(error.to_string().contains("expected i64"), "{error}");
        assert!(Value::Int(300).to::<u8>().is_err());
        assert!(Value::Map(Map::new()).to::<Record>().is_err());
    }
}
