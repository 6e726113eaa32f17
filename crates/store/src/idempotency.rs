//! Requests that may be sent twice: the result is stored in the transaction that did the work.

use std::time::Duration;

use aws_lc_rs::digest;
use prost::Message;

use crate::audit::Known;
use crate::error::Error;
use crate::key::{InvalidKey, Kind, Tag};
use crate::record::Record;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::update::Backoff;

/// How long a result is kept.
pub const KEEP_RESULT: Duration = Duration::from_secs(24 * 3600);

/// The identity of a request: the key that its sender chose, and a fingerprint of what it asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Idempotency {
    key: String,
    fingerprint: Vec<u8>,
}

impl Idempotency {
    /// Takes the sender's key and the request's octets, of which only a hash is kept.
    ///
    /// # Errors
    /// [`InvalidKey`] if the key is empty, longer than 512 octets or holds a control character.
    pub fn new(key: &str, request: &[u8]) -> Result<Self, InvalidKey> {
        Kept::KIND.named(key)?;
        Ok(Self {
            key: key.to_owned(),
            fingerprint: digest::digest(&digest::SHA256, request).as_ref().to_vec(),
        })
    }
}

impl std::fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idempotency(…)")
    }
}

/// A stored result.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(bytes = "vec", tag = "1")]
    fingerprint: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    result: Vec<u8>,
}

impl Record for Kept {
    const KIND: Kind = Kind::new("idempotency");
    const SCHEMA: u16 = 1;
}

pub(crate) const KNOWN: Known = Known::of::<Kept>();

impl Transaction {
    /// Stores the result of a request with its work, for 24 hours; fails with [`Error::Conflict`] if the
    /// request was done before. The result must hold no key material.
    pub fn remember<M: Message>(&mut self, request: &Idempotency, result: &M) {
        let kept = Kept {
            fingerprint: request.fingerprint.clone(),
            result: result.encode_to_vec(),
        };
        self.put_named(&request.key, &kept)
            .if_absent()
            .expires_in(KEEP_RESULT);
    }
}

impl Store {
    /// The stored result of a request, if it was done within 24 hours. It is as safe as a write of class
    /// record: a result that a failover could still lose is not given out.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`] if the key belongs to another request; as [`read`](Self::read) and
    /// [`settle`](Self::settle).
    pub async fn recall<M: Message + Default>(
        &self,
        tag: &Tag,
        request: &Idempotency,
    ) -> Result<Option<M>, Error> {
        let Some(found) = self.read_named::<Kept>(tag, &request.key).await? else {
            return Ok(None);
        };
        if found.record.fingerprint != request.fingerprint {
            return Err(Error::IdempotencyMismatch);
        }
        self.settle().await?;
        M::decode(found.record.result.as_slice())
            .map(Some)
            .map_err(|_| Error::Corrupt {
                kind: Kept::KIND.as_str(),
            })
    }

    /// Does the work of a request once: `build` makes the transaction and the result, both are committed
    /// together, and every repetition within 24 hours gets the same result.
    ///
    /// On a conflict the stored result is looked for first and `build` is called again otherwise, for at most
    /// [`RETRY_FOR`](crate::RETRY_FOR). After [`Error::OutcomeUnknown`] the sender repeats the request.
    ///
    /// # Errors
    /// What `build` answers; as [`recall`](Self::recall) and [`commit`](Self::commit).
    pub async fn once<M, E, F, Building>(
        &self,
        tag: &Tag,
        request: &Idempotency,
        mut build: F,
    ) -> Result<M, E>
    where
        M: Message + Default,
        F: FnMut() -> Building,
        Building: Future<Output = Result<(Transaction, M), E>>,
        E: From<Error>,
    {
        let mut backoff = Backoff::start();
        loop {
            if let Some(result) = self.recall(tag, request).await? {
                return Ok(result);
            }
            let (mut transaction, result) = build().await?;
            if transaction.tag() != tag {
                return Err(Error::InvalidTransaction("its tag is not the request's").into());
            }
            transaction.remember(request, &result);
            match self.commit(transaction).await {
                Ok(_) => return Ok(result),
                Err(error) => backoff.after(error).await?,
            }
        }
    }
}
