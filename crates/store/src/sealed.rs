//! Sealed values: key material at rest, readable only with the function's key-encryption key.
//!
//! Each value is encrypted with AES-256-GCM under a data key of its own; the data key is wrapped with
//! AES-256-GCM under a key derived from the key-encryption key and a random salt, so that no key ever meets a
//! nonce twice. Both are bound to the identity of the record, so a sealed value is of no use anywhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use cause::Cause;
use secret::{SealingKey, SecretBytes};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Which key-encryption keys a function has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SealerConfig {
    /// The keys that can unseal. To rotate: add the new key everywhere, then seal with it, then seal the old
    /// records anew, then take the old key away.
    pub keys: Vec<KeyFile>,
    /// Number of the key that seals. Default: the highest number.
    pub seal_with: Option<u32>,
}

/// One key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// Its number; never used again for another key.
    pub id: u32,
    /// The file that holds it: 64 hexadecimal digits, or 32 octets.
    pub file: PathBuf,
}

/// Key-encryption keys cannot be used as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealerError {
    /// There is no key, or the one that should seal is missing.
    #[error("no key-encryption key to seal with")]
    NoKey,
    /// A number is given twice.
    #[error("key-encryption key {id} is given twice")]
    Duplicate {
        /// The number.
        id: u32,
    },
    /// A key file cannot be read or written.
    #[error("key file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A key file holds something else.
    #[error("key file {path} must hold 64 hexadecimal digits or 32 octets")]
    Content {
        /// The file.
        path: PathBuf,
    },
}

/// A value could not be sealed or unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The value was sealed with a key that this process does not have.
    #[error("sealed with key {id}, which is not configured")]
    UnknownKey {
        /// Number of the key.
        id: u32,
    },
    /// The value is damaged, or was sealed for another record.
    #[error("a sealed value is damaged or belongs to another record")]
    NotAuthentic,
    /// The machine gives no random numbers.
    #[error("no random numbers")]
    NoRandomness,
}

impl SealError {
    /// The cause to answer a peer with.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::Internal
    }
}

/// The identity of the record that holds a sealed value, such as credential set, epoch and tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding(Vec<u8>);

impl Binding {
    /// Starts with the purpose of the value, a constant of the code, such as `credential`.
    #[must_use]
    pub fn new(purpose: &'static str) -> Self {
        Self(b"berth/seal/1".to_vec()).text(purpose)
    }

    /// Adds a text, such as an id.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.part(b't', text.as_bytes())
    }

    /// Adds a number, such as an epoch.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.part(b'n', &number.to_be_bytes())
    }

    /// Length and type before each part, so that different parts never give the same octets.
    fn part(mut self, kind: u8, octets: &[u8]) -> Self {
        self.0.push(kind);
        self.0
            .extend_from_slice(&(octets.len() as u64).to_be_bytes());
        self.0.extend_from_slice(octets);
        self
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binding(…)")
    }
}

/// Seals and unseals with the key-encryption keys of one function.
#[derive(Clone)]
pub struct Sealer {
    keys: BTreeMap<u32, SealingKey>,
    seal_with: u32,
}

const FORMAT: u8 = 1;
const SALT: usize = 32;
const DATA_KEY: usize = SealingKey::LEN;
const TAG: usize = 16;
/// Every key is used for one message only.
const NONCE: [u8; 12] = [0; 12];

impl Sealer {
    /// Takes the keys with their numbers; the one called `seal_with` seals.
    ///
    /// # Errors
    /// [`SealerError::NoKey`], [`SealerError::Duplicate`].
    pub fn new(
        keys: impl IntoIterator<Item = (u32, SealingKey)>,
        seal_with: Option<u32>,
    ) -> Result<Self, SealerError> {
        let mut known = BTreeMap::new();
        for (id, key) in keys {
            if known.insert(id, key).is_some() {
                return Err(SealerError::Duplicate { id });
            }
        }
        let newest = known.keys().next_back().copied();
        let seal_with = seal_with.or(newest).ok_or(SealerError::NoKey)?;
        if !known.contains_key(&seal_with) {
            return Err(SealerError::NoKey);
        }
        Ok(Self {
            keys: known,
            seal_with,
        })
    }

