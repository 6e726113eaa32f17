//! Reading and writing of the presentation language of TLS (RFC 5246 4).

use alloc::vec::Vec;

/// The octets do not have the announced structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A cursor over octets from a peer; every step may fail, none may panic.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) const fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[octet]| *octet)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(|octets| u16::from_be_bytes(*octets))
    }

    pub(crate) fn u24(&mut self) -> Result<u32, Malformed> {
        self.array::<3>()
            .map(|[high, middle, low]| u32::from_be_bytes([0, *high, *middle, *low]))
    }

    pub(crate) fn u48(&mut self) -> Result<u64, Malformed> {
        self.array::<6>()
            .map(|[a, b, c, d, e, f]| u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]))
    }

    pub(crate) fn vector8(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u8()?;
        self.take(length.into())
    }

    pub(crate) fn vector16(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

/// Appends the low 24 bits of `value`.
pub(crate) fn put_u24(into: &mut Vec<u8>, value: u32) {
    let [_, octets @ ..] = value.to_be_bytes();
    into.extend_from_slice(&octets);
}

/// Appends the low 48 bits of `value`.
pub(crate) fn put_u48(into: &mut Vec<u8>, value: u64) {
    let [_, _, octets @ ..] = value.to_be_bytes();
    into.extend_from_slice(&octets);
}

/// Appends what `body` writes, preceded by its length in two octets.
///
/// The callers' own limits keep every body far below 2^16 octets.
pub(crate) fn put_vector16(into: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = into.len();
    into.extend_from_slice(&[0, 0]);
    body(into);
    let length = into.len().saturating_sub(start).saturating_sub(2);
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    for (octet, value) in into.iter_mut().skip(start).zip(length.to_be_bytes()) {
        *octet = value;
    }
}
