//! The protected records of one session: keys, counters and the replay window.

use alloc::vec::Vec;
use core::ops::Range;

use crate::record::{ContentType, DTLS_1_2, MAX_PLAINTEXT_LEN, MAX_SEQUENCE, Record, put_header};
use crate::replay::ReplayWindow;
use crate::schedule::{DirectionKeys, Side, TrafficKeys};
use crate::suite::EXPLICIT_NONCE_LEN;
use crate::{CipherSuite, Crypto};

/// The only epoch with keys: there is no renegotiation, a new handshake is a new session.
pub(crate) const EPOCH: u16 = 1;

/// Both directions of a session's record protection.
pub(crate) struct Channel {
    suite: CipherSuite,
    read: DirectionKeys,
    write: DirectionKeys,
    next_sequence: u64,
    window: ReplayWindow,
    forgeries: u64,
}

/// The counter of a direction is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// What became of a protected record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Authentic and new; the plaintext stands at this range of the output.
    Plain(Range<usize>),
    /// The sequence number was used before or is too old.
    Replayed,
    /// Not made with this session's key.
    Forged,
}

impl Channel {
    pub(crate) fn new(side: Side, suite: CipherSuite, keys: TrafficKeys) -> Self {
        let (read, write) = match side {
            Side::Client => (keys.server, keys.client),
            Side::Server => (keys.client, keys.server),
        };
        Self {
            suite,
            read,
            write,
            next_sequence: 0,
            window: ReplayWindow::default(),
            forgeries: 0,
        }
    }

    pub(crate) const fn suite(&self) -> CipherSuite {
        self.suite
    }

    /// Records that failed to authenticate.
    pub(crate) const fn forgeries(&self) -> u64 {
        self.forgeries
    }

    /// Whether so many records failed that the keys must not be used any longer.
    pub(crate) const fn too_many_forgeries(&self) -> bool {
        self.forgeries >= self.suite.forgery_limit()
    }

    /// Whether so many records were written that no more application data may follow.
    ///
    /// A closing alert still fits: the limit lies far below the end of the counter.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.next_sequence >= self.suite.record_limit()
    }

    /// Appends a protected record.
    ///
    /// The explicit nonce is the epoch and the sequence number, never random: a counter that
    /// never repeats is the only thing that GCM needs (RFC 5288 3, RFC 6655 3).
    pub(crate) fn seal<C: Crypto>(
        &mut self,
        crypto: &C,
        content_type: ContentType,
        plaintext: &[u8],
        into: &mut Vec<u8>,
    ) -> Result<(), Exhausted> {
        let sequence = self.next_sequence;
        if sequence > MAX_SEQUENCE {
            return Err(Exhausted);
        }
        // Counted up first: a failure below must not leave the number for a second use.
        self.next_sequence = sequence.saturating_add(1);

        let start = into.len();
        let tag_len = self.suite.tag_len();
        let length = EXPLICIT_NONCE_LEN + plaintext.len() + tag_len;
        let explicit = explicit_nonce(sequence);
        put_header(into, content_type, DTLS_1_2, EPOCH, sequence, length);
        into.extend_from_slice(&explicit);
        let at = into.len();
        into.extend_from_slice(plaintext);
        into.resize(into.len() + tag_len, 0);

        let nonce = nonce(&self.write.salt, &explicit);
        let aad = additional_data(&explicit, content_type, plaintext.len());
        let body = into.get_mut(at..).unwrap_or_default();
        let sealed = crypto.seal(self.suite, &self.write.key, &nonce, &aad, body);
        sealed.map_err(|_| {
            into.truncate(start);
            Exhausted
        })
    }

    /// Checks a record and appends its plaintext to `into`; appends nothing if it is refused.
    pub(crate) fn open<C: Crypto>(
        &mut self,
        crypto: &C,
        record: &Record<'_>,
        into: &mut Vec<u8>,
    ) -> Opened {
        if record.epoch != EPOCH {
            return Opened::Forged;
        }
        if !self.window.is_fresh(record.sequence) {
            return Opened::Replayed;
        }
        let start = into.len();
        match self.decrypt(crypto, record, into) {
            Some(end) => {
                self.window.accept(record.sequence);
                into.truncate(end);
                Opened::Plain(start..end)
            }
            None => {
                self.forgeries = self.forgeries.saturating_add(1);
                into.truncate(start);
                Opened::Forged
            }
        }
    }

    /// Whether the record was made with this session's key, new or not; nothing is recorded.
    pub(crate) fn made<C: Crypto>(
        &self,
        crypto: &C,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
    ) -> bool {
        let start = scratch.len();
        let is_made = record.epoch == EPOCH && self.decrypt(crypto, record, scratch).is_some();
        scratch.truncate(start);
        is_made
    }

    /// Returns where the plaintext ends.
    fn decrypt<C: Crypto>(
        &self,
        crypto: &C,
        record: &Record<'_>,
        into: &mut Vec<u8>,
    ) -> Option<usize> {
        let (explicit, ciphertext) = record.body.split_first_chunk::<EXPLICIT_NONCE_LEN>()?;
        let plaintext_len = ciphertext.len().checked_sub(self.suite.tag_len())?;
        if plaintext_len > MAX_PLAINTEXT_LEN {
            return None;
        }
        let start = into.len();
        into.extend_from_slice(ciphertext);
        let nonce = nonce(&self.read.salt, explicit);
        let number = explicit_nonce(record.sequence);
        let aad = additional_data(&number, record.content_type, plaintext_len);
        let body = into.get_mut(start..)?;
        crypto
            .open(self.suite, &self.read.key, &nonce, &aad, body)
            .ok()?;
        start.checked_add(plaintext_len)
    }
}

