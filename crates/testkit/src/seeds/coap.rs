//! CoAP datagrams, and scripts of them.

use std::sync::Arc;
use std::time::Duration;

use coap::{Code, ContentFormat, Endpoint, Event, Parameters, Reliability, Request, Response};

/// What two endpoints say to each other: plain, observed and block-wise exchanges, refusals.
pub(crate) fn datagrams() -> Vec<Vec<u8>> {
    let text = |length| (0..length).map(|at| at as u8).collect::<Vec<_>>();
    let requests = [
        Request::get("/.well-known/core")
            .with_query("rt=profile")
            .with_accept(ContentFormat::LINK_FORMAT),
        Request::post("/msgin5g", ContentFormat::JSON, b"{}".to_vec()),
        Request::post("/receipt", ContentFormat::OCTET_STREAM, text(3000)),
        Request::get("/large"),
    ];
    let mut said = Vec::new();
    for request in requests {
        for reliability in [Reliability::Confirmable, Reliability::NonConfirmable] {
            let mut device = endpoint(1);
            device
                .request(Duration::ZERO, request.clone(), reliability)
                .expect("nothing else is open");
            said.extend(talk(&mut device));
        }
    }
    let mut device = endpoint(1);
    device
        .observe(Duration::ZERO, Request::get("/profile"))
        .expect("nothing else is open");
    said.extend(talk(&mut device));
    said
}

/// Steps of `coap::fuzz::fuzz_endpoint`: what to do, length, datagram.
pub(crate) fn scripts() -> Vec<Vec<u8>> {
    let short: Vec<_> = datagrams()
        .into_iter()
        .filter(|datagram| datagram.len() < 256)
        .collect();
    let step = |action: u8, datagram: &[u8]| {
        let length = u8::try_from(datagram.len()).unwrap_or(u8::MAX);
        [&[action, length], datagram].concat()
    };
    let one_each = short
        .iter()
        .enumerate()
        .map(|(at, datagram)| step(0b1_1001 + (at as u8 & 3), datagram));
    let all = short.chunks(6).map(|part| {
        part.iter()
            .enumerate()
            .flat_map(|(at, it)| step(at as u8 * 9, it))
            .collect()
    });
    one_each.chain(all).collect()
}

fn endpoint(random: u64) -> Endpoint {
    Endpoint::new(Arc::new(Parameters::default()), random)
}

/// Lets a device talk with a server until both are silent; all that was said.
fn talk(device: &mut Endpoint) -> Vec<Vec<u8>> {
    let mut server = endpoint(2);
    let mut said = Vec::new();
    loop {
        let before = said.len();
        while let Some(datagram) = device.poll_transmit() {
            server.handle_datagram(Duration::ZERO, &datagram);
            said.push(datagram);
        }
        while let Some(event) = server.poll_event() {
            if let Event::Request { id, request, .. } = event {
                let response = match request.path().as_str() {
                    "/large" => Response::content(ContentFormat::OCTET_STREAM, vec![7; 2500]),
                    "/msgin5g" => Response::new(Code::FORBIDDEN),
                    _ => Response::content(ContentFormat::TEXT, b"noon".to_vec()),
                };
                // An answer to a request that is gone is no loss here.
                let _ = server.respond_and_observe(Duration::ZERO, id, response);
            }
        }
        while let Some(datagram) = server.poll_transmit() {
            device.handle_datagram(Duration::ZERO, &datagram);
            said.push(datagram);
        }
        while device.poll_event().is_some() {}
        if said.len() == before {
            return said;
        }
    }
}
