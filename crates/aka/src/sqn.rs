//! The sequence number SQN of the home network.

use cause::Cause;

/// A sequence number: SEQ of 43 bits, then the index IND of 5 bits. TS 33.102 6.3.2, C.1.1.1.
///
/// `Choice:` TS 33.102 Annex C leaves the split to the operator; 43 and 5 bits are those of its C.3.1 and
/// C.3.2, and USIM and home network have to agree. Each vector takes the next SEQ and the next IND, so
/// that vectors may arrive in any order as long as fewer than 32 are under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sqn(u64);

impl Sqn {
    /// Bits of IND.
    pub const IND_BITS: u32 = 5;
    /// Number of values of IND, the length of the array in the USIM.
    pub const INDEXES: usize = 1 << Self::IND_BITS;
    /// The largest SEQ.
    pub const MAX_SEQ: u64 = (1 << (48 - Self::IND_BITS)) - 1;
    /// Where a new credential set starts. The first vector has SEQ 1 and IND 1.
    pub const ZERO: Self = Self(0);
    /// How far SEQ jumps after a restore or a failover of the store, where the last steps may be lost:
    /// far more than can have been lost, and far below [`crate::DEFAULT_DELTA`].
    pub const SAFETY_JUMP: u64 = 1 << 10;

    /// Puts SEQ and IND together; `None` if either is out of range.
    #[must_use]
    pub const fn new(seq: u64, ind: u8) -> Option<Self> {
        if seq > Self::MAX_SEQ || ind as usize >= Self::INDEXES {
            return None;
        }
        Some(Self(seq << Self::IND_BITS | ind as u64))
    }

    /// Reads six octets, the most significant first.
    #[must_use]
    pub const fn from_octets(octets: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = octets;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// Six octets, the most significant first.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// SEQ, the part that has to be fresh.
    #[must_use]
    pub const fn seq(self) -> u64 {
        self.0 >> Self::IND_BITS
    }

    /// IND, the entry of the array in the USIM: 0 to 31.
    #[must_use]
    pub const fn ind(self) -> u8 {
        (self.0 & (Self::INDEXES as u64 - 1)) as u8
    }

    /// The number of the next vector: SEQ + 1 and IND + 1 modulo 32, each apart. TS 33.102 C.1.1.1, C.3.4.
    ///
    /// The step has to be atomic for a subscriber, and stored before the vector leaves.
    ///
    /// # Errors
    /// [`SqnExhausted`] at the largest SEQ: the credential set needs a new K.
    pub fn next(self) -> Result<Self, SqnExhausted> {
        let ind = (self.ind() + 1) % Self::INDEXES as u8;
        Self::new(self.seq() + 1, ind).ok_or(SqnExhausted)
    }

    /// The same IND with SEQ farther by `steps`, usually [`Sqn::SAFETY_JUMP`].
    ///
    /// # Errors
    /// [`SqnExhausted`] if SEQ would pass its largest value.
    pub fn jump(self, steps: u64) -> Result<Self, SqnExhausted> {
        self.seq()
            .checked_add(steps)
            .and_then(|seq| Self::new(seq, self.ind()))
            .ok_or(SqnExhausted)
    }
}

/// No sequence number is left under this K.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sequence numbers of the credential set are exhausted")]
pub struct SqnExhausted;

impl SqnExhausted {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::AvGenerationProblem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_moves_both_fields_and_wraps_the_index_without_a_carry() {
        let sqn = Sqn::new(7, 31).unwrap();
        assert_eq!(sqn.next(), Ok(Sqn::new(8, 0).unwrap()));
        assert_eq!(Sqn::ZERO.next().unwrap().to_octets(), [0, 0, 0, 0, 0, 33]);
    }

    #[test]
    fn largest_seq_is_an_error_and_not_a_wrap() {
        let last = Sqn::new(Sqn::MAX_SEQ, 4).unwrap();
        assert_eq!(last.to_octets(), [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE4]);
        assert_eq!(last.next(), Err(SqnExhausted));
        assert_eq!(last.jump(1), Err(SqnExhausted));
        assert_eq!(last.jump(u64::MAX), Err(SqnExhausted));
        assert_eq!(last.jump(0), Ok(last));
    }

    #[test]
    fn fields_out_of_range_make_no_number() {
        assert_eq!(Sqn::new(Sqn::MAX_SEQ + 1, 0), None);
        assert_eq!(Sqn::new(0, 32), None);
    }

    #[test]
    fn octets_survive_both_ways() {
        let octets = [0xFF, 0x9B, 0xB4, 0xD0, 0xB6, 0x07];
        let sqn = Sqn::from_octets(octets);
        assert_eq!(sqn.to_octets(), octets);
        assert_eq!(Sqn::new(sqn.seq(), sqn.ind()), Some(sqn));
    }
}
