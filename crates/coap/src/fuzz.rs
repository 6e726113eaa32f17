//! Entry points for fuzzing: any input, never a panic.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    Code, ContentFormat, Endpoint, Event, Header, Message, Parameters, Reliability, Request,
    Response,
};

/// Reads `data` as a datagram; what is a message comes back the same after encoding and reading again.
///
/// # Panics
///
/// If it does not.
pub fn fuzz_message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else {
        return;
    };
    let encoded = message.encode();
    let again = Message::parse(&encoded);
    assert!(
        again.is_ok_and(|again| {
            again.header == message.header
                && again.options.eq(message.options)
                && again.payload == message.payload
        }),
        "encoding changed a message"
    );
}

/// Feeds an endpoint with datagrams, some of which answer what it has sent itself.
///
/// `data` is a sequence of steps: one octet of what to do, one of length, then as many octets of datagram. In the first
/// octet bits 0 to 2 choose what the endpoint is asked to send, bit 3 gives the datagram the message id, and bit 4 the
/// token, of the message that the endpoint has sent last, bit 5 leaves requests unanswered; the whole octet is a wait
/// and a length of bodies.
///
/// # Panics
///
/// If the endpoint holds more than its limits, or never comes to rest.
pub fn fuzz_endpoint(data: &[u8]) {
    let mut endpoint = Endpoint::new(Arc::new(Parameters::default()), 1);
    let mut now = Duration::ZERO;
    let mut last_sent = None;
    let mut rest = data;
    while let [action, length, tail @ ..] = rest {
        let length = usize::from(*length).min(tail.len());
        let (datagram, tail) = tail.split_at_checked(length).unwrap_or((tail, &[]));
        rest = tail;
        send(&mut endpoint, now, *action);
        drain(&mut endpoint, now, *action, &mut last_sent);
        let datagram = aim(datagram, *action, last_sent);
        endpoint.handle_datagram(now, &datagram);
        drain(&mut endpoint, now, *action, &mut last_sent);
        now += Duration::from_millis(u64::from(*action) * 40);
        endpoint.tick(now);
        drain(&mut endpoint, now, *action, &mut last_sent);
    }
    let mut steps = 0;
    while let Some(at) = endpoint.next_timeout() {
        now = now.max(at);
        endpoint.tick(now);
        drain(&mut endpoint, now, 0, &mut last_sent);
        steps += 1;
        assert!(steps < 10_000, "endpoint does not come to rest");
    }
}

/// Has the endpoint send something.
fn send(endpoint: &mut Endpoint, now: Duration, action: u8) {
    let payload = vec![action; usize::from(action) * 20];
    let post = Request::post("/a", ContentFormat::JSON, payload);
    // a refusal for too many open requests is as good as a start
    let _ = match action & 7 {
        1 => endpoint.request(now, post, Reliability::Confirmable),
        2 => endpoint.request(now, post, Reliability::NonConfirmable),
        3 => endpoint.observe(now, Request::get("/a")),
        4 => {
            let started = endpoint.observe(now, Request::get("/a"));
            if let Ok(id) = started {
                endpoint.cancel(now, id);
            }
            started
        }
        _ => return,
    };
}

/// Gives a datagram the message id or token of what was sent last.
fn aim(datagram: &[u8], action: u8, last_sent: Option<Header>) -> Vec<u8> {
    let (Ok(message), Some(sent)) = (Message::parse(datagram), last_sent) else {
        return datagram.to_vec();
    };
    let mut header = message.header;
    if action & 8 != 0 {
        header.message_id = sent.message_id;
    }
    if action & 16 != 0 && !header.code.is_empty() {
        header.token = sent.token;
    }
    header.encode(message.options, message.payload)
}

fn drain(endpoint: &mut Endpoint, now: Duration, action: u8, last_sent: &mut Option<Header>) {
    while let Some(event) = endpoint.poll_event() {
        if let Event::Request { id, .. } = event
            && action & 32 == 0
        {
            let body = vec![0; usize::from(action) * 16];
            let response = Response::content(ContentFormat::OCTET_STREAM, body);
            if let Ok(Some(observation)) = endpoint.respond_and_observe(now, id, response) {
                let news = Response::new(Code::CONTENT);
                let known = endpoint.notify(now, observation, news, Reliability::Confirmable);
                assert!(known.is_ok(), "a fresh observation is unknown");
            }
        }
    }
    while let Some(datagram) = endpoint.poll_transmit() {
        assert!(datagram.len() <= 1152, "a message is longer than allowed");
        let message = Message::parse(&datagram);
        assert!(message.is_ok(), "what was sent is no message");
        *last_sent = message.ok().map(|message| message.header);
    }
}