    /// Reads the key files.
    ///
    /// # Errors
    /// [`SealerError`].
    pub fn open(config: &SealerConfig) -> Result<Self, SealerError> {
        let keys = config
            .keys
            .iter()
            .map(|key| Ok((key.id, read_key(&key.file)?)))
            .collect::<Result<Vec<_>, SealerError>>()?;
        Self::new(keys, config.seal_with)
    }

    /// Writes a new random key to a file that only its owner may read. A file that is there stays as it is.
    ///
    /// # Errors
    /// [`SealerError::File`].
    pub fn create_key_file(path: &Path) -> Result<(), SealerError> {
        use std::io::Write;
        let failed = |source| SealerError::File {
            path: path.to_owned(),
            source,
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = match options.open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        let key =
            random::<DATA_KEY>().map_err(|_| failed(std::io::Error::other("no random numbers")))?;
        let mut text = Zeroizing::new(String::with_capacity(2 * DATA_KEY + 1));
        for octet in key.iter() {
            for digit in [octet >> 4, octet & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
            }
        }
        text.push('\n');
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }

    /// Encrypts octets for one record.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, plaintext: &[u8], binding: &Binding) -> Result<Vec<u8>, SealError> {
        let data_key = random::<DATA_KEY>()?;
        let mut sealed = self.wrap(&data_key, binding)?;
        let mut data = plaintext.to_vec();
        encrypt(&data_key, binding, &mut data)?;
        sealed.extend_from_slice(&data);
        Ok(sealed)
    }

    /// Decrypts what was sealed for the same record.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`], [`SealError::NotAuthentic`].
    pub fn unseal(&self, sealed: &[u8], binding: &Binding) -> Result<SecretBytes, SealError> {
        let parts = Parts::of(sealed)?;
        let data_key = self.unwrap(&parts, binding)?;
        decrypt(&data_key, binding, parts.data).map(SecretBytes::new)
    }

    /// Whether a value should be [rewrapped](Self::rewrap) because another key seals now.
    #[must_use]
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        Parts::of(sealed).is_ok_and(|parts| parts.key_id != self.seal_with)
    }

    /// The same sealed value, its data key wrapped under the key that seals now.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn rewrap(&self, sealed: &[u8], binding: &Binding) -> Result<Vec<u8>, SealError> {
        let parts = Parts::of(sealed)?;
        let data_key = self.unwrap(&parts, binding)?;
        let mut rewrapped = self.wrap(&data_key, binding)?;
        rewrapped.extend_from_slice(parts.data);
        Ok(rewrapped)
    }

    /// Format, number of the key, salt and wrapped data key: all that comes before the data.
    fn wrap(&self, data_key: &[u8; DATA_KEY], binding: &Binding) -> Result<Vec<u8>, SealError> {
        let salt = random::<SALT>()?;
        let wrapping_key = self.wrapping_key(self.seal_with, salt.as_slice())?;
        let mut wrapped = data_key.to_vec();
        encrypt(&wrapping_key, binding, &mut wrapped)?;
        let mut head = vec![FORMAT];
        head.extend_from_slice(&self.seal_with.to_be_bytes());
        head.extend_from_slice(salt.as_slice());
        head.extend_from_slice(&wrapped);
        Ok(head)
    }

    fn unwrap(
        &self,
        parts: &Parts<'_>,
        binding: &Binding,
    ) -> Result<Zeroizing<[u8; DATA_KEY]>, SealError> {
        let wrapping_key = self.wrapping_key(parts.key_id, parts.salt)?;
        let data_key = Zeroizing::new(decrypt(&wrapping_key, binding, parts.wrapped)?);
        let data_key = <[u8; DATA_KEY]>::try_from(data_key.as_slice());
        data_key
            .map(Zeroizing::new)
            .map_err(|_| SealError::NotAuthentic)
    }

    fn wrapping_key(&self, id: u32, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let key = self.keys.get(&id).ok_or(SealError::UnknownKey { id })?;
        let mut derived = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, salt)
            .extract(key.expose())
            .expand(&[b"berth/seal/1/wrap", &id.to_be_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(derived.as_mut_slice()))
            .map_err(|_| SealError::NotAuthentic)?;
        Ok(derived)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Sealer({} keys, seals with {})",
            self.keys.len(),
            self.seal_with
        )
    }
}