/// Epoch and sequence number, as they stand in the record header.
fn explicit_nonce(sequence: u64) -> [u8; EXPLICIT_NONCE_LEN] {
    ((u64::from(EPOCH) << 48) | sequence).to_be_bytes()
}

fn nonce(salt: &[u8; 4], explicit: &[u8; EXPLICIT_NONCE_LEN]) -> [u8; 12] {
    let [a, b, c, d] = *salt;
    let [e, f, g, h, i, j, k, l] = *explicit;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// `seq_num, type, version, length` (RFC 5246 6.2.3.3; RFC 6347 4.1.2.1).
fn additional_data(number: &[u8; 8], content_type: ContentType, length: usize) -> [u8; 13] {
    let [a, b, c, d, e, f, g, h] = *number;
    let [high, low] = DTLS_1_2.to_be_bytes();
    let [long, short] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        content_type.number(),
        high,
        low,
        long,
        short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Reader;
    use crate::schedule::{MasterSecret, Randoms};
    use crate::{Psk, RustCrypto};

    fn pair(suite: CipherSuite) -> (Channel, Channel) {
        let randoms = Randoms {
            client: [1; 32],
            server: [2; 32],
        };
        let psk = Psk::try_from_slice(&[3; 16]).unwrap();
        let master = MasterSecret::derive(&RustCrypto, &psk, &randoms, None);
        let keys = || master.traffic_keys(&RustCrypto, &randoms);
        let client = Channel::new(Side::Client, suite, keys());
        (client, Channel::new(Side::Server, suite, keys()))
    }

    fn seal(channel: &mut Channel) -> Result<Vec<u8>, Exhausted> {
        let mut octets = Vec::new();
        channel.seal(
            &RustCrypto,
            ContentType::ApplicationData,
            b"data",
            &mut octets,
        )?;
        Ok(octets)
    }

    fn open(channel: &mut Channel, octets: &[u8]) -> Opened {
        let record = Record::parse(&mut Reader::new(octets)).unwrap();
        let mut plaintext = Vec::new();
        let opened = channel.open(&RustCrypto, &record, &mut plaintext);
        assert_eq!(opened == Opened::Plain(0..4), plaintext == b"data");
        opened
    }

    #[test]
    fn a_counter_at_its_end_is_not_used_again() {
        let (mut client, mut server) = pair(CipherSuite::PskAes128GcmSha256);
        client.next_sequence = MAX_SEQUENCE;
        let last = seal(&mut client).unwrap();
        assert_eq!(open(&mut server, &last), Opened::Plain(0..4));
        assert_eq!(seal(&mut client), Err(Exhausted));
        assert_eq!(seal(&mut client), Err(Exhausted));
    }

    // RFC 9147 4.5.3
    #[test]
    fn keys_are_used_up_after_their_share_of_records() {
        for suite in CipherSuite::ALL {
            let (mut client, _) = pair(suite);
            client.next_sequence = suite.record_limit() - 1;
            assert!(!client.is_exhausted());
            assert!(seal(&mut client).is_ok());
            assert!(client.is_exhausted());
            assert!(seal(&mut client).is_ok(), "the closing alert still fits");
        }
    }

    #[test]
    fn forgeries_are_counted_up_to_their_limit_and_replays_are_not() {
        for suite in CipherSuite::ALL {
            let (mut client, mut server) = pair(suite);
            let good = seal(&mut client).unwrap();
            let mut bad = seal(&mut client).unwrap();
            bad[30] ^= 1;
            assert_eq!(open(&mut server, &bad), Opened::Forged);
            assert_eq!(open(&mut server, &bad), Opened::Forged);
            assert_eq!(open(&mut server, &good), Opened::Plain(0..4));
            assert_eq!(open(&mut server, &good), Opened::Replayed);
            assert_eq!(server.forgeries(), 2);
            server.forgeries = suite.forgery_limit() - 1;
            assert!(!server.too_many_forgeries());
            assert_eq!(open(&mut server, &bad), Opened::Forged);
            assert!(server.too_many_forgeries());
        }
    }

    #[test]
    fn bodies_shorter_than_nonce_and_tag_are_forged() {
        let (mut client, mut server) = pair(CipherSuite::PskAes128Ccm8);
        let good = seal(&mut client).unwrap();
        for length in 0..16_u8 {
            let mut short = good[..13 + usize::from(length)].to_vec();
            short[12] = length;
            assert_eq!(open(&mut server, &short), Opened::Forged);
        }
    }

    #[test]
    fn a_record_of_one_side_is_not_taken_by_the_same_side() {
        let (mut client, _) = pair(CipherSuite::PskAes128Ccm8);
        let octets = seal(&mut client).unwrap();
        assert_eq!(open(&mut client, &octets), Opened::Forged);
    }

    #[test]
    fn whose_record_it_is_can_be_told_without_taking_it() {
        let (mut client, mut server) = pair(CipherSuite::PskAes128Ccm8);
        let octets = seal(&mut client).unwrap();
        let record = Record::parse(&mut Reader::new(&octets)).unwrap();
        let mut scratch = Vec::new();
        assert!(server.made(&RustCrypto, &record, &mut scratch));
        assert!(!client.made(&RustCrypto, &record, &mut scratch));
        assert!(scratch.is_empty());
        assert_eq!(open(&mut server, &octets), Opened::Plain(0..4));
    }
}
