//! Keys: `<function>:{<tag>}:<kind>[:<name>]`.
//!
//! The tag names the entity (device, subscription, UE, tenant); everything under one tag lies in one
//! slot of a cluster, so a transaction, which is built for one tag, never crosses slots.

use std::fmt;
use std::sync::Arc;

/// A text cannot be part of a key.
///
/// Names the part and the rule, never the text, which may be an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} of a key must be {rule}")]
pub struct InvalidKey {
    part: &'static str,
    rule: &'static str,
}

/// The network function that owns a key, such as `aanf`: the first part of each of its keys.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Function(Arc<str>);

impl Function {
    /// Reads a function's name: 1 to 32 of `a`-`z`, `0`-`9` and `-`, a letter first.
    ///
    /// # Errors
    /// [`InvalidKey`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        if is_word(text.as_bytes()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidKey {
                part: "function",
                rule: "1 to 32 of a-z, 0-9 and '-', a letter first",
            })
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a value is, such as `context`: the part of a key after the tag. Known at compile time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(&'static str);

impl Kind {
    /// Names a kind: 1 to 32 of `a`-`z`, `0`-`9` and `-`, a letter first.
    ///
    /// # Panics
    /// For any other text. Kinds are constants, so this stops the compiler and not the program.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        assert!(
            is_word(text.as_bytes()),
            "a kind is 1 to 32 of a-z, 0-9 and '-', a letter first"
        );
        Self(text)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The field of this kind with that name; a tag holds any number of them, in the order of names.
    ///
    /// # Errors
    /// [`InvalidKey`] if the name is empty, longer than 512 octets or holds a control character.
    pub fn named(self, name: &str) -> Result<Field, InvalidKey> {
        if name.is_empty() || name.len() > 512 || name.chars().any(char::is_control) {
            return Err(InvalidKey {
                part: "name",
                rule: "1 to 512 octets without control characters",
            });
        }
        Ok(Field {
            kind: self,
            name: Some(name.into()),
        })
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A place inside a tag: a kind, with or without a name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field {
    kind: Kind,
    name: Option<Arc<str>>,
}

impl Field {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The name, if this is one of many of its kind.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl From<Kind> for Field {
    fn from(kind: Kind) -> Self {
        Self { kind, name: None }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_some() { ":…" } else { "" };
        write!(f, "{}{name}", self.kind.0)
    }
}

/// An entity of one function: the unit of atomicity, and of placement in a cluster.
///
/// Made by [`Store::tag`](crate::Store::tag), therefore always under the function's own prefix.
/// `Debug` prints the function only, because the entity is often an identifier.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// `<function>:{<entity>}`
    text: Arc<str>,
    function_len: usize,
}

impl Tag {
    pub(crate) fn new(function: &Function, entity: &str) -> Result<Self, InvalidKey> {
        let forbidden = |c: char| matches!(c, '{' | '}') || c.is_control();
        if entity.is_empty() || entity.len() > 320 || entity.chars().any(forbidden) {
            return Err(InvalidKey {
                part: "tag",
                rule: "1 to 320 octets without braces and control characters",
            });
        }
        Ok(Self {
            text: format!("{}:{{{entity}}}", function.0).into(),
            function_len: function.0.len(),
        })
    }

    /// The name of the function that owns the tag.
    #[must_use]
    pub fn function(&self) -> &str {
        self.text.get(..self.function_len).unwrap_or_default()
    }

    /// The entity, as it was given to [`Store::tag`](crate::Store::tag). May be an identifier: not for logs.
    #[must_use]
    pub fn entity(&self) -> &str {
        let braced = self.text.get(self.function_len + 1..).unwrap_or_default();
        braced
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or_default()
    }

    /// The key of a field of this tag.
    #[must_use]
    pub fn key(&self, field: impl Into<Field>) -> Key {
        Key {
            tag: self.clone(),
            field: field.into(),
        }
    }

    /// `<function>:{<entity>}`, the start of each key of this tag.
    pub(crate) fn prefix(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{{…}}", self.function())
    }
}

/// A tag and a field in it: the full name of one value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    tag: Tag,
    field: Field,
}

impl Key {
    /// The tag.
    #[must_use]
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }

    /// The field inside the tag.
    #[must_use]
    pub const fn field(&self) -> &Field {
        &self.field
    }

    /// `<function>:{<tag>}:<kind>[:<name>]`, as the back ends store it.
    pub(crate) fn text(&self) -> String {
        match &self.field.name {
            None => format!("{}:{}", self.tag.text, self.field.kind.0),
            Some(name) => format!("{}:{}:{name}", self.tag.text, self.field.kind.0),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{:?}", self.tag, self.field)
    }
}

/// A key taken apart again, as back ends find it. The kind may be one that this binary does not know.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ParsedKey<'a> {
    pub(crate) tag: Tag,
    pub(crate) kind: &'a str,
    pub(crate) name: Option<&'a str>,
}

impl<'a> ParsedKey<'a> {
    /// Takes `<function>:{<tag>}:<kind>[:<name>]` apart; `None` for any other text.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (function, rest) = text.split_once(":{")?;
        let (entity, rest) = rest.split_once('}')?;
        let rest = rest.strip_prefix(':')?;
        let (kind, name) = match rest.split_once(':') {
            Some((kind, name)) => (kind, Some(name)),
            None => (rest, None),
        };
        let function = Function::parse(function).ok()?;
        Some(Self {
            tag: Tag::new(&function, entity).ok()?,
            kind,
            name,
        })
    }
}

const fn is_word(text: &[u8]) -> bool {
    if text.is_empty() || text.len() > 32 || !text[0].is_ascii_lowercase() {
        return false;
    }
    let mut i = 1;
    while i < text.len() {
        let c = text[i];
        if !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-') {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Kind = Kind::new("context");

    fn tag(entity: &str) -> Tag {
        Tag::new(&Function::parse("aanf").unwrap(), entity).unwrap()
    }

    #[test]
    fn keys_have_the_documented_layout() {
        let tag = tag("imsi-001010000000001");
        assert_eq!(
            tag.key(CONTEXT).text(),
            "aanf:{imsi-001010000000001}:context"
        );
        let named = tag.key(CONTEXT.named("a:b").unwrap());
        assert_eq!(named.text(), "aanf:{imsi-001010000000001}:context:a:b");
        assert_eq!(
            (tag.function(), tag.entity()),
            ("aanf", "imsi-001010000000001")
        );
    }

    #[test]
    fn a_key_taken_apart_gives_its_parts() {
        let parsed = ParsedKey::parse("aanf:{a:b}:context:x}:y").unwrap();
        assert_eq!(parsed.tag, tag("a:b"));
        assert_eq!((parsed.kind, parsed.name), ("context", Some("x}:y")));
        assert!(ParsedKey::parse("aanf:{a}context").is_none());
        assert!(ParsedKey::parse("Aanf:{a}:context").is_none());
    }

    #[test]
    fn texts_that_would_break_the_layout_are_refused() {
        let function = Function::parse("aanf").unwrap();
        for entity in ["", "a{b", "a}b", "a\nb"] {
            assert!(Tag::new(&function, entity).is_err());
        }
        for function in ["", "AANF", "a:b", "1a", "a{"] {
            assert!(Function::parse(function).is_err());
        }
        assert!(CONTEXT.named("").is_err());
        assert!(CONTEXT.named("a\0b").is_err());
    }

    #[test]
    fn debug_shows_no_identifier() {
        let key = tag("imsi-001010000000001").key(CONTEXT.named("secret-name").unwrap());
        assert_eq!(format!("{key:?}"), "aanf:{…}:context:…");
    }
}
