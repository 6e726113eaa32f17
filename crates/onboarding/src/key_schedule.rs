//! From Z to the keys of the session.
//!
//! `PRK = HKDF-Extract(salt th, Z)`,
//! `K(label, more…) = HKDF-Expand(PRK, CBOR(["berth/owa/1", label, sn_name, more…]), 32)`.

use alloc::vec::Vec;
use cose::cbor::{self, Encoded};
use hkdf::Hkdf;
use identifiers::ServingNetworkName;
use secret::{KAusf, OwaKey, SharedSecret};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The root of the keys of one authentication.
#[derive(Clone)]
pub struct KeySchedule {
    prk: OwaKey,
    serving_network: ServingNetworkName,
}

/// The keys that both sides hold after Accept.
///
/// The device's first DTLS handshake under `pdp_dtls` is its key confirmation; before that the
/// network does not use `k_ausf`.
#[derive(Clone)]
pub struct SessionKeys {
    /// Pre-shared key of DTLS towards the provisioning server.
    pub pdp_dtls: OwaKey,
    /// Pre-shared key of the package's HPKE, or the base of it.
    pub package: OwaKey,
    /// K_AUSF; K_SEAF follows by TS 33.501 A.6. It never yields K_AKMA.
    pub k_ausf: KAusf,
}

impl KeySchedule {
    /// Extracts the root from Z under the hash of Start and Challenge.
    #[must_use]
    pub fn new(
        transcript_hash: &[u8; 32],
        shared: &SharedSecret,
        serving_network: ServingNetworkName,
    ) -> Self {
        let (prk, _) = Hkdf::<Sha256>::extract(Some(transcript_hash), shared.expose());
        let prk = Zeroizing::new(<[u8; 32]>::from(prk));
        Self {
            prk: OwaKey::new(*prk),
            serving_network,
        }
    }

    /// Takes up a root that was kept, sealed, in a session record.
    #[must_use]
    pub const fn from_prk(prk: OwaKey, serving_network: ServingNetworkName) -> Self {
        Self {
            prk,
            serving_network,
        }
    }

    /// The root, for the session record.
    #[must_use]
    pub const fn prk(&self) -> &OwaKey {
        &self.prk
    }

    /// The key that seals Accept to one Proof.
    #[must_use]
    pub fn accept(&self, proof_digest: &[u8; 32]) -> OwaKey {
        OwaKey::new(*self.expand("accept", Some(cbor::bytes(proof_digest))))
    }

    /// The keys of the session.
    #[must_use]
    pub fn session_keys(&self) -> SessionKeys {
        SessionKeys {
            pdp_dtls: OwaKey::new(*self.expand("pdp-dtls", None)),
            package: OwaKey::new(*self.expand("package", None)),
            k_ausf: KAusf::new(*self.expand("k-ausf", None)),
        }
    }

    fn info(&self, label: &str, more: Option<Encoded>) -> Vec<u8> {
        [
            Some(cbor::text("berth/owa/1")),
            Some(cbor::text(label)),
            Some(cbor::text(self.serving_network.as_str())),
            more,
        ]
        .into_iter()
        .flatten()
        .collect::<Encoded>()
        .into_vec()
    }

    fn expand(&self, label: &str, more: Option<Encoded>) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::from_prk(self.prk.expose())
            .and_then(|hkdf| {
                hkdf.expand(&self.info(label, more), key.as_mut())
                    .map_err(|_| hkdf::InvalidPrkLength)
            })
            .expect("32 octets are a key and an output of HKDF-SHA-256");
        key
    }
}

#[cfg(test)]
mod tests {
    use super::KeySchedule;
    use cose::cbor;
    use identifiers::ServingNetworkName;
    use secret::SharedSecret;
    use std::string::String;
    use std::vec::Vec;

    extern crate std;

    #[test]
    fn every_secret_of_the_vectors_is_derived() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../vectors/owa-and-package.json"
        );
        let vectors = std::fs::read_to_string(path).unwrap();
        let vectors: serde_json::Value = serde_json::from_str(&vectors).unwrap();
        let octets = |value: &serde_json::Value| -> Vec<u8> {
            hex::decode(value.as_str().unwrap()).unwrap()
        };
        for run in vectors["cases"].as_array().unwrap() {
            let secrets = &run["secrets"];
            let name: String = serde_json::from_value(run["inputs"]["sn_name"].clone()).unwrap();
            let schedule = KeySchedule::new(
                octets(&secrets["th"]).as_slice().try_into().unwrap(),
                &SharedSecret::try_from_slice(&octets(&secrets["z"])).unwrap(),
                ServingNetworkName::parse(&name).unwrap(),
            );
            assert_eq!(schedule.prk().expose().to_vec(), octets(&secrets["prk"]));

            let digest = cose::sha256(&octets(&run["proof"]));
            let keys = schedule.session_keys();
            let cases = [
                (
                    "accept",
                    Some(cbor::bytes(&digest)),
                    schedule.accept(&digest).expose().to_vec(),
                ),
                ("pdp-dtls", None, keys.pdp_dtls.expose().to_vec()),
                ("package", None, keys.package.expose().to_vec()),
                ("k-ausf", None, keys.k_ausf.expose().to_vec()),
            ];
            for (label, more, key) in cases {
                let expected = &secrets["k"][label];
                assert_eq!(schedule.info(label, more), octets(&expected["info"]));
                assert_eq!(key, octets(&expected["key"]), "{label}");
            }
        }
    }
}
