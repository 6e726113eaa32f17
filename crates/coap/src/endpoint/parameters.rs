//! Timers and limits of an endpoint.

use core::time::Duration;

use crate::{BlockSize, Options};

/// Timers and limits of an endpoint; the default is what RFC 7252 4.8 gives, and limits for a server of many sessions.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// ACK_TIMEOUT: the least wait before the first repetition of a confirmable message. 2 s.
    pub ack_timeout: Duration,
    /// ACK_TIMEOUT * (ACK_RANDOM_FACTOR - 1): the random part on top of it. 1 s.
    pub ack_random_span: Duration,
    /// MAX_RETRANSMIT: repetitions before a confirmable message is given up. 4.
    pub max_retransmit: u32,
    /// NSTART: interactions that we start and keep open at a time. 1.
    pub nstart: usize,
    /// EXCHANGE_LIFETIME: how long a message id of a confirmable message is remembered, and not used again. 247 s.
    pub exchange_lifetime: Duration,
    /// NON_LIFETIME: the same for non-confirmable messages. 145 s.
    pub non_lifetime: Duration,
    /// How long an answer may take before an empty acknowledgement goes ahead of it. 2 s.
    pub acknowledge_after: Duration,
    /// How long we wait for a response after the acknowledgement of a request, or after sending a non-confirmable
    /// request. 93 s (MAX_TRANSMIT_WAIT).
    pub response_timeout: Duration,
    /// How long an unfinished block-wise transfer is kept after its last block. 120 s.
    pub transfer_lifetime: Duration,
    /// The block size that we choose, unless the options of a message leave less room. 1024 octets.
    pub block_size: BlockSize,
    /// The largest message that we send, in octets, if its options alone do not exceed it. 1152 (RFC 7252 4.6).
    pub max_message: usize,
    /// The largest body taken in blocks, of a request or a response. 64 KiB.
    pub max_body: usize,
    /// Requests of the peer that wait for their answer at a time; more are answered 5.03. 8.
    pub max_pending: usize,
    /// Observations that the peer may hold. 8.
    pub max_observations: usize,
    /// Our own requests and observations at a time, waiting or open. 32.
    pub max_exchanges: usize,
    /// Messages of the peer that are remembered for duplicates; more than `max_pending`. 16.
    pub remembered_messages: usize,
    /// Octets of answers kept for duplicates; beyond it a duplicate of an older message is ignored, not handled
    /// again. 4 KiB.
    pub remembered_octets: usize,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(2),
            ack_random_span: Duration::from_secs(1),
            max_retransmit: 4,
            nstart: 1,
            exchange_lifetime: Duration::from_secs(247),
            non_lifetime: Duration::from_secs(145),
            acknowledge_after: Duration::from_secs(2),
            response_timeout: Duration::from_secs(93),
            transfer_lifetime: Duration::from_secs(120),
            block_size: BlockSize::MAX,
            max_message: 1152,
            max_body: 64 * 1024,
            max_pending: 8,
            max_observations: 8,
            max_exchanges: 32,
            remembered_messages: 16,
            remembered_octets: 4 * 1024,
        }
    }
}

impl Parameters {
    /// The largest block that leaves room for these options and for those of the transfer.
    pub(crate) fn block_size_beside(&self, options: &Options) -> BlockSize {
        let each = options.iter().map(|o| o.value.len() + OPTION_OVERHEAD);
        let used = FIXED_OVERHEAD.saturating_add(each.sum());
        let largest = BlockSize::fitting(self.max_message.saturating_sub(used));
        largest.unwrap_or(BlockSize::MIN).min(self.block_size)
    }
}

/// Header, longest token, payload marker; Block1, Block2, Size1 or Size2, Observe, ETag, Request-Tag.
const FIXED_OVERHEAD: usize = 4 + 8 + 1 + 4 + 4 + 6 + 4 + 9 + 5;

/// The first octet of an option with the longest delta and length.
const OPTION_OVERHEAD: usize = 5;

/// Block-wise transfers of one direction that an endpoint keeps unfinished at a time.
pub(crate) const MAX_TRANSFERS: usize = 2;

/// Separate responses that wait for their acknowledgement at a time; the oldest is given up for a newer one.
pub(crate) const MAX_SEPARATE_RESPONSES: usize = 16;

/// Starts of a block-wise transfer whose body changed under way, before it is given up.
pub(crate) const MAX_RESTARTS: u8 = 3;
