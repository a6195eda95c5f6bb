//! The description of a worker's functions.

use std::collections::BTreeMap;

use super::wire_type::Type;
use crate::value::{Map, Value};

/// The description of a worker's functions.
#[derive(Debug, Clone, Default)]
pub struct Interface {
    /// By name.
    pub functions: BTreeMap<String, Function>,
}

/// The description of a function.
#[derive(Debug, Clone, Default)]
pub struct Function {
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The type of its result, if known.
    pub returns: Option<Type>,
    /// The first paragraph of its documentation, or empty.
    pub doc: String,
}

/// The description of a parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type, if known. If it may be nil, the argument may be left out at the end.
    pub of_type: Option<Type>,
}

impl Interface {
    /// The value that is sent in the metadata of the answer to `listFunctions`.
    pub(crate) fn to_value(&self, names: &[String]) -> Value {
        let mut types = Map::new();
        let functions: Map = names
            .iter()
            .map(|name| {
                let function = self.functions.get(name).cloned().unwrap_or_default();
                (name.clone(), function.to_value(self.functions.contains_key(name), &mut types))
            })
            .collect();
        let mut interface = map([("language", Value::from("rust")), ("functions", Value::Map(functions))]);
        if !types.is_empty() {
            interface.insert("types".to_owned(), Value::Map(types));
        }
        Value::Map(interface)
    }
}

impl Function {
    fn to_value(&self, is_known: bool, types: &mut Map) -> Value {
        let mut function = Map::new();
        if is_known {
            let parameters = self.parameters.iter().map(|parameter| parameter.to_value(types)).collect();
            function.insert("parameters".to_owned(), Value::Array(parameters));
        }
        if let Some(returns) = &self.returns {
            function.insert("returns".to_owned(), returns.to_value(types));
        }
        if !self.doc.is_empty() {
            function.insert("doc".to_owned(), self.doc.as_str().into());
        }
        Value::Map(function)
    }
}

impl Parameter {
    fn to_value(&self, types: &mut Map) -> Value {
        let mut parameter = map([("name", Value::from(self.name.as_str()))]);
        if let Some(of_type) = &self.of_type {
            parameter.insert("type".to_owned(), of_type.to_value(types));
            if of_type.may_be_nil() {
                parameter.insert("optional".to_owned(), Value::Bool(true));
            }
        }
        Value::Map(parameter)
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
