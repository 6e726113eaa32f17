//! Block options: which part of a body a message carries.

/// The size of a block: a power of two from 16 to 1024 octets.
///
/// Source: RFC 7959 2.2 (SZX 0 to 6; 7 is reserved).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockSize(u8);

impl BlockSize {
    /// 1024 octets, the largest.
    pub const MAX: Self = Self(6);
    /// 16 octets, the smallest.
    pub const MIN: Self = Self(0);

    /// The largest block size of at most `octets`; `None` below 16.
    pub const fn fitting(octets: usize) -> Option<Self> {
        let mut exponent = Self::MAX.0;
        loop {
            if 16usize << exponent <= octets {
                return Some(Self(exponent));
            }
            if exponent == 0 {
                return None;
            }
            exponent -= 1;
        }
    }

    /// The size in octets.
    pub const fn octets(self) -> usize {
        16 << self.0
    }
}

/// The value of a Block1 or Block2 option.
///
/// Source: RFC 7959 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of the block, counted in blocks of `size`; below 2^20.
    pub number: u32,
    /// Whether more blocks follow.
    pub more: bool,
    /// The size of each block but the last.
    pub size: BlockSize,
}

impl Block {
    /// The highest block number.
    pub const MAX_NUMBER: u32 = (1 << 20) - 1;

    /// Reads the value of an option; `None` for the reserved size.
    pub const fn from_uint(value: u32) -> Option<Self> {
        let exponent = value.to_be_bytes()[3] & 7;
        if exponent == 7 || value >> 4 > Self::MAX_NUMBER {
            return None;
        }
        Some(Self {
            number: value >> 4,
            more: value & 8 != 0,
            size: BlockSize(exponent),
        })
    }

    /// The value for an option.
    pub const fn to_uint(self) -> u32 {
        let more = if self.more { 8 } else { 0 };
        self.number << 4 | more | self.size.0 as u32
    }

    /// The block that starts at `offset`, or `None` if it is no multiple of the size or too far.
    pub fn at(offset: usize, more: bool, size: BlockSize) -> Option<Self> {
        let number = u32::try_from(offset / size.octets()).ok()?;
        (offset.is_multiple_of(size.octets()) && number <= Self::MAX_NUMBER).then_some(Self {
            number,
            more,
            size,
        })
    }

    /// Where the block starts in the body, in octets.
    pub fn offset(self) -> usize {
        usize::try_from(self.number)
            .unwrap_or(usize::MAX)
            .saturating_mul(self.size.octets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_values_come_back() {
        for value in [0, 0x0e, 0x16, 0xf_fff6, 0xff_ffff & !1] {
            let block = Block::from_uint(value).unwrap();
            assert_eq!(block.to_uint(), value);
        }
    }

    #[test]
    fn the_reserved_size_is_refused() {
        assert_eq!(Block::from_uint(7), None);
    }

    #[test]
    fn a_size_fits_its_octets() {
        assert_eq!(BlockSize::fitting(15), None);
        assert_eq!(BlockSize::fitting(16), Some(BlockSize::MIN));
        assert_eq!(BlockSize::fitting(1023).unwrap().octets(), 512);
        assert_eq!(BlockSize::fitting(9000), Some(BlockSize::MAX));
    }

    #[test]
    fn an_offset_names_a_block_only_at_its_start() {
        let size = BlockSize::fitting(64).unwrap();
        assert_eq!(Block::at(128, true, size).unwrap().number, 2);
        assert_eq!(Block::at(100, true, size), None);
        assert_eq!(Block::at(64 << 20, true, size), None);
    }
}
