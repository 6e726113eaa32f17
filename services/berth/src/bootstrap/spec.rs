//! What `berth bootstrap --spec FILE` is asked for: one TOML table per Secret.
//!
//! ```toml
//! [labels]                                  # on every Secret that is made; `managed-by` is added
//! "app.kubernetes.io/name" = "berth"
//! "app.kubernetes.io/instance" = "berth"
//!
//! [[secret]]                                # tls.crt, tls.key
//! name = "berth-ca"
//! kind = "authority"
//! trust_domain = "berth.test"
//!
//! [[secret]]                                # tls.crt, tls.key, ca.crt
//! name = "berth-aanf-tls"
//! kind = "identity"
//! authority = "berth-ca"
//! uri = "spiffe://berth.test/nf/aanf"       # also …/operator/admin, …/nf/access-gateway/lab
//! dns = ["berth-aanf", "berth-aanf.berth.svc"]
//!
//! [[secret]]                                # tls.crt, tls.key, ca.crt
//! name = "berth-store-tls"                  # likewise the portal's
//! kind = "server-certificate"
//! authority = "berth-ca"
//! dns = ["berth-store", "berth-store.berth.svc"]
//!
//! [[secret]]                                # 1.kek
//! name = "berth-aanf-kek"
//! kind = "key-encryption-key"
//! function = "aanf"
//!
//! [[secret]]                                # password, and ca.crt where an authority is named
//! name = "berth-aanf-store"
//! kind = "store-user"
//! user = "aanf"                             # a function: its rule is known
//! authority = "berth-ca"
//!
//! [[secret]]                                # password
//! name = "berth-admin-store"
//! kind = "store-user"
//! user = "admin"
//! rule = "~* &* +@all"                      # demanded of a user that is no function
//!
//! [[secret]]                                # users.acl
//! name = "berth-store-users"
//! kind = "store-users"
//! users = ["berth-aanf-store", "berth-admin-store"]    # names of Secrets of kind store-user
//!
//! [[secret]]                                # root.key, and beside it a copy of the five files below
//! name = "berth-operator-root"
//! kind = "operator-root"
//! operator_id = "berth-operator"
//!
//! [[secret]]                                # root.cer, keyset.cose, signer.key, network.key, network-chain.pem
//! name = "berth-operator-keys"
//! kind = "operator-keys"
//! root = "berth-operator-root"              # made from it; afterwards that one belongs offline
//!
//! [[secret]]                                # names
//! name = "berth-inventory"
//! kind = "inventory"                        # demanded where one of the kinds is listed that it names
//! given = ["berth-vault-kek"]               # what others made under another name, and must never be made here
//! ```
//!
//! The loss of an authority, a key-encryption key or the operator's keys is an error once the inventory names them:
//! nothing can replace them. `replace_lost = ["berth-ca"]` at the top allows one to be made anew.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use identifiers::OperatorId;
use nf_api::{Caller, NetworkFunction};
use serde::Deserialize;

/// A checked spec: names are unique, and what one Secret names of another exists.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) replace_lost: BTreeSet<String>,
    /// In the order in which they are made: nothing is made before what it depends on, and what cannot be
    /// replaced comes first.
    pub(super) secrets: Vec<Wanted>,
}

/// A Secret that has to exist.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What has to be in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Kind {
    OperatorRoot(OperatorRoot),
    OperatorKeys(OperatorKeys),
    KeyEncryptionKey(KeyEncryptionKey),
    Authority(Authority),
    Identity(Identity),
    ServerCertificate(ServerCertificate),
    StoreUser(StoreUser),
    StoreUsers(StoreUsers),
    Inventory(Inventory),
}

/// The operator's root, with a copy of what it has signed, so that the vault's part can be made from it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorRoot {
    pub(super) operator_id: String,
}

/// The vault's part of the operator's keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorKeys {
    pub(super) root: String,
}

/// The first key-encryption key of a function.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEncryptionKey {
    pub(super) function: String,
}

/// The certificate authority of the installation: P-256, ten years.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    pub(super) trust_domain: String,
}

/// Certificate of a function or an operator, for both sides of TLS: P-256, one year.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) authority: String,
    pub(super) uri: String,
    #[serde(default)]
    pub(super) dns: Vec<String>,
}

/// Certificate of a server that is no function: P-256, one year.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerCertificate {
    pub(super) authority: String,
    pub(super) dns: Vec<String>,
}

/// The password of a user of the store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreUser {
    pub(super) user: String,
    pub(super) authority: Option<String>,
    pub(super) rule: Option<String>,
}

/// The users of the store's server, as its ACL file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreUsers {
    pub(super) users: Vec<String>,
}

/// The names of the Secrets that nothing can replace and that once were there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inventory {
    #[serde(default)]
    pub(super) given: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    replace_lost: BTreeSet<String>,
    #[serde(default)]
    secret: Vec<toml::Table>,
}

