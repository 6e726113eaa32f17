//! The list of resources at `/.well-known/core`.

use alloc::string::String;

use crate::{Code, ContentFormat, Method, Request, Response};

/// A resource in the list of a server.
///
/// Source: RFC 6690 2, RFC 7252 7.2.1, RFC 7641 6.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The path, as `/msgin5g`.
    pub path: &'a str,
    /// `rt`: the resource types, separated by blanks; empty if none.
    pub resource_type: &'a str,
    /// `ct`: the content format offered, if one is to be told.
    pub content_format: Option<ContentFormat>,
    /// `obs`: whether the resource can be observed.
    pub observable: bool,
}

/// Answers a request to `/.well-known/core`; a query `name=value` selects links, `*` at its end stands for any end.
///
/// Returns 4.05 for other methods than GET and 4.06 if the client accepts no link format.
/// Source: RFC 6690 4 and 4.1.
pub fn well_known_core(request: &Request, links: &[Link<'_>]) -> Response {
    if request.method != Method::Get {
        return Response::new(Code::METHOD_NOT_ALLOWED);
    }
    let format = match request.negotiate(&[ContentFormat::LINK_FORMAT]) {
        Ok(format) => format,
        Err(refusal) => return refusal,
    };
    let filter = request.queries().find_map(|query| query.split_once('='));
    let mut text = String::new();
    for link in links {
        if filter.is_none_or(|(name, value)| link.matches(name, value)) {
            if !text.is_empty() {
                text.push(',');
            }
            link.write(&mut text);
        }
    }
    Response::content(format, text.into_bytes())
}

impl Link<'_> {
    fn matches(&self, name: &str, wanted: &str) -> bool {
        let matches = |value: &str| match wanted.strip_suffix('*') {
            Some(prefix) => value.starts_with(prefix),
            None => value == wanted,
        };
        match name {
            "href" => matches(self.path),
            "rt" => self.resource_type.split(' ').any(matches),
            "ct" => self
                .content_format
                .is_some_and(|format| matches(&alloc::format!("{}", format.0))),
            "obs" => self.observable && matches(""),
            _ => false,
        }
    }

    fn write(&self, text: &mut String) {
        text.push('<');
        text.push_str(self.path);
        text.push('>');
        if !self.resource_type.is_empty() {
            text.push_str(";rt=\"");
            text.push_str(self.resource_type);
            text.push('"');
        }
        if let Some(format) = self.content_format {
            text.push_str(&alloc::format!(";ct={}", format.0));
        }
        if self.observable {
            text.push_str(";obs");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: [Link<'_>; 2] = [
        Link {
            path: "/msgin5g",
            resource_type: "msgin5g",
            content_format: Some(ContentFormat::JSON),
            observable: false,
        },
        Link {
            path: "/profile",
            resource_type: "berth.profile berth.package",
            content_format: None,
            observable: true,
        },
    ];

    fn list(query: Option<&str>) -> String {
        let mut request = Request::get("/.well-known/core");
        if let Some(query) = query {
            request = request.with_query(query);
        }
        String::from_utf8(well_known_core(&request, &LINKS).payload).unwrap()
    }

    // RFC 6690 4
    #[test]
    fn every_link_is_listed_without_a_filter() {
        assert_eq!(
            list(None),
            "</msgin5g>;rt=\"msgin5g\";ct=50,</profile>;rt=\"berth.profile berth.package\";obs"
        );
    }

    // RFC 6690 4.1
    #[test]
    fn a_filter_selects_by_one_attribute() {
        assert_eq!(list(Some("rt=msgin5g")), "</msgin5g>;rt=\"msgin5g\";ct=50");
        assert!(list(Some("rt=berth.package")).starts_with("</profile>"));
        assert!(list(Some("href=/prof*")).starts_with("</profile>"));
        assert!(list(Some("ct=50")).starts_with("</msgin5g>"));
        assert_eq!(list(Some("title=x")), "");
    }

    #[test]
    fn another_method_or_format_is_refused() {
        let post = Request::new(Method::Post, "/.well-known/core");
        assert_eq!(
            well_known_core(&post, &LINKS).code,
            Code::METHOD_NOT_ALLOWED
        );
        let json = Request::get("/.well-known/core").with_accept(ContentFormat::JSON);
        assert_eq!(well_known_core(&json, &LINKS).code, Code::NOT_ACCEPTABLE);
    }
}
