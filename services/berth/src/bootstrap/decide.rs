//! What has to happen to each Secret, from the spec and what there is. Performs no IO.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use nf_api::Caller;
use nf_runtime::pki::{Authority, CertificateFacts, Issued, Leaf};
use nf_runtime::random::Random;
use zeroize::Zeroizing;

use super::spec::{Kind, Spec, Wanted};
use super::{inventory, store_users};

/// Contents of a Secret by their names. They are erased when dropped, and have no way into a log.
pub(super) type Data = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// A Secret that exists.
pub(super) struct Stored {
    pub(super) data: Data,
    /// Whether it was made by us. What others made is kept or refused, never changed.
    pub(super) ours: bool,
}

/// The Secrets that exist, of those in the spec.
pub(super) type Found = BTreeMap<String, Stored>;

/// What has to happen to one.
pub(super) enum Decision {
    Keep,
    /// It is not there and should not be: the operator's root, once it is offline.
    LeaveAway,
    Make(Data),
    Renew(Data, &'static str),
}

/// Where time and randomness come from.
pub(super) struct Means<'a> {
    pub(super) now: SystemTime,
    pub(super) random: &'a Random,
}

/// What has to happen to one Secret. The ones that it depends on are already in `found`.
pub(super) fn decide(
    spec: &Spec,
    wanted: &Wanted,
    found: &Found,
    means: &Means<'_>,
) -> Result<Decision> {
    let stored = found.get(&wanted.name);
    let decision = match &wanted.kind {
        Kind::OperatorRoot(root) => {
            let is_offline = spec.secrets.iter().any(|other| {
                matches!(&other.kind, Kind::OperatorKeys(keys) if keys.root == wanted.name)
                    && found.contains_key(&other.name)
            });
            match stored {
                Some(stored) if has(stored, &[ROOT_KEY]) => Decision::Keep,
                Some(_) => bail!("{ROOT_KEY} is missing in it. {COMPLETE}"),
                None if is_offline => Decision::LeaveAway,
                None => Decision::Make(super::operator_keys::draw(&root.operator_id, means)?),
            }
        }
        Kind::OperatorKeys(keys) => match stored {
            Some(stored) if has(stored, &super::operator_keys::VAULT) => Decision::Keep,
            Some(_) => bail!(
                "it holds a part of {} only. {COMPLETE}",
                super::operator_keys::VAULT.join(", ")
            ),
            None => {
                let root = found
                    .get(&keys.root)
                    .with_context(|| format!("secret {} is missing", keys.root))?;
                Decision::Make(super::operator_keys::vault_part(&root.data, &keys.root)?)
            }
        },
        Kind::KeyEncryptionKey(_) => match stored {
            Some(stored) if stored.data.keys().any(|name| name.ends_with(".kek")) => Decision::Keep,
            Some(_) => bail!("there is no key in it. {COMPLETE}"),
            None => Decision::Make(single(FIRST_KEK, &secret_hex(means.random))),
        },
        Kind::Authority(authority) => match stored {
            Some(stored) => {
                let opened = open_authority(stored)?;
                ensure!(
                    opened.trust_domain() == authority.trust_domain,
                    "it is the authority of trust domain {}, not of {}: a trust domain cannot be changed in a running \
                     installation",
                    opened.trust_domain(),
                    authority.trust_domain
                );
                ensure!(
                    opened.facts().not_after > means.now,
                    "it has expired: delete it and name it in replace_lost ({}); all certificates are issued anew",
                    inventory::REPLACE_LOST
                );
                Decision::Keep
            }
            None => {
                let drawn = Authority::draw(&authority.trust_domain, means.now)?;
                Decision::Make(certificate(&drawn, None))
            }
        },
        Kind::Inventory(inventory) => {
            let names = inventory::list(spec, inventory, stored);
            derived(
                stored,
                single(inventory::NAMES, names.as_bytes()),
                "there is more to name",
            )
        }
        Kind::Identity(leaf) => {
            let authority = authority(found, &leaf.authority)?;
            let caller = Caller::from_uri(&leaf.uri, authority.trust_domain())
                .context("uri is no identity of the authority's trust domain")?;
            decide_leaf(stored, &authority, Some(&caller), &leaf.dns, means)?
        }
        Kind::ServerCertificate(leaf) => {
            let authority = authority(found, &leaf.authority)?;
            decide_leaf(stored, &authority, None, &leaf.dns, means)?
        }
        Kind::StoreUser(user) => {
            let password = stored.and_then(|stored| stored.data.get(PASSWORD));
            let mut data = match password.filter(|password| !password.is_empty()) {
                Some(password) => single(PASSWORD, password),
                None => single(PASSWORD, &secret_hex(means.random)),
            };
            let kept = stored.and_then(|stored| stored.data.get(CA));
            let pem = match &user.authority {
                Some(name) => Some(authority(found, name)?.certificate_pem().into()),
                // Pods of before may still read it.
                None => kept.map(|pem| pem.to_vec()),
            };
            data.extend(pem.map(|pem| (CA.to_owned(), Zeroizing::new(pem))));
            derived(stored, data, "authority or password was missing")
        }
        Kind::StoreUsers(users) => {
            let file = store_users::acl_file(spec, &users.users, found)?;
            derived(
                stored,
                single(USERS, file.as_bytes()),
                "users, passwords or rules have changed",
            )
        }
    };
    if let (Decision::Renew(_, why), Some(Stored { ours: false, .. })) = (&decision, stored) {
        bail!(
            "it has to be renewed ({why}), but was not made by this command. Renew it yourself, or delete it so that \
             it is made anew"
        );
    }
    Ok(decision)
}