impl Spec {
    /// Reads and checks a spec.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let document: Document = toml::from_str(text)?;
        let mut secrets = document
            .secret
            .into_iter()
            .map(Wanted::read)
            .collect::<Result<Vec<_>>>()?;
        secrets.sort_by_key(|wanted| wanted.kind.place());
        let spec = Self {
            labels: document.labels,
            replace_lost: document.replace_lost,
            secrets,
        };
        spec.check()?;
        Ok(spec)
    }

    /// The Secret with this name.
    pub(super) fn find(&self, name: &str) -> Option<&Kind> {
        let found = self.secrets.iter().find(|wanted| wanted.name == name);
        found.map(|wanted| &wanted.kind)
    }

    /// The inventory and its name.
    pub(super) fn inventory(&self) -> Option<(&str, &Inventory)> {
        self.secrets.iter().find_map(|wanted| match &wanted.kind {
            Kind::Inventory(inventory) => Some((wanted.name.as_str(), inventory)),
            _ => None,
        })
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.secrets.is_empty(), "no [[secret]] is listed");
        let mut names = BTreeSet::new();
        for wanted in &self.secrets {
            ensure!(
                names.insert(wanted.name.as_str()),
                "secret {} is listed twice",
                wanted.name
            );
            self.check_one(&wanted.kind)
                .with_context(|| format!("secret {}", wanted.name))?;
        }
        let of_kind =
            |is: fn(&Kind) -> bool| self.secrets.iter().filter(move |wanted| is(&wanted.kind));
        let inventories = of_kind(|kind| matches!(kind, Kind::Inventory(_))).count();
        ensure!(inventories < 2, "there must be no second inventory");
        if let Some(wanted) = of_kind(|kind| kind.given_up().is_some()).next() {
            ensure!(
                inventories == 1,
                "a secret of kind inventory must be listed, so that the loss of {} would be noticed",
                wanted.name
            );
        }
        for name in &self.replace_lost {
            ensure!(
                names.contains(name.as_str()),
                "replace_lost names {name}, which is not listed"
            );
        }
        Ok(())
    }

    fn check_one(&self, kind: &Kind) -> Result<()> {
        match kind {
            Kind::Authority(authority) => {
                ensure!(
                    !authority.trust_domain.is_empty(),
                    "trust_domain must not be empty"
                );
            }
            Kind::Identity(identity) => {
                let trust_domain = &self.authority(&identity.authority)?.trust_domain;
                Caller::from_uri(&identity.uri, trust_domain).with_context(|| {
                    format!(
                        "uri {} is no identity of trust domain {trust_domain}",
                        identity.uri
                    )
                })?;
            }
            Kind::ServerCertificate(server) => {
                self.authority(&server.authority)?;
                ensure!(!server.dns.is_empty(), "dns must name the server");
            }
            Kind::KeyEncryptionKey(key) => {
                NetworkFunction::from_name(&key.function)
                    .with_context(|| format!("function {} is unknown", key.function))?;
            }
            Kind::StoreUser(user) => check_user(self, user)?,
            Kind::StoreUsers(users) => {
                for name in &users.users {
                    let Some(Kind::StoreUser(_)) = self.find(name) else {
                        bail!("users names {name}, which is no listed secret of kind store-user");
                    };
                }
            }
            Kind::Inventory(inventory) => {
                for name in &inventory.given {
                    ensure!(
                        self.find(name).is_none(),
                        "given names {name}, which is listed"
                    );
                }
            }
            Kind::OperatorRoot(root) => {
                OperatorId::parse(&root.operator_id).map_err(|_| {
                    anyhow::anyhow!("operator_id {} is not a name", root.operator_id)
                })?;
            }
            Kind::OperatorKeys(keys) => {
                let Some(Kind::OperatorRoot(_)) = self.find(&keys.root) else {
                    bail!(
                        "root names {}, which is no listed secret of kind operator-root",
                        keys.root
                    );
                };
            }
        }
        Ok(())
    }

    fn authority(&self, name: &str) -> Result<&Authority> {
        match self.find(name) {
            Some(Kind::Authority(authority)) => Ok(authority),
            _ => bail!("authority names {name}, which is no listed secret of kind authority"),
        }
    }
}

fn check_user(spec: &Spec, user: &StoreUser) -> Result<()> {
    if let Some(authority) = &user.authority {
        spec.authority(authority)?;
    }
    let word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    ensure!(word(&user.user), "user must be one word");
    match &user.rule {
        Some(rule) => {
            // A rule with a line break, a password or another state would be more than a rule.
            let plain = rule.split(' ').all(|part| {
                word(part) && !part.starts_with(['>', '<', '#', '!']) && part != "nopass"
            });
            ensure!(
                plain,
                "rule must be permissions alone, with single spaces between"
            );
        }
        None => {
            NetworkFunction::from_name(&user.user)
                .with_context(|| format!("user {} is no function: it needs a rule", user.user))?;
        }
    }
    Ok(())
}

impl Wanted {
    fn read(mut table: toml::Table) -> Result<Self> {
        let Some(toml::Value::String(name)) = table.remove("name") else {
            bail!("a [[secret]] has no name");
        };
        let label = |text: &str| {
            (1..=253).contains(&text.len())
                && text
                    .bytes()
                    .all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        };
        ensure!(label(&name), "{name:?} cannot be the name of a Secret");
        let kind = toml::Value::Table(table)
            .try_into()
            .with_context(|| format!("secret {name}"))?;
        Ok(Self { name, kind })
    }
}

impl Kind {
    /// What is lost with it, where nothing can replace it.
    pub(super) const fn given_up(&self) -> Option<&'static str> {
        match self {
            Self::KeyEncryptionKey(_) => Some("everything that the function has sealed with it"),
            Self::OperatorKeys(_) => Some("every device that knows the operator by the old root"),
            Self::Authority(_) => Some("every certificate that it has issued"),
            _ => None,
        }
    }

    /// Its turn: after what it depends on, and the inventory after all that it names.
    const fn place(&self) -> u8 {
        match self {
            Self::OperatorRoot(_) => 0,
            Self::OperatorKeys(_) => 1,
            Self::KeyEncryptionKey(_) => 2,
            Self::Authority(_) => 3,
            Self::Inventory(_) => 4,
            Self::Identity(_) | Self::ServerCertificate(_) | Self::StoreUser(_) => 5,
            Self::StoreUsers(_) => 6,
        }
    }
}
