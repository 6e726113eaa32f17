//! Looking into datagrams and composing hostile ones, independently of the engine's own codec.

/// Content types and handshake types by number.
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// A record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) content_type: u8,
    pub(crate) version: [u8; 2],
    pub(crate) epoch: u16,
    pub(crate) sequence: u64,
    pub(crate) body: Vec<u8>,
}

impl Record {
    /// An unprotected record of DTLS 1.2.
    pub(crate) fn clear(content_type: u8, sequence: u64, body: &[u8]) -> Self {
        Self {
            content_type,
            version: [0xfe, 0xfd],
            epoch: 0,
            sequence,
            body: body.to_vec(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut octets = vec![self.content_type];
        octets.extend(self.version);
        octets.extend(self.epoch.to_be_bytes());
        octets.extend(&self.sequence.to_be_bytes()[2..]);
        octets.extend(u16::try_from(self.body.len()).unwrap().to_be_bytes());
        octets.extend(&self.body);
        octets
    }

    /// Type of the handshake message that an unprotected record begins with.
    pub(crate) fn message_type(&self) -> Option<u8> {
        (self.content_type == HANDSHAKE && self.epoch == 0).then(|| self.body[0])
    }

    pub(crate) fn message_seq(&self) -> u16 {
        u16::from_be_bytes([self.body[4], self.body[5]])
    }

    /// Level and description of an unprotected alert.
    pub(crate) fn alert(&self) -> Option<(u8, u8)> {
        (self.content_type == ALERT && self.epoch == 0).then(|| (self.body[0], self.body[1]))
    }
}

/// The records of a datagram.
pub(crate) fn records(mut datagram: &[u8]) -> Vec<Record> {
    let mut found = Vec::new();
    while !datagram.is_empty() {
        let length = usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        let mut sequence = [0; 8];
        sequence[2..].copy_from_slice(&datagram[5..11]);
        found.push(Record {
            content_type: datagram[0],
            version: [datagram[1], datagram[2]],
            epoch: u16::from_be_bytes([datagram[3], datagram[4]]),
            sequence: u64::from_be_bytes(sequence),
            body: datagram[13..13 + length].to_vec(),
        });
        datagram = &datagram[13 + length..];
    }
    found
}

/// A handshake message, or the piece of one at `range`.
pub(crate) fn fragment(
    message_type: u8,
    message_seq: u16,
    body: &[u8],
    range: std::ops::Range<usize>,
) -> Vec<u8> {
    let u24 = |value: usize| u32::try_from(value).unwrap().to_be_bytes()[1..].to_vec();
    let mut octets = vec![message_type];
    octets.extend(u24(body.len()));
    octets.extend(message_seq.to_be_bytes());
    octets.extend(u24(range.start));
    octets.extend(u24(range.len()));
    octets.extend(&body[range]);
    octets
}

/// A ClientHello that can be bent.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) version: [u8; 2],
    pub(crate) random: [u8; 32],
    pub(crate) session_id: Vec<u8>,
    pub(crate) cookie: Vec<u8>,
    pub(crate) suites: Vec<[u8; 2]>,
    pub(crate) compression: Vec<u8>,
    /// The extension table with its length, or nothing.
    pub(crate) extensions: Vec<u8>,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            version: [0xfe, 0xfd],
            random: [0x11; 32],
            session_id: Vec::new(),
            cookie: Vec::new(),
            suites: vec![[0xc0, 0xa8]],
            compression: vec![0],
            extensions: Vec::new(),
        }
    }
}

impl Hello {
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_vec();
        body.extend(self.random);
        body.push(u8::try_from(self.session_id.len()).unwrap());
        body.extend(&self.session_id);
        body.push(u8::try_from(self.cookie.len()).unwrap());
        body.extend(&self.cookie);
        body.extend(u16::try_from(2 * self.suites.len()).unwrap().to_be_bytes());
        body.extend(self.suites.concat());
        body.push(u8::try_from(self.compression.len()).unwrap());
        body.extend(&self.compression);
        body.extend(&self.extensions);
        body
    }

    /// The hello in one datagram.
    pub(crate) fn datagram(&self, record_sequence: u64, message_seq: u16) -> Vec<u8> {
        let body = self.body();
        let message = fragment(1, message_seq, &body, 0..body.len());
        Record::clear(HANDSHAKE, record_sequence, &message).encode()
    }

    /// The hello in datagrams that each carry at most `piece` octets of its body.
    pub(crate) fn pieces(&self, message_seq: u16, piece: usize) -> Vec<Vec<u8>> {
        let body = self.body();
        let starts = (0..body.len()).step_by(piece);
        starts
            .map(|start| {
                let range = start..body.len().min(start + piece);
                let message = fragment(1, message_seq, &body, range);
                Record::clear(HANDSHAKE, start as u64, &message).encode()
            })
            .collect()
    }
}
