//! Requests, whole: without message layer, and with all blocks put together.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::{Code, ContentFormat, Method, OptionNumber, Options, Response};

/// A request, the same for who sends and who answers it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// All options but those of the message layer, Observe and the block options.
    pub options: Options,
    /// The whole payload.
    pub payload: Vec<u8>,
}

impl Request {
    /// A request to a path, given as `/a/b`; empty segments are left out.
    pub fn new(method: Method, path: &str) -> Self {
        let mut options = Options::new();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            options.push(OptionNumber::URI_PATH, segment.as_bytes());
        }
        Self {
            method,
            options,
            payload: Vec::new(),
        }
    }

    /// A GET request.
    pub fn get(path: &str) -> Self {
        Self::new(Method::Get, path)
    }

    /// A POST request with payload.
    pub fn post(path: &str, format: ContentFormat, payload: Vec<u8>) -> Self {
        Self::new(Method::Post, path).with_payload(format, payload)
    }

    /// Sets payload and Content-Format.
    #[must_use]
    pub fn with_payload(mut self, format: ContentFormat, payload: Vec<u8>) -> Self {
        self.options
            .set_uint(OptionNumber::CONTENT_FORMAT, u32::from(format.0));
        self.payload = payload;
        self
    }

    /// Adds a Uri-Query option such as `rt=x`.
    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        self.options.push(OptionNumber::URI_QUERY, query.as_bytes());
        self
    }

    /// Asks for a format of the answer.
    #[must_use]
    pub fn with_accept(mut self, format: ContentFormat) -> Self {
        self.options
            .set_uint(OptionNumber::ACCEPT, u32::from(format.0));
        self
    }

    /// The segments of Uri-Path.
    pub fn path_segments(&self) -> impl Iterator<Item = &str> {
        self.options.texts(OptionNumber::URI_PATH)
    }

    /// The path as `/a/b`.
    ///
    /// A single Uri-Path option that holds a whole URI is read as the path of that URI: TS 24.538 6.3.1.1.1 can be
    /// understood to ask for it.
    pub fn path(&self) -> String {
        let mut segments = self.path_segments();
        if let (Some(only), None) = (segments.next(), segments.next())
            && let Some((_, rest)) = only.split_once("://")
        {
            let path = rest.find('/').and_then(|at| rest.get(at..));
            let path = path.unwrap_or("/").split(['?', '#']).next();
            return String::from(path.unwrap_or("/"));
        }
        let mut path = String::new();
        for segment in self.path_segments() {
            path.push('/');
            path.push_str(segment);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    /// The Uri-Query options.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.options.texts(OptionNumber::URI_QUERY)
    }

    /// The Content-Format of the payload.
    pub fn content_format(&self) -> Option<ContentFormat> {
        self.options.format(OptionNumber::CONTENT_FORMAT)
    }

    /// The format that the answer shall have.
    pub fn accept(&self) -> Option<ContentFormat> {
        self.options.format(OptionNumber::ACCEPT)
    }

    /// Chooses the format of the answer: the accepted one if offered, the first offered one without Accept.
    ///
    /// # Errors
    ///
    /// The 4.06 response to send, if the accepted format is not offered (RFC 7252 5.10.4).
    pub fn negotiate(&self, offered: &[ContentFormat]) -> Result<ContentFormat, Response> {
        match self.accept() {
            Some(wanted) => offered.iter().copied().find(|format| *format == wanted),
            None => offered.first().copied(),
        }
        .ok_or_else(|| Response::new(Code::NOT_ACCEPTABLE))
    }

    /// Checks that the payload has a format of the list.
    ///
    /// # Errors
    ///
    /// The 4.15 response to send, if the format is another or missing.
    pub fn require_format(&self, accepted: &[ContentFormat]) -> Result<ContentFormat, Response> {
        self.content_format()
            .filter(|format| accepted.contains(format))
            .ok_or_else(|| Response::new(Code::UNSUPPORTED_CONTENT_FORMAT))
    }
}

/// Prints no value: path, queries and payload may hold identifiers.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("options", &self.options)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}
