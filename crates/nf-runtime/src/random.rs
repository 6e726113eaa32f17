//! Randomness as an argument.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What a function draws random octets from. Clones share one source.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<u64>>),
}

impl Random {
    /// The generator of AWS-LC (CTR_DRBG seeded by the operating system); fit for keys.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A reproducible sequence for tests and simulations; never fit for keys.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(seed))))
    }

    /// Overwrites all octets with random ones.
    ///
    /// # Panics
    /// If the operating system has no entropy to give: nothing safe can be done then.
    pub fn fill(&self, octets: &mut [u8]) {
        match &self.0 {
            Source::System => {
                aws_lc_rs::rand::fill(octets).expect("AWS-LC ends the process when entropy fails")
            }
            Source::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in octets.chunks_mut(8) {
                    let word = split_mix(&mut state).to_le_bytes();
                    for (octet, random) in chunk.iter_mut().zip(word) {
                        *octet = random;
                    }
                }
            }
        }
    }

    /// `N` random octets.
    ///
    /// # Panics
    /// As [`Random::fill`].
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.fill(&mut octets);
        octets
    }

    /// A number from 0 to `bound` inclusive, even enough for jitter, not for secrets.
    pub(crate) fn up_to(&self, bound: u64) -> u64 {
        let word = u64::from_le_bytes(self.array());
        bound.checked_add(1).map_or(word, |range| word % range)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}

/// SplitMix64 of Steele, Lea and Flood.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_octets_again() {
        let (first, second) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(first.array::<21>(), second.array::<21>());
        assert_ne!(first.array::<16>(), Random::seeded(8).array::<16>());
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        assert_ne!(
            Random::system().array::<32>(),
            Random::system().array::<32>()
        );
    }

    #[test]
    fn a_bound_is_kept() {
        let random = Random::seeded(1);
        assert!((0..1_000).all(|_| random.up_to(10) <= 10));
        assert_eq!(random.up_to(0), 0);
    }
}
