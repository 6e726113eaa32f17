//! Forms and queries, read strictly.

use std::collections::BTreeMap;

use cause::Cause;

/// Fields of a form, each once.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL 5.1): only the fields named, each at most once,
    /// all of it UTF-8.
    pub(super) fn parse(octets: &[u8], fields: &[&str]) -> Result<Self, Cause> {
        let mut found = BTreeMap::new();
        for pair in octets
            .split(|octet| *octet == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let at = pair
                .iter()
                .position(|octet| *octet == b'=')
                .unwrap_or(pair.len());
            let (name, value) = (pair.get(..at), pair.get(at + 1..));
            let name = decode(name.unwrap_or_default()).ok_or(Cause::MalformedMessage)?;
            let value = decode(value.unwrap_or_default()).ok_or(Cause::MalformedMessage)?;
            if !fields.contains(&name.as_str()) || found.insert(name, value).is_some() {
                return Err(Cause::MalformedMessage);
            }
        }
        Ok(Self(found))
    }

    /// A field, without space around it; `None` if it is missing or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }
}

/// One parameter of a query; the others are not looked at, because links collect them on their way.
pub(super) fn query_parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        if found == name {
            decode(value.as_bytes())
        } else {
            None
        }
    })
}

/// Undoes percent-encoding; `None` if it is broken or the result is no UTF-8.
fn decode(octets: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut rest = octets.iter();
    while let Some(octet) = rest.next() {
        decoded.push(match octet {
            b'+' => b' ',
            b'%' => {
                let high = hex(*rest.next()?)?;
                high << 4 | hex(*rest.next()?)?
            }
            other => *other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let form = Form::parse(b"a=1+2%26&b=", &["a", "b"]).ok().unwrap();
        assert_eq!(form.get("a"), Some("1 2&"));
        assert_eq!(form.get("b"), None);
    }

    #[test]
    fn what_is_not_a_form_is_refused() {
        for octets in [
            &b"a=%"[..],
            b"a=%zz",
            b"a=%ff",
            b"a=\xff",
            b"c=1",
            b"a=1&a=2",
            b"a=%c3",
        ] {
            assert_eq!(
                Form::parse(octets, &["a", "b"]).err(),
                Some(Cause::MalformedMessage),
                "{octets:?}"
            );
        }
    }

    #[test]
    fn a_query_gives_its_parameter_among_others() {
        assert_eq!(
            query_parameter("utm=1&c=ab-_&x", "c").as_deref(),
            Some("ab-_")
        );
        assert_eq!(query_parameter("utm=1", "c"), None);
    }
}
