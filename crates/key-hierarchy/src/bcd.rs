//! The MSIN as scheme input: packed decimal digits. TS 33.501 C.3.2, TS 23.003 2.2.

use alloc::vec::Vec;
use zeroize::Zeroizing;

const FILLER: u8 = 0xF;

/// Packs ASCII digits, the first digit of a pair in the low four bits; a last digit that is alone gets
/// four bits of ones above it. `None` if a character is no digit.
pub(crate) fn pack(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |octet: u8| octet.is_ascii_digit().then(|| octet - b'0');
    let mut packed = Zeroizing::new(Vec::with_capacity(digits.len().div_ceil(2)));
    for pair in digits.as_bytes().chunks(2) {
        let low = pair.first().copied().and_then(digit)?;
        let high = match pair.get(1) {
            Some(octet) => digit(*octet)?,
            None => FILLER,
        };
        packed.push(high << 4 | low);
    }
    Some(packed)
}

/// The ASCII digits of packed octets. `None` if there is a value above 9 anywhere but in the last high
/// four bits, where it has to be the filler: every text has one packed form only.
pub(crate) fn unpack(packed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |value: u8| (value <= 9).then(|| b'0' + value);
    let mut digits = Zeroizing::new(Vec::with_capacity(packed.len().saturating_mul(2)));
    let (last, before) = packed.split_last()?;
    for octet in before {
        digits.push(digit(octet & 0xF)?);
        digits.push(digit(octet >> 4)?);
    }
    digits.push(digit(last & 0xF)?);
    if last >> 4 != FILLER {
        digits.push(digit(last >> 4)?);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_number_of_digits_is_filled_with_ones() {
        assert_eq!(
            pack("001002086").unwrap().as_slice(),
            [0x00, 0x01, 0x20, 0x80, 0xF6]
        );
        assert_eq!(
            unpack(&[0x00, 0x01, 0x20, 0x80, 0xF6]).unwrap().as_slice(),
            b"001002086"
        );
    }

    #[test]
    fn every_pair_of_octets_unpacks_to_what_packs_to_the_same() {
        let mut accepted = 0;
        for first in 0..=255u8 {
            for second in 0..=255u8 {
                if let Some(digits) = unpack(&[first, second]) {
                    let text = core::str::from_utf8(&digits).unwrap();
                    assert_eq!(pack(text).unwrap().as_slice(), [first, second]);
                    accepted += 1;
                }
            }
        }
        assert_eq!(accepted, 100 * 110, "four digits, or three and the filler");
    }

    #[test]
    fn nothing_but_digits_is_packed_and_nothing_is_no_number() {
        assert!(pack("12a4").is_none());
        assert!(pack("12٣").is_none());
        assert!(unpack(&[]).is_none());
    }
}
