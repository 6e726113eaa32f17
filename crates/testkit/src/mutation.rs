//! Changes to inputs, reproducible from one number.

/// Makes new inputs from known ones.
///
/// The same number and the same corpus give the same inputs in the same order.
pub struct Mutator {
    state: u64,
}

/// Octets at which decoders branch: limits of integers, CBOR heads, DTLS content types, JSON and text delimiters.
const TELLING: &[u8] = &[
    0x00, 0x01, 0x0f, 0x13, 0x14, 0x16, 0x17, 0x18, 0x19, 0x1b, 0x1f, 0x20, b'"', b'-', b'.', b'0',
    b'@', 0x58, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xf6, 0xfd, 0xfe, 0xff,
];

/// No input grows beyond this; more only costs time.
const LIMIT: usize = 4096;

impl Mutator {
    /// Begins a sequence.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A changed copy of one input of the corpus; an empty corpus gives random octets.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self
            .choose(corpus)
            .cloned()
            .unwrap_or_else(|| self.random_octets());
        for _ in 0..=self.below(4) {
            self.change(&mut input, corpus);
        }
        input.truncate(LIMIT);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 | 1 => {
                if let Some(octet) = input.get_mut(at) {
                    *octet ^= 1 << self.below(8);
                }
            }
            2 => {
                if let Some(octet) = input.get_mut(at) {
                    *octet = self.telling();
                }
            }
            3 => input.truncate(at),
            4 => {
                let octet = self.telling();
                input.insert(at, octet);
            }
            5 => {
                let end = (at + 1 + self.below(16)).min(input.len());
                input.drain(at.min(end)..end);
            }
            6 => {
                let piece = self.piece(input);
                input.splice(at..at, piece);
            }
            _ => {
                let piece = self
                    .choose(corpus)
                    .cloned()
                    .map(|other| self.piece(&other))
                    .unwrap_or_default();
                let end = (at + piece.len()).min(input.len());
                input.splice(at..end, piece);
            }
        }
    }

    fn piece(&mut self, of: &[u8]) -> Vec<u8> {
        let from = self.below(of.len() + 1);
        let length = self.below(of.len() - from + 1);
        of[from..from + length].to_vec()
    }

    fn random_octets(&mut self) -> Vec<u8> {
        (0..self.below(64))
            .map(|_| self.draw().to_le_bytes()[0])
            .collect()
    }

    fn telling(&mut self) -> u8 {
        TELLING[self.below(TELLING.len())]
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len().max(1));
        from.get(at)
    }

    /// A number below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() >> 33).unwrap_or_default() % bound
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