/// Keeps a leaf that still fits, and issues another one else.
fn decide_leaf(
    stored: Option<&Stored>,
    authority: &Authority,
    caller: Option<&Caller>,
    dns: &[String],
    means: &Means<'_>,
) -> Result<Decision> {
    let why = match stored {
        None => None,
        Some(stored) => match misfit(stored, authority, caller, dns, means.now) {
            None => return Ok(Decision::Keep),
            why => why,
        },
    };
    let dns: Vec<&str> = dns.iter().map(String::as_str).collect();
    let leaf = Leaf {
        caller,
        dns: &dns,
        ips: &[],
        lifetime: LEAF_LIFETIME,
    };
    let issued = authority.issue(&leaf, means.now)?;
    let data = certificate(&issued, Some(authority));
    Ok(match why {
        None => Decision::Make(data),
        Some(why) => Decision::Renew(data, why),
    })
}

/// Why a leaf cannot stay.
fn misfit(
    stored: &Stored,
    authority: &Authority,
    caller: Option<&Caller>,
    dns: &[String],
    now: SystemTime,
) -> Option<&'static str> {
    if !has(stored, &[CERTIFICATE, KEY, CA]) {
        return Some("a part of it was missing");
    }
    let Some(facts) = text(stored, CERTIFICATE).and_then(CertificateFacts::read) else {
        return Some("its certificate was damaged");
    };
    if !text(stored, KEY).is_some_and(|key| facts.is_of_key(key)) {
        return Some("its key was another one");
    }
    if !facts.names_authority(authority.facts())
        || text(stored, CA) != Some(authority.certificate_pem())
    {
        return Some("it was issued by another authority");
    }
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    };
    let uri = caller.map(|caller| caller.to_uri(authority.trust_domain()));
    if facts.uris.as_slice() != uri.as_slice() || sorted(&facts.dns) != sorted(dns) {
        return Some("its names have changed");
    }
    // A leaf that ends with its authority would be renewed for ever without gaining a day.
    if facts.is_near_its_end(now) && facts.not_after < authority.facts().not_after {
        return Some("its end was near");
    }
    None
}

/// Keeps what already says the same.
fn derived(stored: Option<&Stored>, data: Data, why: &'static str) -> Decision {
    match stored {
        None => Decision::Make(data),
        Some(stored) if stored.data == data => Decision::Keep,
        Some(_) => Decision::Renew(data, why),
    }
}

fn authority(found: &Found, name: &str) -> Result<Authority> {
    let stored = found
        .get(name)
        .with_context(|| format!("secret {name} is missing"))?;
    open_authority(stored).with_context(|| format!("secret {name}"))
}

fn open_authority(stored: &Stored) -> Result<Authority> {
    let (Some(certificate), Some(key)) = (text(stored, CERTIFICATE), text(stored, KEY)) else {
        bail!("it must hold {CERTIFICATE} and {KEY}. {COMPLETE}");
    };
    Ok(Authority::open(certificate, key)?)
}

fn certificate(issued: &Issued, authority: Option<&Authority>) -> Data {
    let mut data = single(CERTIFICATE, issued.certificate_pem.as_bytes());
    let key = Zeroizing::new(issued.key_pem.clone().into_bytes());
    data.insert(KEY.to_owned(), key);
    if let Some(authority) = authority {
        let pem = authority.certificate_pem().into();
        data.insert(CA.to_owned(), Zeroizing::new(pem));
    }
    data
}

/// 32 random octets as hexadecimal digits.
fn secret_hex(random: &Random) -> Zeroizing<Vec<u8>> {
    let octets = Zeroizing::new(random.array::<32>());
    Zeroizing::new(
        data_encoding::HEXLOWER
            .encode(octets.as_slice())
            .into_bytes(),
    )
}

fn single(name: &str, content: &[u8]) -> Data {
    Data::from([(name.to_owned(), Zeroizing::new(content.to_vec()))])
}

/// Whether all these parts are there.
pub(super) fn has(stored: &Stored, names: &[&str]) -> bool {
    let part = |name: &&str| stored.data.get(*name).is_some_and(|part| !part.is_empty());
    names.iter().all(part)
}

pub(super) fn text<'a>(stored: &'a Stored, name: &str) -> Option<&'a str> {
    std::str::from_utf8(stored.data.get(name)?).ok()
}

pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
pub(super) const CA: &str = "ca.crt";
pub(super) const PASSWORD: &str = "password";
pub(super) const USERS: &str = "users.acl";
pub(super) const ROOT_KEY: &str = "root.key";
pub(super) const FIRST_KEK: &str = "1.kek";
const LEAF_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
const COMPLETE: &str = "Nothing is made anew in its place: restore the whole Secret from your copy";