/// The parts of a sealed value.
struct Parts<'a> {
    key_id: u32,
    salt: &'a [u8; SALT],
    wrapped: &'a [u8; DATA_KEY + TAG],
    data: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Result<Self, SealError> {
        let split = || {
            let (format, rest) = sealed.split_first()?;
            let (key_id, rest) = rest.split_first_chunk::<4>()?;
            let (salt, rest) = rest.split_first_chunk::<SALT>()?;
            let (wrapped, data) = rest.split_first_chunk()?;
            (*format == FORMAT).then_some(Self {
                key_id: u32::from_be_bytes(*key_id),
                salt,
                wrapped,
                data,
            })
        };
        split().ok_or(SealError::NotAuthentic)
    }
}

fn aead(key: &[u8; 32]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| SealError::NotAuthentic)
}

fn encrypt(key: &[u8; 32], binding: &Binding, data: &mut Vec<u8>) -> Result<(), SealError> {
    let nonce = Nonce::assume_unique_for_key(NONCE);
    aead(key)?
        .seal_in_place_append_tag(nonce, Aad::from(&binding.0), data)
        .map_err(|_| SealError::NotAuthentic)
}

fn decrypt(key: &[u8; 32], binding: &Binding, data: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut data = data.to_vec();
    let nonce = Nonce::assume_unique_for_key(NONCE);
    let length = aead(key)?
        .open_in_place(nonce, Aad::from(&binding.0), &mut data)
        .map_err(|_| SealError::NotAuthentic)?
        .len();
    data.truncate(length);
    Ok(data)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, SealError> {
    let mut octets = Zeroizing::new([0; N]);
    aws_lc_rs::rand::fill(octets.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
    Ok(octets)
}

fn read_key(path: &Path) -> Result<SealingKey, SealerError> {
    let octets = std::fs::read(path).map_err(|source| SealerError::File {
        path: path.to_owned(),
        source,
    })?;
    let octets = Zeroizing::new(octets);
    let content = || SealerError::Content {
        path: path.to_owned(),
    };
    if let Ok(key) = SealingKey::try_from_slice(&octets) {
        return Ok(key);
    }
    let text = std::str::from_utf8(&octets).map_err(|_| content())?.trim();
    let digits: Option<Zeroizing<Vec<u32>>> = text
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect::<Option<_>>()
        .map(Zeroizing::new);
    let digits = digits.ok_or_else(content)?;
    let key: Zeroizing<Vec<u8>> = Zeroizing::new(
        digits
            .chunks(2)
            .map(|pair| {
                pair.iter()
                    .fold(0, |octet, digit| octet << 4 | *digit as u8)
            })
            .collect(),
    );
    if digits.len() != 2 * DATA_KEY {
        return Err(content());
    }
    SealingKey::try_from_slice(&key).map_err(|_| content())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(octet: u8) -> SealingKey {
        SealingKey::new([octet; 32])
    }

    fn record(epoch: u64) -> Binding {
        Binding::new("credential").text("crd_1").number(epoch)
    }

    #[test]
    fn a_sealed_value_opens_for_its_record_only() {
        let sealer = Sealer::new([(1, key(1))], None).unwrap();
        let sealed = sealer.seal(b"K and OPc", &record(1)).unwrap();
        assert_eq!(
            sealer.unseal(&sealed, &record(1)).unwrap().expose(),
            b"K and OPc"
        );
        for other in [
            record(2),
            Binding::new("credential").text("crd_2").number(1),
            Binding::new("session").text("crd_1").number(1),
            Binding::new("credential").text("crd_1"),
        ] {
            let moved = sealer.unseal(&sealed, &other).err();
            assert_eq!(moved, Some(SealError::NotAuthentic));
            assert!(sealer.rewrap(&sealed, &other).is_err());
        }
    }

    #[test]
    fn bindings_of_different_parts_differ() {
        let one = Binding::new("p").text("ab").text("c");
        assert!(one != Binding::new("p").text("a").text("bc"));
        assert!(one != Binding::new("p").text("abc"));
        let number = Binding::new("p").number(u64::from_be_bytes(*b"abcdefgh"));
        assert!(number != Binding::new("p").text("abcdefgh"));
    }

    #[test]
    fn every_prefix_and_every_changed_octet_is_refused() {
        let sealer = Sealer::new([(1, key(1))], None).unwrap();
        let sealed = sealer.seal(b"secret", &record(1)).unwrap();
        for length in 0..sealed.len() {
            let prefix = sealed.get(..length).unwrap();
            assert!(sealer.unseal(prefix, &record(1)).is_err());
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            *changed.get_mut(at).unwrap() ^= 1;
            assert!(sealer.unseal(&changed, &record(1)).is_err(), "octet {at}");
        }
    }

    #[test]
    fn equal_values_are_sealed_differently_and_without_plaintext() {
        let sealer = Sealer::new([(1, key(1))], None).unwrap();
        let one = sealer.seal(&[7; 16], &record(1)).unwrap();
        let two = sealer.seal(&[7; 16], &record(1)).unwrap();
        assert_ne!(one, two);
        assert!(!one.windows(4).any(|window| window == [7; 4]));
    }

    #[test]
    fn keys_rotate_without_losing_a_value() {
        let old = Sealer::new([(1, key(1))], None).unwrap();
        let first = old.seal(b"secret", &record(1)).unwrap();
        // The new key is known everywhere before it seals.
        let both = Sealer::new([(1, key(1)), (2, key(2))], Some(1)).unwrap();
        assert!(!both.is_outdated(&both.seal(b"", &record(1)).unwrap()));
        let both = Sealer::new([(2, key(2)), (1, key(1))], None).unwrap();
        assert!(both.is_outdated(&first));
        let second = both.rewrap(&first, &record(1)).unwrap();
        assert!(!both.is_outdated(&second));
        let new = Sealer::new([(2, key(2))], None).unwrap();
        assert_eq!(new.unseal(&second, &record(1)).unwrap().expose(), b"secret");
        let unknown = new.unseal(&first, &record(1)).err();
        assert_eq!(unknown, Some(SealError::UnknownKey { id: 1 }));
    }

    #[test]
    fn keys_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let made = folder.path().join("made");
        Sealer::create_key_file(&made).unwrap();
        let content = std::fs::read(&made).unwrap();
        Sealer::create_key_file(&made).unwrap();
        assert_eq!(std::fs::read(&made).unwrap(), content);
        let open = |path: &Path| {
            let keys = vec![KeyFile {
                id: 1,
                file: path.to_owned(),
            }];
            Sealer::open(&SealerConfig {
                keys,
                seal_with: None,
            })
        };
        open(&made).unwrap();
        let raw = open(&file("raw", &[0xab; 32])).unwrap();
        let hex = open(&file("hex", "AB".repeat(32).as_bytes())).unwrap();
        let sealed = raw.seal(b"secret", &record(1)).unwrap();
        assert!(hex.unseal(&sealed, &record(1)).is_ok());
        for wrong in [
            "",
            "ab",
            &"ab".repeat(33),
            &"zz".repeat(32),
            &"aé".repeat(32),
        ] {
            assert!(matches!(
                open(&file("wrong", wrong.as_bytes())),
                Err(SealerError::Content { .. })
            ));
        }
        assert!(open(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn a_sealer_needs_the_key_it_seals_with() {
        assert!(matches!(Sealer::new([], None), Err(SealerError::NoKey)));
        assert!(Sealer::new([(1, key(1))], Some(2)).is_err());
        assert!(Sealer::new([(1, key(1)), (1, key(2))], None).is_err());
    }
}
