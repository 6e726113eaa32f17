//! Strict, bounded JSON objects with element names as keys.

use crate::MAX_BODY_BYTES;
use crate::elements::{Element, normalised};
use crate::error::DecodeError;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// Lists and objects may stand in each other this deep, the body itself being 1.
const MAX_DEPTH: usize = 8;

/// A JSON value as this crate needs it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    /// A negative number or a fraction; no element takes one, so its value is not kept.
    OtherNumber,
    Text(String),
    List(Vec<Self>),
    Object(Object),
}

/// The known elements of an object; unknown names are checked for repetition and dropped.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Object(Vec<(Element, Value)>);

impl Object {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(DecodeError::BodyTooLarge);
        }
        let fault = Cell::new(DecodeError::NotJson);
        let mut reader = serde_json::Deserializer::from_slice(body);
        let seed = Node {
            depth: 1,
            fault: &fault,
        };
        let value = seed.deserialize(&mut reader).map_err(|_| fault.get())?;
        reader.end().map_err(|_| DecodeError::NotJson)?;
        match value {
            Value::Object(object) => Ok(object),
            _ => Err(DecodeError::NotJson),
        }
    }

    /// Writes the object in the order in which its elements were added.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text keys and finite values always have a JSON form")
    }

    /// Returns the value of an element; `null` counts as absent.
    pub(crate) fn get(&self, element: Element) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| *name == element)
            .map(|(_, value)| value)
            .filter(|value| **value != Value::Null)
    }

    pub(crate) fn text(&self, element: Element) -> Result<Option<&str>, DecodeError> {
        self.get(element).map(|v| v.text(element)).transpose()
    }

    pub(crate) fn required_text(&self, element: Element) -> Result<&str, DecodeError> {
        self.text(element)?.ok_or(DecodeError::Missing(element))
    }

    pub(crate) fn boolean(&self, element: Element) -> Result<Option<bool>, DecodeError> {
        self.get(element).map(|v| v.boolean(element)).transpose()
    }

    /// Returns a whole number that fits the type asked for.
    pub(crate) fn number<T: TryFrom<u64>>(
        &self,
        element: Element,
    ) -> Result<Option<T>, DecodeError> {
        self.get(element).map(|v| v.number(element)).transpose()
    }

    pub(crate) fn object(&self, element: Element) -> Result<Option<&Self>, DecodeError> {
        self.get(element)
            .map(|value| match value {
                Value::Object(object) => Ok(object),
                _ => Err(DecodeError::Incorrect(element)),
            })
            .transpose()
    }

    pub(crate) fn put(&mut self, element: Element, value: Value) -> &mut Self {
        self.0.push((element, value));
        self
    }

    pub(crate) fn put_text(&mut self, element: Element, text: &str) -> &mut Self {
        self.put(element, Value::Text(text.to_owned()))
    }
}

impl Value {
    pub(crate) fn text(&self, element: Element) -> Result<&str, DecodeError> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(DecodeError::Incorrect(element)),
        }
    }

    /// Reads a boolean, also where a sender writes it as text or as a digit.
    fn boolean(&self, element: Element) -> Result<bool, DecodeError> {
        match self {
            Self::Bool(value) => Ok(*value),
            Self::Unsigned(1) => Ok(true),
            Self::Unsigned(0) => Ok(false),
            Self::Text(text) if text == "1" || text.eq_ignore_ascii_case("true") => Ok(true),
            Self::Text(text) if text == "0" || text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(DecodeError::Incorrect(element)),
        }
    }

    pub(crate) fn number<T: TryFrom<u64>>(&self, element: Element) -> Result<T, DecodeError> {
        match self {
            Self::Unsigned(value) => {
                T::try_from(*value).map_err(|_| DecodeError::Incorrect(element))
            }
            _ => Err(DecodeError::Incorrect(element)),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (element, value) in &self.0 {
            map.serialize_entry(element.name(), value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::OtherNumber => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

/// One value at a depth; `fault` keeps the reason where the JSON reader would lose it.
#[derive(Clone, Copy)]
struct Node<'a> {
    depth: usize,
    fault: &'a Cell<DecodeError>,
}

impl Node<'_> {
    fn refuse<E: de::Error>(&self, reason: DecodeError) -> E {
        self.fault.set(reason);
        E::custom("refused")
    }

    fn inner<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse(DecodeError::TooDeep));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..*self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or(Value::OtherNumber, Value::Unsigned))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut seen = BTreeSet::new();
        let mut object = Object::default();
        while let Some(name) = map.next_key::<String>()? {
            let mut key: String = normalised(&name).collect();
            let element = Element::from_name(&name);
            if key.is_empty() {
                // A name of signs alone has no normal form; it can repeat only itself.
                key = name;
            }
            if !seen.insert(key) {
                return Err(self.refuse(DecodeError::DuplicateElement));
            }
            let value = map.next_value_seed(inner)?;
            if let Some(element) = element {
                object.put(element, value);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn an_element_given_twice_is_refused_in_any_spelling() {
        for body in [
            r#"{"UE Service ID":"a@b.c","UE Service ID":"a@b.c"}"#,
            r#"{"UE Service ID":"a@b.c","ueServiceId":"d@e.f"}"#,
            r#"{"unknown":1,"UN-KNOWN":2}"#,
            r#"{"x":{"%":1,"%":2}}"#,
        ] {
            assert_eq!(
                Object::parse(body.as_bytes()),
                Err(DecodeError::DuplicateElement)
            );
        }
        assert!(Object::parse(br#"{"%":1,"&":2}"#).is_ok());
    }

    #[test]
    fn nesting_and_size_are_bounded() {
        let nested = |n: usize| format!("{{\"x\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(Object::parse(nested(MAX_DEPTH - 2).as_bytes()).is_ok());
        assert_eq!(
            Object::parse(nested(MAX_DEPTH).as_bytes()),
            Err(DecodeError::TooDeep)
        );
        assert_eq!(
            Object::parse(nested(4000).as_bytes()),
            Err(DecodeError::TooDeep)
        );

        let padded = |n: usize| format!("{{}}{}", " ".repeat(n - 2));
        assert!(Object::parse(padded(MAX_BODY_BYTES).as_bytes()).is_ok());
        assert_eq!(
            Object::parse(padded(MAX_BODY_BYTES + 1).as_bytes()),
            Err(DecodeError::BodyTooLarge)
        );
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for body in [
            "",
            "[]",
            "1",
            "null",
            "{} {}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":NaN}",
            "\u{feff}{}",
        ] {
            assert_eq!(
                Object::parse(body.as_bytes()),
                Err(DecodeError::NotJson),
                "{body}"
            );
        }
        assert_eq!(
            Object::parse(b"{\"a\":\"\xff\"}"),
            Err(DecodeError::NotJson)
        );
    }

    #[test]
    fn booleans_are_read_from_text_and_digits() {
        for (body, value) in [
            ("true", true),
            ("\"True\"", true),
            ("1", true),
            ("\"0\"", false),
        ] {
            let object = Object::parse(format!("{{\"lastSegmentFlag\":{body}}}").as_bytes())
                .expect("an object");
            assert_eq!(object.boolean(Element::LastSegmentFlag), Ok(Some(value)));
        }
    }
}
