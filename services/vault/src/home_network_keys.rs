//! The home network's key pairs for SUCI. TS 33.501 6.12.4, Annex C.

use key_hierarchy::ecies::{HomeNetworkKey, Profile};
use nf_runtime::random::Random;
use secret::PrivateKey;
use store::{Binding, Class, Update};

use crate::credentials::{CredentialError, Credentials};
use crate::draw;
use crate::records::{HomeNetworkKeyRecord, HomeNetworkKeysRecord};

/// Identifier and profile of the keys that are made at the first start.
const FIRST: [(u32, Profile); 2] = [(1, Profile::A), (2, Profile::B)];

/// Reads the keys; makes them first if this vault has none. Replicas that start together agree on one set.
pub(crate) async fn open_or_create(
    credentials: &Credentials,
    random: &Random,
) -> Result<Vec<HomeNetworkKey>, CredentialError> {
    let tag = credentials.tag("home-network-keys")?;
    let stored =
        credentials
            .store
            .update::<HomeNetworkKeysRecord, CredentialError>(&tag, Class::Record, |found| {
                match found {
                    Some(found)
                        if !found
                            .record
                            .keys
                            .iter()
                            .any(|key| credentials.sealer.is_outdated(&key.private)) =>
                    {
                        Ok(Update::Keep)
                    }
                    Some(found) => {
                        let mut record = found.record.clone();
                        for key in &mut record.keys {
                            key.private = credentials
                                .sealer
                                .rewrap(&key.private, &binding(key.id, key.scheme))?;
                        }
                        Ok(Update::Put(record))
                    }
                    None => {
                        tracing::info!("home network keys made");
                        let keys = FIRST
                            .into_iter()
                            .map(|(id, profile)| create(credentials, random, id, profile));
                        Ok(Update::Put(HomeNetworkKeysRecord {
                            keys: keys.collect::<Result<_, _>>()?,
                        }))
                    }
                }
            })
            .await?;
    let keys = stored.map(|stored| stored.record.keys).unwrap_or_default();
    keys.iter().map(|key| open(credentials, key)).collect()
}

fn create(
    credentials: &Credentials,
    random: &Random,
    id: u32,
    profile: Profile,
) -> Result<HomeNetworkKeyRecord, CredentialError> {
    let scheme = profile.scheme() as u32;
    let private = credentials
        .sealer
        .seal(draw::private_key(random).expose(), &binding(id, scheme))?;
    Ok(HomeNetworkKeyRecord {
        id,
        scheme,
        private,
    })
}

fn open(
    credentials: &Credentials,
    record: &HomeNetworkKeyRecord,
) -> Result<HomeNetworkKey, CredentialError> {
    let private = credentials
        .sealer
        .unseal(&record.private, &binding(record.id, record.scheme))?;
    let profile = FIRST
        .into_iter()
        .map(|(_, profile)| profile)
        .find(|profile| profile.scheme() as u32 == record.scheme);
    let read = || {
        let private = PrivateKey::try_from_slice(private.expose()).ok()?;
        HomeNetworkKey::new(u8::try_from(record.id).ok()?, profile?, private).ok()
    };
    read().ok_or(CredentialError::Store(store::Error::Corrupt {
        kind: "home-network-keys",
    }))
}

fn binding(id: u32, scheme: u32) -> Binding {
    Binding::new("home-network-key")
        .number(id.into())
        .number(scheme.into())
}
