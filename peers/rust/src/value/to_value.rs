//! Converts Rust types to values, or refuses them with their path.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer, ser};

use super::ser::EXT_STRUCT;
use super::timestamp::TIMESTAMP_TYPE;
use super::{Map, Timestamp, Value};
use crate::codec::Limits;
use crate::error::{Error, Result};

/// Converts any serializable value to a [`Value`]: structs become maps with the names of their fields, `Vec<u8>` becomes a list
/// of numbers (use [`Bytes`](super::Bytes) for binary), `None` and `()` become nil. Keys of maps become text.
///
/// # Errors
/// [`Error::Serialization`], with the path of the value: `UNSENDABLE_VALUE` for an integer beyond 64 bits, a map with two keys
/// that are the same text or with a key that has none, and what its `Serialize` refuses; `LIMIT_EXCEEDED` beyond 100 levels.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    to_value_at("", value)
}

/// The same for a value at this path, such as `result`.
pub(crate) fn to_value_at<T: Serialize + ?Sized>(root: &str, value: &T) -> Result<Value> {
    value.serialize(ToValue { depth: 0 }).map_err(|refused| Error::Serialization {
        code: refused.code,
        path: format!("{root}{}", refused.path),
        message: refused.what,
    })
}

/// Why a value cannot be sent. The path grows while the recursion returns.
#[derive(Debug)]
struct Refused {
    code: &'static str,
    path: String,
    what: String,
}

impl Refused {
    fn new(what: impl Into<String>) -> Self {
        Self { code: "UNSENDABLE_VALUE", path: String::new(), what: what.into() }
    }

    fn below(mut self, segment: impl Display) -> Self {
        // The rest of a longer path would not help.
        if self.path.len() < 200 {
            self.path.insert_str(0, &segment.to_string());
        }
        self
    }
}

impl Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(what: T) -> Self {
        Self::new(format!("cannot be sent: {what}"))
    }
}

type Made<T> = std::result::Result<T, Refused>;

/// Makes a value of a type that is so many levels below the top.
#[derive(Clone, Copy)]
struct ToValue {
    depth: usize,
}

impl ToValue {
    fn enter(self) -> Made<Self> {
        let most = Limits::default().depth;
        if self.depth >= most {
            let what = format!("{} levels of lists and maps, above the limit depth ({most})", self.depth + 1);
            return Err(Refused { code: "LIMIT_EXCEEDED", ..Refused::new(what) });
        }
        Ok(Self { depth: self.depth + 1 })
    }

    fn list(self) -> Made<List> {
        Ok(List { items: Vec::new(), items_are: self.enter()?, variant: None })
    }

    fn record(self) -> Made<Record> {
        Ok(Record { entries: Map::new(), fields_are: self.enter()?, variant: None, key: None })
    }
}

macro_rules! integers {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Made<Value> {
            match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => Ok(Value::Int(value)),
                (_, Ok(value)) => Ok(Value::UInt(value)),
                _ => Err(Refused::new("an integer beyond 64 bits cannot be sent; send it as text")),
            }
        })*
    };
}

