//! Which application function may use AKMA, and how. TS 33.535 6.2 step 3 a).

use std::time::Duration;

use identifiers::{Fqdn, UaStarId};
use nf_api::Caller;
use store::{Class, Names, Store, Tag};

use crate::records::PolicyRecord;

/// In which form an application function learns whose key it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UeIdForm {
    /// Not at all.
    None,
    /// As GPSI.
    Gpsi,
    /// As SUPI.
    Supi,
}

/// The policy of one application function. Without one nothing is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// The application function.
    pub af_fqdn: Fqdn,
    /// Identity that may ask for its keys, for example `nf/msgin5g-server`.
    pub caller: String,
    /// What it learns of the UE.
    pub ue_id_form: UeIdForm,
    /// Allowed Ua* identifiers, five octets; three octets allow a family.
    pub ua_star_ids: Vec<Vec<u8>>,
    /// Longest life of K_AF, from the registration of K_AKMA.
    pub max_lifetime: Duration,
    /// Requests without UE ID are answered.
    pub anonymous_allowed: bool,
}

impl AccessPolicy {
    /// Whether this caller may ask, for this Ua* protocol.
    pub fn allows(&self, caller: &Caller, ua_star_id: &UaStarId) -> bool {
        self.caller == caller.to_string()
            && self
                .ua_star_ids
                .iter()
                .any(|allowed| !allowed.is_empty() && ua_star_id.as_bytes().starts_with(allowed))
    }
}

/// All policies.
#[derive(Clone)]
pub struct Policies {
    store: Store,
}

/// Most policies of an installation.
const MAX_POLICIES: usize = 1_000;

impl Policies {
    /// Policies in this store.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// The policy of an application function.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn get(&self, af_fqdn: &Fqdn) -> Result<Option<AccessPolicy>, store::Error> {
        let found = self
            .store
            .read_named::<PolicyRecord>(&self.tag()?, af_fqdn.as_str())
            .await?;
        found.map(|found| policy(found.record)).transpose()
    }

    /// Creates or replaces a policy. Durable when it returns.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn put(&self, policy: &AccessPolicy) -> Result<(), store::Error> {
        let mut transaction = self.store.transaction(&self.tag()?, Class::Record);
        transaction.put_named(policy.af_fqdn.as_str(), &record(policy));
        self.store.commit(transaction).await.map(drop)
    }

    /// Removes a policy; one that is not there stays so. Durable when it returns.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn delete(&self, af_fqdn: &Fqdn) -> Result<(), store::Error> {
        let mut transaction = self.store.transaction(&self.tag()?, Class::Record);
        transaction.delete_named::<PolicyRecord>(af_fqdn.as_str());
        self.store.commit(transaction).await.map(drop)
    }

    /// All policies by name.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn list(&self) -> Result<Vec<AccessPolicy>, store::Error> {
        let rows = self
            .store
            .list::<PolicyRecord>(&self.tag()?, &Names::all(), MAX_POLICIES)
            .await?;
        rows.into_iter()
            .map(|(_, row)| policy(row.record))
            .collect()
    }

    fn tag(&self) -> Result<Tag, store::Error> {
        Ok(self.store.tag("policies")?)
    }
}

fn record(policy: &AccessPolicy) -> PolicyRecord {
    PolicyRecord {
        af_fqdn: policy.af_fqdn.as_str().to_owned(),
        caller: policy.caller.clone(),
        ue_id_form: match policy.ue_id_form {
            UeIdForm::None => 1,
            UeIdForm::Gpsi => 2,
            UeIdForm::Supi => 3,
        },
        ua_star_ids: policy.ua_star_ids.clone(),
        max_lifetime_seconds: policy.max_lifetime.as_secs(),
        anonymous_allowed: policy.anonymous_allowed,
    }
}

fn policy(record: PolicyRecord) -> Result<AccessPolicy, store::Error> {
    let damaged = store::Error::Corrupt { kind: "policy" };
    let Ok(af_fqdn) = Fqdn::parse(&record.af_fqdn) else {
        return Err(damaged);
    };
    let ue_id_form = match record.ue_id_form {
        1 => UeIdForm::None,
        2 => UeIdForm::Gpsi,
        3 => UeIdForm::Supi,
        _ => return Err(damaged),
    };
    Ok(AccessPolicy {
        af_fqdn,
        caller: record.caller,
        ue_id_form,
        ua_star_ids: record.ua_star_ids,
        max_lifetime: Duration::from_secs(record.max_lifetime_seconds),
        anonymous_allowed: record.anonymous_allowed,
    })
}
