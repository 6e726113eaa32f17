//! What is stored. Whatever is a key is sealed.

use store::{Kind, Record};

/// A subscriber, at the tag of its SUPI: the truth.
///
/// Beside it, in the same tag, lie two kinds of counters: SEQ of each credential set ([`SQN`]) and the
/// authentication epoch ([`AUTHENTICATION_EPOCH`]). A vector steps both and demands that this record is as it was
/// read, in one transaction; vectors of one subscriber therefore never contend with each other.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscriberRecord {
    /// Oldest first. At most one is active, at most one other is alive.
    #[prost(message, repeated, tag = "1")]
    pub(crate) sets: Vec<CredentialSetRecord>,
    /// The highest credential epoch ever given to a set of this subscriber.
    #[prost(uint64, tag = "2")]
    pub(crate) credential_epoch: u64,
    /// How many vectors still take turns between candidate and active set; even = the candidate's.
    #[prost(uint32, tag = "3")]
    pub(crate) candidate_turns: u32,
    /// The last safety jump that the counters have made.
    #[prost(uint64, tag = "4")]
    pub(crate) jump: u64,
}

impl Record for SubscriberRecord {
    const KIND: Kind = Kind::new("subscriber");
    const SCHEMA: u16 = 1;
}

/// SEQ of the last vector, one counter for each credential set. IND is SEQ modulo 32, so that both fields move by
/// one with each vector (TS 33.102 C.1.1.1, C.3.4).
pub(crate) const SQN: Kind = Kind::new("sqn");

/// The authentication epoch of the last vector; never reset.
pub(crate) const AUTHENTICATION_EPOCH: Kind = Kind::new("authentication-epoch");

/// How many safety jumps were ordered, at the tag of the vault itself.
pub(crate) const JUMPS: Kind = Kind::new("jumps");

/// One credential set.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CredentialSetRecord {
    #[prost(string, tag = "1")]
    pub(crate) credential_set_id: String,
    #[prost(uint64, tag = "2")]
    pub(crate) credential_epoch: u64,
    #[prost(enumeration = "CredentialState", tag = "3")]
    pub(crate) state: i32,
    /// Sealed K and OPc; empty once the set is destroyed.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) keys: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) subscription_id: String,
    #[prost(string, tag = "6")]
    pub(crate) device_id: String,
    #[prost(string, tag = "7")]
    pub(crate) tenant_id: String,
    #[prost(string, tag = "8")]
    pub(crate) routing_indicator: String,
    #[prost(bool, tag = "9")]
    pub(crate) akma_allowed: bool,
    #[prost(string, tag = "10")]
    pub(crate) gpsi: String,
    /// SHA-256 of the idempotency key that minted it.
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) idempotency_key: Vec<u8>,
    /// The package that brings it; empty before the first sealing.
    #[prost(string, tag = "12")]
    pub(crate) package_id: String,
    /// Number of the last sealing.
    #[prost(uint64, tag = "13")]
    pub(crate) seal_seq: u64,
    #[prost(message, repeated, tag = "14")]
    pub(crate) sessions: Vec<SessionSealsRecord>,
    /// The signed commit, once the set is active.
    #[prost(bytes = "vec", tag = "15")]
    pub(crate) commit: Vec<u8>,
}

impl CredentialSetRecord {
    /// Whether the set still has keys.
    pub(crate) fn is_alive(&self) -> bool {
        self.state() != CredentialState::Destroyed
    }

    /// Erases the keys for good.
    pub(crate) fn destroy(&mut self) {
        self.set_state(CredentialState::Destroyed);
        self.keys.clear();
    }
}

/// Where a credential set is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum CredentialState {
    /// Its keys are erased. What an older binary does not know counts as this.
    Destroyed = 0,
    /// It has keys that nobody else holds.
    Minted = 1,
    /// A package with it was handed out: a candidate.
    Sealed = 2,
    /// An authentication has proven it.
    Active = 3,
}

/// How often a set was sealed in one session.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionSealsRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) session: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) seals: u32,
    /// Time of the session's Challenge, in seconds since 1970.
    #[prost(uint64, tag = "3")]
    pub(crate) challenge_time: u64,
}

/// The SUPI of a credential set, at the tag of the set. Verified against the subscriber.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WhereaboutsRecord {
    #[prost(string, tag = "1")]
    pub(crate) supi: String,
}

impl Record for WhereaboutsRecord {
    const KIND: Kind = Kind::new("whereabouts");
    const SCHEMA: u16 = 1;
}

/// A device, at its tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeviceRecord {
    /// The highest credential epoch ever given to a set for this device.
    #[prost(uint64, tag = "1")]
    pub(crate) credential_epoch: u64,
}

impl Record for DeviceRecord {
    const KIND: Kind = Kind::new("device");
    const SCHEMA: u16 = 1;
}

/// What a repetition of a sealing is answered with.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SealedRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) package: Vec<u8>,
}

/// The home network's private keys, at a tag of their own.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HomeNetworkKeysRecord {
    #[prost(message, repeated, tag = "1")]
    pub(crate) keys: Vec<HomeNetworkKeyRecord>,
}

impl Record for HomeNetworkKeysRecord {
    const KIND: Kind = Kind::new("home-network-keys");
    const SCHEMA: u16 = 1;
}

/// One of them.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HomeNetworkKeyRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) id: u32,
    /// Number of the protection scheme: 1 profile A, 2 profile B.
    #[prost(uint32, tag = "2")]
    pub(crate) scheme: u32,
    /// Sealed private key.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) private: Vec<u8>,
}