#[allow(clippy::useless_conversion, irrefutable_let_patterns)]
impl Serializer for ToValue {
    type Ok = Value;
    type Error = Refused;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Record;
    type SerializeStruct = Record;
    type SerializeStructVariant = Record;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_bool(self, value: bool) -> Made<Value> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Made<Value> {
        Ok(Value::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Made<Value> {
        Ok(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Made<Value> {
        Ok(Value::Str(value.into()))
    }

    fn serialize_str(self, value: &str) -> Made<Value> {
        Ok(Value::from(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Made<Value> {
        Ok(Value::Bytes(value.to_vec()))
    }

    fn serialize_none(self) -> Made<Value> {
        Ok(Value::Nil)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made<Value> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made<Value> {
        Ok(Value::Nil)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Made<Value> {
        Ok(Value::Nil)
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Made<Value> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Made<Value> {
        if name == EXT_STRUCT { extension(value.serialize(Self { depth: 0 })?) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Made<Value> {
        let value = value.serialize(self.enter()?).map_err(|refused| refused.below(format_args!(".{variant}")))?;
        Ok(tagged(variant, value))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Made<List> {
        self.list()
    }

    fn serialize_tuple(self, _length: usize) -> Made<List> {
        self.list()
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Made<List> {
        self.list()
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Made<List> {
        Ok(List { variant: Some(variant), ..self.enter()?.list()? })
    }

    fn serialize_map(self, _length: Option<usize>) -> Made<Record> {
        self.record()
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Made<Record> {
        self.record()
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Made<Record> {
        Ok(Record { variant: Some(variant), ..self.enter()?.record()? })
    }
}

/// A list whose items come one after the other.
struct List {
    items: Vec<Value>,
    items_are: ToValue,
    /// The variant of an enum that the list belongs to.
    variant: Option<&'static str>,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Made<()> {
        let place = format_args!("[{}]", self.items.len()).to_string();
        self.items.push(item.serialize(self.items_are).map_err(|refused| refused.below(place))?);
        Ok(())
    }

    fn made(self) -> Value {
        match self.variant {
            Some(variant) => tagged(variant, Value::Array(self.items)),
            None => Value::Array(self.items),
        }
    }
}

/// A map whose entries come one after the other.
struct Record {
    entries: Map,
    fields_are: ToValue,
    /// The variant of an enum that the map belongs to.
    variant: Option<&'static str>,
    /// The key whose value is next.
    key: Option<String>,
}

impl Record {
    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Made<()> {
        let value = value.serialize(self.fields_are).map_err(|refused| refused.below(format_args!(".{key}")))?;
        if self.entries.contains_key(&key) {
            let what = format!("a map with two keys that are the text {key:?} cannot be sent; send a list of pairs");
            return Err(Refused::new(what));
        }
        self.entries.insert(key, value);
        Ok(())
    }

    fn made(self) -> Value {
        match self.variant {
            Some(variant) => tagged(variant, Value::Map(self.entries)),
            None => Value::Map(self.entries),
        }
    }
}

/// A variant of an enum with content: a map of one entry.
fn tagged(variant: &str, content: Value) -> Value {
    Value::Map(Map::from([(variant.to_owned(), content)]))
}

/// What `serialize_ext` has written: the type and the data.
fn extension(parts: Value) -> Made<Value> {
    if let Value::Array(parts) = parts
        && let [Value::Int(kind), Value::Bytes(data)] = &parts[..]
        && let Ok(kind) = i8::try_from(*kind)
    {
        let time = if kind == TIMESTAMP_TYPE { Timestamp::from_data(data).map(Value::Time) } else { None };
        return Ok(time.unwrap_or_else(|| Value::Ext(kind, data.clone())));
    }
    Err(Refused::new("an extension without a type and data cannot be sent"))
}

/// The text of a key: numbers, booleans and nil become text.
fn key_text<T: Serialize + ?Sized>(key: &T) -> Made<String> {
    Ok(match key.serialize(ToValue { depth: 0 })? {
        Value::Str(text) => text,
        Value::Int(key) => key.to_string(),
        Value::UInt(key) => key.to_string(),
        Value::Float(key) => key.to_string(),
        Value::Bool(key) => key.to_string(),
        Value::Nil => "null".to_owned(),
        other => {
            return Err(Refused::new(format!(
                "a map with {} as a key cannot be sent; send a list of pairs",
                other.kind()
            )));
        }
    })
}

macro_rules! lists {
    ($($kind:ident: $method:ident),*) => {
        $(impl ser::$kind for List {
            type Ok = Value;
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Made<()> {
                self.push(item)
            }

            fn end(self) -> Made<Value> {
                Ok(self.made())
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

macro_rules! records {
    ($($kind:ident),*) => {
        $(impl ser::$kind for Record {
            type Ok = Value;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Made<()> {
                self.insert(key.to_owned(), value)
            }

            fn end(self) -> Made<Value> {
                Ok(self.made())
            }
        })*
    };
}

records! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Record {
    type Ok = Value;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Made<()> {
        self.key = Some(key_text(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Made<()> {
        let key = self.key.take().ok_or_else(|| Refused::new("a map with a value before its key cannot be sent"))?;
        self.insert(key, value)
    }

    fn end(self) -> Made<Value> {
        Ok(self.made())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::value::Bytes;

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
    }

    fn refusal<T: Serialize>(value: T) -> (&'static str, String, String) {
        match to_value(&value) {
            Err(Error::Serialization { code, path, message }) => (code, path, message),
            other => panic!("{other:?}"),
        }
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Wrapped(u8);

    #[derive(Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(i8, i8),
        Box { width: u8 },
    }

    #[derive(Serialize)]
    struct Outer {
        inner: Vec<HashMap<String, u128>>,
    }

    /// A key of a map that is no text.
    #[derive(Serialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[serde(untagged)]
    enum Key {
        Number(i64),
        Text(&'static str),
        Pair(i8, i8),
        None(()),
        Flag(bool),
    }

    #[test]
    fn values_are_made_by_the_rules_of_the_readme() {
        let numbers = to_value(&(1i128, u128::from(u64::MAX), -1i8, 1.0f32, f64::NAN, 'x')).expect("sendable");
        let Value::Array(numbers) = numbers else { panic!("{numbers:?}") };
        assert_eq!(numbers[..4], [Value::Int(1), Value::UInt(u64::MAX), Value::Int(-1), Value::Float(1.0)]);
        assert!(matches!(numbers[4], Value::Float(number) if number.is_nan()));
        assert_eq!(numbers[5], Value::from("x"));
        for (made, wanted) in [
            (to_value(&Unit), Value::Nil),
            (to_value(&Wrapped(5)), Value::Int(5)),
            (to_value(&Shape::Point), Value::from("Point")),
            (to_value(&Shape::Circle(1.5)), map([("Circle", Value::Float(1.5))])),
            (to_value(&Shape::Line(1, 2)), map([("Line", Value::Array(vec![Value::Int(1), Value::Int(2)]))])),
            (to_value(&Shape::Box { width: 3 }), map([("Box", map([("width", Value::Int(3))]))])),
            (
                to_value(&Duration::from_millis(1500)),
                map([("secs", Value::Int(1)), ("nanos", Value::Int(500_000_000))]),
            ),
            (to_value(&Timestamp::from(SystemTime::UNIX_EPOCH)), Value::Time(Timestamp::new(0, 0).expect("valid"))),
            (to_value(&Value::Ext(-1, vec![1])), Value::Ext(-1, vec![1])),
            (to_value(&Bytes(vec![1])), Value::Bytes(vec![1])),
            (to_value(&Some(Some(()))), Value::Nil),
        ] {
            assert_eq!(made.expect("sendable"), wanted);
        }
    }

    #[test]
    fn keys_that_are_no_text_become_text() {
        let keys = [Key::Number(-1), Key::Text("a"), Key::None(()), Key::Flag(true)];
        let keyed: BTreeMap<Key, u8> = keys.into_iter().map(|key| (key, 1)).collect();
        let one = Value::Int(1);
        assert_eq!(
            to_value(&keyed).expect("sendable"),
            map([("-1", one.clone()), ("a", one.clone()), ("null", one.clone()), ("true", one)])
        );
    }

    #[test]
    fn what_cannot_be_sent_is_named_by_its_path() {
        let beyond = "an integer beyond 64 bits cannot be sent; send it as text";
        let outer = Outer { inner: vec![HashMap::new(), HashMap::from([("id".to_owned(), u128::MAX)])] };
        assert_eq!(refusal(outer), ("UNSENDABLE_VALUE", ".inner[1].id".to_owned(), beyond.to_owned()));
        assert_eq!(refusal(i128::MIN).2, beyond);
        let twice = BTreeMap::from([(Key::Number(1), 1), (Key::Text("1"), 2)]);
        let (code, path, what) = refusal(vec![twice]);
        assert_eq!((code, path.as_str()), ("UNSENDABLE_VALUE", "[0]"));
        assert!(what.contains("two keys that are the text \"1\""), "{what}");
        assert!(refusal(BTreeMap::from([(Key::Pair(1, 2), 1)])).2.contains("as a key cannot be sent"));
        let (_, path, what) = refusal((1, Broken));
        assert_eq!((path.as_str(), what.as_str()), ("[1]", "cannot be sent: no way"));
    }

    struct Broken;

    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _serializer: S) -> std::result::Result<S::Ok, S::Error> {
            Err(ser::Error::custom("no way"))
        }
    }

    #[test]
    fn a_value_without_an_end_is_refused() {
        struct Endless;
        impl Serialize for Endless {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                [Self].serialize(serializer)
            }
        }
        let (code, path, _) = refusal(Endless);
        assert_eq!(code, "LIMIT_EXCEEDED");
        assert!(path.starts_with("[0][0]"), "{path}");
    }
}
