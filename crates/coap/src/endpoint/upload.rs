//! Bodies of requests that come in blocks.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{Block, Code, OptionNumber, Response};

use super::Parameters;
use super::parameters::MAX_TRANSFERS;

/// The unfinished bodies of requests, apart by resource, method, format and Request-Tag.
///
/// Source: RFC 7959 2.5, RFC 9175 3.
#[derive(Default)]
pub(crate) struct Uploads {
    list: Vec<Upload>,
}

struct Upload {
    key: Vec<u8>,
    body: Vec<u8>,
    expires: Duration,
}

/// What a block leads to.
pub(crate) enum Step {
    /// 2.31 with this Block1 option.
    Continue(Block),
    /// The body is whole.
    Complete(Vec<u8>),
    /// This answer; the transfer is over.
    Refuse(Response),
}

impl Uploads {
    /// Takes one block of the body that `key` names.
    pub(crate) fn accept(
        &mut self,
        now: Duration,
        key: Vec<u8>,
        block: Block,
        payload: &[u8],
        size1: Option<u32>,
        parameters: &Parameters,
    ) -> Step {
        let mut body = self.take(&key);
        let full = block.size.octets();
        if payload.len() > full || (block.more && payload.len() != full) {
            return Step::Refuse(Response::new(Code::BAD_REQUEST));
        }
        let announced = size1.and_then(|size| usize::try_from(size).ok());
        if announced.is_some_and(|size| size > parameters.max_body) {
            return Step::Refuse(too_large(parameters));
        }
        if block.number == 0 {
            body = Some(Vec::new());
        }
        let Some(mut body) = body.filter(|body| body.len() == block.offset()) else {
            return Step::Refuse(Response::new(Code::REQUEST_ENTITY_INCOMPLETE));
        };
        if body.len().saturating_add(payload.len()) > parameters.max_body {
            return Step::Refuse(too_large(parameters));
        }
        body.extend_from_slice(payload);
        if !block.more {
            return Step::Complete(body);
        }
        if self.list.len() >= MAX_TRANSFERS {
            self.list.remove(0);
        }
        self.list.push(Upload {
            key,
            body,
            expires: now.saturating_add(parameters.transfer_lifetime),
        });
        Step::Continue(Block {
            size: block.size.min(parameters.block_size),
            ..block
        })
    }

    /// Forgets what was not continued in time.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.list.retain(|upload| upload.expires > now);
        if self.list.is_empty() {
            self.list = Vec::new();
        }
    }

    /// When the next body is forgotten.
    pub(crate) fn next_expiry(&self) -> Option<Duration> {
        self.list.iter().map(|upload| upload.expires).min()
    }

    fn take(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let at = self.list.iter().position(|upload| upload.key == key)?;
        let upload = self.list.remove(at);
        Some(upload.body)
    }
}

/// 4.13 with the size that would be taken (RFC 7959 4).
fn too_large(parameters: &Parameters) -> Response {
    let mut response = Response::new(Code::REQUEST_ENTITY_TOO_LARGE);
    let limit = u32::try_from(parameters.max_body).unwrap_or(u32::MAX);
    response.options.set_uint(OptionNumber::SIZE1, limit);
    response
}
