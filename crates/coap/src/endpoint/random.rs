//! Variation of timers and numbers.

use core::time::Duration;

/// A small generator for timers, message ids and tokens; none of them is a secret: the session protects them.
///
/// The sequence is SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(start: u64) -> Self {
        Self(start)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A duration from zero to `span`.
    pub(crate) fn up_to(&mut self, span: Duration) -> Duration {
        let bytes = self.next().to_be_bytes();
        span.saturating_mul(u32::from(u16::from_be_bytes([bytes[0], bytes[1]]))) / 65_535
    }
}
