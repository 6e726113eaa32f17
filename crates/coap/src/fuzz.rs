//! Entry points for fuzzing: any input, never a panic.

use alloc::sync::Arc;
use alloc::vec;
use core::time::Duration;

use crate::{
    Code, ContentFormat, Endpoint, Event, Message, Parameters, Reliability, Request, Response,
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

/// Feeds an endpoint with datagrams that never end an exchange of its own in an orderly way.
///
/// `data` is a sequence of steps: one octet of what to do, one of length, then as many octets of datagram.
///
/// # Panics
///
/// If the endpoint holds more than its limits, or never comes to rest.
pub fn fuzz_endpoint(data: &[u8]) {
    let mut endpoint = Endpoint::new(Arc::new(Parameters::default()), 1);
    let mut now = Duration::ZERO;
    let mut rest = data;
    while let [action, length, tail @ ..] = rest {
        let length = usize::from(*length).min(tail.len());
        let (datagram, tail) = tail.split_at_checked(length).unwrap_or((tail, &[]));
        rest = tail;
        act(&mut endpoint, now, *action, datagram);
        drain(&mut endpoint, now, *action);
        now += Duration::from_millis(u64::from(*action) * 40);
        endpoint.tick(now);
        drain(&mut endpoint, now, *action);
    }
    let mut steps = 0;
    while let Some(at) = endpoint.next_timeout() {
        now = now.max(at);
        endpoint.tick(now);
        drain(&mut endpoint, now, 0);
        steps += 1;
        assert!(steps < 10_000, "endpoint does not come to rest");
    }
}

fn act(endpoint: &mut Endpoint, now: Duration, action: u8, datagram: &[u8]) {
    let payload = vec![action; usize::from(action) * 20];
    let post = Request::post("/a", ContentFormat::JSON, payload);
    // a refusal for too many open requests is as good as a start
    let _ = match action & 7 {
        1 => endpoint
            .request(now, post, Reliability::Confirmable)
            .is_ok(),
        2 => endpoint
            .request(now, post, Reliability::NonConfirmable)
            .is_ok(),
        3 => endpoint.observe(now, Request::get("/a")).is_ok(),
        _ => true,
    };
    endpoint.handle_datagram(now, datagram);
}

fn drain(endpoint: &mut Endpoint, now: Duration, action: u8) {
    while let Some(event) = endpoint.poll_event() {
        if let Event::Request { id, .. } = event
            && action & 0x10 == 0
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
    while endpoint.poll_transmit().is_some() {}
}
