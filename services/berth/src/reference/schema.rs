//! The JSON schema of the settings, read off their types.
//!
//! The types are asked what they take, by reading one from a source that answers every question and writes it down.
//! What a text may be (a duration, an address) shows in which samples its type takes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use nf_api::NetworkFunction;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

/// Samples of text with the schema of what takes them; the first is taken by any text.
const TEXTS: [(&str, Option<&str>); 4] = [
    ("\u{1}any text", None),
    (
        "1s",
        // humantime: numbers with units, with or without spaces between.
        Some(
            r"^ *([0-9]+ *(ns|nsec|us|usec|ms|msec|millis|s|sec|secs|seconds?|m|min|mins|minutes?|h|hr|hrs|hours?|d|days?|w|weeks?|M|months?|y|years?) *)+$",
        ),
    ),
    (
        "127.0.0.1:1",
        Some(r"^([0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"),
    ),
    ("127.0.0.1", Some(r"^[0-9A-Fa-f:.]+$")),
];

/// The schema of `T`: closed, with the values of enumerations and the bounds of numbers.
///
/// # Errors
/// A type asks for something that no sample answers; the path of the setting is named.
pub(super) fn of<T: for<'de> Deserialize<'de>>() -> anyhow::Result<Value> {
    let notes = Notes::default();
    loop {
        let mut schema = Value::Null;
        let asked = T::deserialize(Tracer {
            notes: &notes,
            path: String::new(),
            schema: &mut schema,
        });
        match asked {
            Ok(_) => return Ok(schema),
            Err(error) => notes.try_next(&error)?,
        }
    }
}

/// Which sample each text is at.
#[derive(Default)]
struct Notes {
    samples: RefCell<BTreeMap<String, usize>>,
    last: RefCell<String>,
}

impl Notes {
    /// The text that was asked for last did not take its sample.
    fn try_next(&self, error: &Error) -> anyhow::Result<()> {
        let path = self.last.borrow().clone();
        let mut samples = self.samples.borrow_mut();
        let sample = samples.entry(path.clone()).or_default();
        *sample += 1;
        anyhow::ensure!(*sample < TEXTS.len(), "no sample fits {path}: {error}");
        Ok(())
    }

    fn sample(&self, path: &str) -> (&'static str, Option<&'static str>) {
        path.clone_into(&mut self.last.borrow_mut());
        let samples = self.samples.borrow();
        let index = samples.get(path).copied().unwrap_or_default();
        TEXTS.get(index).copied().unwrap_or(TEXTS[0])
    }
}

/// Answers one question of a type.
struct Tracer<'a> {
    notes: &'a Notes,
    path: String,
    schema: &'a mut Value,
}

