//! Source ports: a block for each limited session, so that a device has an address of its own.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use nf_api::pb::common::UeAddress;

/// All blocks of the gateway. Clones share them.
#[derive(Clone)]
pub(crate) struct SourcePorts(Arc<Inner>);

struct Inner {
    first_port: u16,
    blocks: u16,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: BTreeSet<u16>,
    next: u16,
}

/// A block that is taken; it is free again when this is dropped.
pub(crate) struct PortBlock {
    inner: Arc<Inner>,
    number: u16,
}

impl SourcePorts {
    /// Divides a range of ports; `None` if it holds no block.
    pub(crate) fn new(first_port: u16, last_port: u16) -> Option<Self> {
        let blocks = last_port.checked_sub(first_port)?.checked_add(1)? / BLOCK_PORTS;
        (first_port > 0 && blocks > 0).then(|| {
            Self(Arc::new(Inner {
                first_port,
                blocks,
                state: Mutex::default(),
            }))
        })
    }

    /// Takes the block that has been free for longest, or nearly; `None` if all are taken.
    ///
    /// A block comes round late, so that what the network still believes of its last holder has ended.
    pub(crate) fn take(&self) -> Option<PortBlock> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = (state.next..self.0.blocks).chain(0..state.next);
        let number = candidates
            .into_iter()
            .find(|number| !state.taken.contains(number))?;
        state.taken.insert(number);
        state.next = (number + 1) % self.0.blocks;
        Some(PortBlock {
            inner: Arc::clone(&self.0),
            number,
        })
    }
}

impl PortBlock {
    /// The ports of the block.
    pub(crate) fn ports(&self) -> RangeInclusive<u16> {
        // Within the range that the constructor was given, which ends at 65535 at most.
        let first = self.inner.first_port + self.number * BLOCK_PORTS;
        first..=first + (BLOCK_PORTS - 1)
    }

    /// The device's address, as the network is told.
    pub(crate) fn ue_address(&self, ip: IpAddr) -> UeAddress {
        UeAddress {
            ip: ip.to_string(),
            first_port: (*self.ports().start()).into(),
            last_port: (*self.ports().end()).into(),
        }
    }
}

impl Drop for PortBlock {
    fn drop(&mut self) {
        let mut state = self
            .inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.taken.remove(&self.number);
    }
}

/// Connections that a device can have at a time.
pub(crate) const BLOCK_PORTS: u16 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_do_not_overlap_and_come_back_late() {
        let ports = SourcePorts::new(20_000, 20_050).unwrap();
        let blocks: Vec<_> = std::iter::from_fn(|| ports.take()).collect();
        let ranges: Vec<_> = blocks.iter().map(PortBlock::ports).collect();
        assert_eq!(ranges, [20_000..=20_015, 20_016..=20_031, 20_032..=20_047]);
        drop(blocks);
        let first = ports.take().unwrap();
        drop(first);
        assert_eq!(ports.take().unwrap().ports(), 20_016..=20_031);
    }

    #[test]
    fn ranges_without_a_block_are_refused_and_the_last_port_is_reached() {
        for (first, last) in [(20_000, 20_014), (20_000, 19_999), (0, 100)] {
            assert!(SourcePorts::new(first, last).is_none(), "{first}..={last}");
        }
        let ports = SourcePorts::new(65_520, 65_535).unwrap();
        assert_eq!(ports.take().unwrap().ports(), 65_520..=65_535);
        assert!(SourcePorts::new(1, 65_535).is_some());
    }
}
