//! An endpoint as a black box: datagrams in, datagrams out, at a chosen time.

use std::sync::Arc;
use std::time::Duration;

use coap::{
    Code, Endpoint, Event, Header, Kind, Message, MessageId, Method, OptionNumber, Options,
    Parameters, Request, RequestId, Token,
};

/// The endpoint under test, and what it reported.
pub(crate) struct Peer {
    pub(crate) endpoint: Endpoint,
    pub(crate) now: Duration,
}

/// A message that left the endpoint, owned.
#[derive(Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) kind: Kind,
    pub(crate) code: Code,
    pub(crate) id: u16,
    pub(crate) token: Vec<u8>,
    pub(crate) options: Options,
    pub(crate) payload: Vec<u8>,
    pub(crate) raw: Vec<u8>,
}

impl Sent {
    pub(crate) fn read(raw: Vec<u8>) -> Self {
        let message = Message::parse(&raw).expect("what we send is a message");
        Self {
            kind: message.header.kind,
            code: message.header.code,
            id: message.header.message_id.0,
            token: message.header.token.as_bytes().to_vec(),
            options: message.options.collect(),
            payload: message.payload.to_vec(),
            raw: raw.clone(),
        }
    }
}

/// The header of a message that the test sends.
pub(crate) fn header(kind: Kind, code: Code, id: u16, token: &[u8]) -> Header {
    Header {
        kind,
        code,
        message_id: MessageId(id),
        token: Token::new(token).expect("tokens of tests are short"),
    }
}

/// A request as a datagram.
pub(crate) fn request(
    kind: Kind,
    method: Method,
    id: u16,
    options: &[(OptionNumber, &[u8])],
) -> Vec<u8> {
    let mut list = Options::new();
    list.push(OptionNumber::URI_PATH, b"a");
    for (number, value) in options {
        list.push(*number, value);
    }
    header(kind, method.code(), id, b"tk").encode(list.iter(), &[])
}

/// An empty message as a datagram.
pub(crate) fn empty(kind: Kind, id: u16) -> Vec<u8> {
    Header::empty(kind, MessageId(id)).encode_empty()
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self::with(Parameters::default())
    }

    pub(crate) fn with(parameters: Parameters) -> Self {
        Self {
            endpoint: Endpoint::new(Arc::new(parameters), 7),
            now: Duration::from_secs(1000),
        }
    }

    /// Feeds a datagram and takes what leaves.
    pub(crate) fn feed(&mut self, datagram: &[u8]) -> Vec<Sent> {
        self.endpoint.handle_datagram(self.now, datagram);
        self.sent()
    }

    /// Takes what leaves.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        std::iter::from_fn(|| self.endpoint.poll_transmit())
            .map(Sent::read)
            .collect()
    }

    /// Lets time pass, tick by tick, and takes what leaves with the time it left.
    pub(crate) fn pass(&mut self, span: Duration) -> Vec<(Duration, Sent)> {
        let end = self.now + span;
        let mut left = Vec::new();
        while let Some(at) = self.endpoint.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.endpoint.tick(self.now);
            let now = self.now;
            left.extend(self.sent().into_iter().map(|sent| (now, sent)));
        }
        self.now = end;
        left
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }

    /// The only request that was reported.
    pub(crate) fn reported(&mut self) -> (RequestId, Request) {
        let mut events = self.events();
        match (events.pop(), events.is_empty()) {
            (Some(Event::Request { id, request, .. }), true) => (id, request),
            other => panic!("not one request: {other:?}"),
        }
    }
}