impl Tracer<'_> {
    fn text(&mut self) -> &'static str {
        let (sample, pattern) = self.notes.sample(&self.path);
        *self.schema = match pattern {
            Some(pattern) => json!({"type": "string", "pattern": pattern}),
            None => json!({"type": "string"}),
        };
        sample
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $value:expr, $schema:tt;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            *self.schema = json!($schema);
            visitor.$visit($value)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    numbers! {
        deserialize_bool visit_bool false, {"type": "boolean"};
        deserialize_i8 visit_i8 1, {"type": "integer", "minimum": (i8::MIN), "maximum": (i8::MAX)};
        deserialize_i16 visit_i16 1, {"type": "integer", "minimum": (i16::MIN), "maximum": (i16::MAX)};
        deserialize_i32 visit_i32 1, {"type": "integer", "minimum": (i32::MIN), "maximum": (i32::MAX)};
        deserialize_i64 visit_i64 1, {"type": "integer"};
        deserialize_u8 visit_u8 1, {"type": "integer", "minimum": 0, "maximum": (u8::MAX)};
        deserialize_u16 visit_u16 1, {"type": "integer", "minimum": 0, "maximum": (u16::MAX)};
        deserialize_u32 visit_u32 1, {"type": "integer", "minimum": 0, "maximum": (u32::MAX)};
        deserialize_u64 visit_u64 1, {"type": "integer", "minimum": 0};
        deserialize_f32 visit_f32 1.0, {"type": "number"};
        deserialize_f64 visit_f64 1.0, {"type": "number"};
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut items = Value::Null;
        let value = visitor.visit_seq(One(Some(Tracer {
            notes: self.notes,
            path: format!("{}[]", self.path),
            schema: &mut items,
        })))?;
        *self.schema = json!({"type": "array", "items": items});
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut each = Value::Null;
        let value = visitor.visit_map(One(Some(Tracer {
            notes: self.notes,
            path: format!("{}.*", self.path),
            schema: &mut each,
        })))?;
        // The maps of the settings go by the names of functions.
        let names = NetworkFunction::ALL.map(|function| function.name().replace('-', "_"));
        let properties = names.into_iter().map(|name| (name, each.clone()));
        *self.schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": properties.collect::<Map<_, _>>(),
        });
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut properties = Map::new();
        let value = visitor.visit_map(Fields {
            notes: self.notes,
            path: self.path,
            fields,
            properties: &mut properties,
        })?;
        *self.schema =
            json!({"type": "object", "additionalProperties": false, "properties": properties});
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.schema = json!({"type": "string", "enum": variants});
        let first = variants.first().copied().unwrap_or_default();
        let first: StrDeserializer<'_, Error> = first.into_deserializer();
        visitor.visit_enum(first)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom(format!(
            "{} does not say what it takes",
            self.path
        )))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A list or a map with one element.
struct One<'a>(Option<Tracer<'a>>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.0
            .take()
            .map(|element| seed.deserialize(element))
            .transpose()
    }
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        // No other names are taken.
        let key: StrDeserializer<'_, Error> = NetworkFunction::Vault.name().into_deserializer();
        self.0.is_some().then(|| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.0.take().ok_or_else(|| de::Error::custom("no value"))?;
        seed.deserialize(value)
    }
}

/// All fields of a struct, one after the other.
struct Fields<'a> {
    notes: &'a Notes,
    path: String,
    fields: &'static [&'static str],
    properties: &'a mut Map<String, Value>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(field) = self.fields.first() else {
            return Ok(None);
        };
        let field: StrDeserializer<'_, Error> = (*field).into_deserializer();
        seed.deserialize(field).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((field, rest)) = self.fields.split_first() else {
            return Err(de::Error::custom("no field"));
        };
        self.fields = rest;
        let mut schema = Value::Null;
        let path = match self.path.as_str() {
            "" => (*field).to_owned(),
            path => format!("{path}.{field}"),
        };
        let value = seed.deserialize(Tracer {
            notes: self.notes,
            path,
            schema: &mut schema,
        })?;
        self.properties.insert((*field).to_owned(), schema);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BerthConfig;

    #[test]
    fn every_section_and_kind_of_value_is_known() {
        let schema = of::<BerthConfig>().unwrap();
        let at = |path: &str| {
            path.split('.').fold(schema.clone(), |schema, name| {
                schema["properties"][name].clone()
            })
        };
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(at("store.default.backend")["enum"][1], "redb");
        assert_eq!(at("store.default.replicas")["maximum"], 65_535);
        assert!(at("shutdown.grace")["pattern"].is_string(), "a duration");
        assert!(at("admin_listen")["pattern"].is_string(), "an address");
        assert_eq!(at("store.default.url"), json!({"type": "string"}));
        assert!(at("listen.msgin5g_server")["pattern"].is_string());
        assert_eq!(at("listen.msgin5g"), Value::Null);
        let gateways = at("ausf.access_gateways");
        assert_eq!(gateways["items"]["properties"]["name"]["type"], "string");
    }

    #[test]
    fn the_charts_schema_has_these_settings() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../charts/berth/values.schema.json"
        );
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let written: Value = serde_json::from_str(&text).unwrap_or_default();
        assert!(
            written["$defs"]["config"] == of::<BerthConfig>().unwrap(),
            "charts/berth/values.schema.json is old: cargo xtask chart"
        );
    }
}
