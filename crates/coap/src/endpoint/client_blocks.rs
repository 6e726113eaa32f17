//! Blocks of our requests and of their responses.

use alloc::vec::Vec;

use crate::{Block, Code, OptionNumber, Response};

use super::exchange::{Exchange, Receiving, Sending};
use super::parameters::MAX_RESTARTS;
use super::recognise::Recognised;
use super::{Failure, Parameters};

/// What a response leads to.
pub(crate) enum Next {
    /// Send the next message of the exchange.
    Ask,
    /// Report the whole response.
    Deliver(Response),
    /// Give up.
    Fail(Failure),
}

impl Sending {
    /// The current block of a body; `None` behind its end.
    pub(crate) fn part<'a>(&self, body: &'a [u8]) -> Option<(&'a [u8], Block)> {
        let rest = body.get(self.offset..)?;
        let (part, behind) = rest
            .split_at_checked(self.size.octets())
            .unwrap_or((rest, &[]));
        let block = Block::at(self.offset, !behind.is_empty(), self.size)?;
        Some((part, block))
    }
}

impl Exchange {
    /// Takes a response to the message sent last, or a notification.
    pub(crate) fn take_blocks(
        &mut self,
        code: Code,
        recognised: Recognised,
        payload: &[u8],
        parameters: &Parameters,
    ) -> Next {
        if self.download.is_none()
            && let Some(next) = self.continue_upload(code, &recognised)
        {
            return next;
        }
        let mut response = Response {
            code,
            options: recognised.options,
            payload: payload.to_vec(),
        };
        if let Some(limit) = recognised.size1 {
            // with 4.13: what the server would take (RFC 7959 2.9.3)
            response.options.set_uint(OptionNumber::SIZE1, limit);
        }
        match recognised.block2 {
            Some(value) if code.is_success() => match Block::from_uint(value) {
                Some(block) => self.continue_download(block, response, parameters),
                None => Next::Fail(Failure::Unacceptable),
            },
            _ => Next::Deliver(response),
        }
    }

    /// Goes on with the next block of the request; `None` if the response is the final one.
    ///
    /// Source: RFC 7959 2.5 and 2.9.
    fn continue_upload(&mut self, code: Code, recognised: &Recognised) -> Option<Next> {
        let sending = self.upload.as_mut()?;
        let answered = recognised.block1.and_then(Block::from_uint);
        let (part, block) = sending.part(&self.request.payload)?;
        let smaller = answered
            .map(|answered| answered.size)
            .filter(|size| *size < sending.size);
        if code == Code::CONTINUE || (code.is_success() && block.more && answered.is_some()) {
            if !block.more {
                return Some(Next::Fail(Failure::Unacceptable));
            }
            sending.offset = sending.offset.saturating_add(part.len());
            sending.size = smaller.unwrap_or(sending.size);
            return Some(Next::Ask);
        }
        if code == Code::REQUEST_ENTITY_TOO_LARGE
            && let (0, Some(size)) = (sending.offset, smaller)
        {
            sending.size = size;
            return Some(Next::Ask);
        }
        if code == Code::REQUEST_ENTITY_INCOMPLETE
            && sending.offset > 0
            && self.restarts < MAX_RESTARTS
        {
            sending.offset = 0;
            self.restarts += 1;
            return Some(Next::Ask);
        }
        self.upload = None;
        None
    }

    /// Puts a block to the body of the response.
    ///
    /// Source: RFC 7959 2.4.
    fn continue_download(
        &mut self,
        block: Block,
        mut response: Response,
        parameters: &Parameters,
    ) -> Next {
        let part = core::mem::take(&mut response.payload);
        let receiving = match &mut self.download {
            Some(receiving) if receiving.first.etag() != response.etag() => {
                return self.restart_download();
            }
            Some(receiving) => receiving,
            empty => empty.insert(Receiving {
                first: response,
                body: Vec::new(),
                next: block,
            }),
        };
        let full = block.size.octets();
        let fits = block.offset() == receiving.body.len()
            && part.len() <= full
            && (!block.more || part.len() == full);
        if !fits {
            return Next::Fail(Failure::Unacceptable);
        }
        if receiving.body.len().saturating_add(part.len()) > parameters.max_body {
            return Next::Fail(Failure::TooLarge);
        }
        receiving.body.extend_from_slice(&part);
        if !block.more {
            let mut whole = receiving.first.clone();
            whole.payload = core::mem::take(&mut receiving.body);
            return Next::Deliver(whole);
        }
        match Block::at(receiving.body.len(), false, block.size) {
            Some(next) => {
                receiving.next = next;
                Next::Ask
            }
            None => Next::Fail(Failure::TooLarge),
        }
    }

    /// Starts the download again, because the representation has changed under way.
    fn restart_download(&mut self) -> Next {
        self.download = None;
        if self.restarts >= MAX_RESTARTS {
            return Next::Fail(Failure::Unacceptable);
        }
        self.restarts += 1;
        Next::Ask
    }
}
