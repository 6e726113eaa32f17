//! Bodies of responses that leave in blocks.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{Block, BlockSize, Code, OptionNumber, Response};

use super::Parameters;
use super::parameters::MAX_TRANSFERS;

/// The bodies of which the peer has not fetched the last block.
///
/// Source: RFC 7959 2.4 and 2.7.
#[derive(Default)]
pub(crate) struct Bodies {
    list: Vec<Body>,
}

struct Body {
    key: Vec<u8>,
    response: Response,
    expires: Duration,
}

/// What a request says about the block it wants.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) block: Option<Block>,
    /// The request carried Size2.
    pub(crate) size: bool,
}

impl Bodies {
    /// Cuts the wanted block out of a response, and keeps the body if more blocks follow.
    pub(crate) fn cut(
        &mut self,
        now: Duration,
        key: &[u8],
        mut response: Response,
        wanted: Wanted,
        parameters: &Parameters,
    ) -> Response {
        self.remove(key);
        let size = chosen_size(wanted, &response, parameters);
        if response.payload.len() <= size.octets() && wanted.block.is_none() {
            return response;
        }
        if response.payload.len() > size.octets()
            && response.is_success()
            && response.etag().is_none()
        {
            let tag = fingerprint(&response.payload);
            response = response.with_etag(&tag);
        }
        let Some((part, more)) = slice(&response, wanted, size) else {
            return Response::new(Code::BAD_REQUEST);
        };
        if more {
            if self.list.len() >= MAX_TRANSFERS {
                self.list.remove(0);
            }
            self.list.push(Body {
                key: key.to_vec(),
                response,
                expires: now.saturating_add(parameters.transfer_lifetime),
            });
        }
        part
    }

    /// A later block of a body that is kept; `None` if it is not.
    pub(crate) fn next(
        &mut self,
        now: Duration,
        key: &[u8],
        wanted: Wanted,
        parameters: &Parameters,
    ) -> Option<Response> {
        let at = self.list.iter().position(|body| body.key == key)?;
        let body = self.list.get_mut(at)?;
        body.expires = now.saturating_add(parameters.transfer_lifetime);
        let size = chosen_size(wanted, &body.response, parameters);
        let Some((part, more)) = slice(&body.response, wanted, size) else {
            return Some(Response::new(Code::BAD_REQUEST));
        };
        if !more {
            self.list.remove(at);
        }
        Some(part)
    }

    /// Forgets what was not fetched in time.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.list.retain(|body| body.expires > now);
        if self.list.is_empty() {
            self.list = Vec::new();
        }
    }

    /// When the next body is forgotten.
    pub(crate) fn next_expiry(&self) -> Option<Duration> {
        self.list.iter().map(|body| body.expires).min()
    }

    fn remove(&mut self, key: &[u8]) {
        self.list.retain(|body| body.key != key);
    }
}

/// The block size that both sides can have.
fn chosen_size(wanted: Wanted, response: &Response, parameters: &Parameters) -> BlockSize {
    let largest = parameters.block_size_beside(&response.options);
    wanted
        .block
        .map_or(largest, |block| block.size.min(largest))
}

/// The part of a response that starts where the wanted block starts, and whether more follows.
fn slice(response: &Response, wanted: Wanted, size: BlockSize) -> Option<(Response, bool)> {
    let offset = wanted.block.map_or(0, Block::offset);
    let rest = response.payload.get(offset..)?;
    if rest.is_empty() && offset > 0 {
        return None;
    }
    let (part, behind) = rest.split_at_checked(size.octets()).unwrap_or((rest, &[]));
    let more = !behind.is_empty();
    let block = Block::at(offset, more, size)?;
    let mut options = response.options.clone();
    options.set_uint(OptionNumber::BLOCK2, block.to_uint());
    if wanted.size || (offset == 0 && more) {
        let total = u32::try_from(response.payload.len()).unwrap_or(u32::MAX);
        options.set_uint(OptionNumber::SIZE2, total);
    }
    let part = Response {
        code: response.code,
        options,
        payload: part.to_vec(),
    };
    Some((part, more))
}

/// An entity tag that changes with the body: FNV-1a, 64 bits. No protection against intent, which none is needed
/// against: the body is our own.
fn fingerprint(payload: &[u8]) -> [u8; 8] {
    payload
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
        .to_be_bytes()
}
