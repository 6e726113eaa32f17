//! Secrets as objects of the Kubernetes API.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::decide::{Data, Stored};
use super::spec::{Kind, Wanted};
use crate::kubernetes::{Kubernetes, Outcome, Resource};

/// The objects as they were read, by name.
pub(super) type Objects = BTreeMap<String, Value>;

/// Where Secrets are kept.
pub(super) trait Secrets {
    async fn get(&self, name: &str) -> Result<Option<Value>>;
    async fn create(&self, object: &Value) -> Result<Outcome>;
    async fn replace(&self, name: &str, object: &Value) -> Result<Outcome>;
}

impl Secrets for Kubernetes {
    async fn get(&self, name: &str) -> Result<Option<Value>> {
        Self::get(self, SECRETS, name).await
    }

    async fn create(&self, object: &Value) -> Result<Outcome> {
        Self::create(self, SECRETS, object).await
    }

    async fn replace(&self, name: &str, object: &Value) -> Result<Outcome> {
        Self::replace(self, SECRETS, name, object).await
    }
}

/// A Secret that does not exist yet. It belongs to no release, so that it outlives each of them.
pub(super) fn new_object(wanted: &Wanted, labels: &BTreeMap<String, String>, data: &Data) -> Value {
    let mut labels = labels.clone();
    labels.insert(MANAGED_BY.to_owned(), OURS.to_owned());
    let kind = match &wanted.kind {
        Kind::Authority(_) | Kind::Identity(_) | Kind::ServerCertificate(_) => "kubernetes.io/tls",
        _ => "Opaque",
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": wanted.name,
            "labels": labels,
            "annotations": { "helm.sh/resource-policy": "keep" },
        },
        "type": kind,
        "data": encoded(data),
    })
}

/// A Secret that was read, with other contents. It is refused if somebody has changed it since.
pub(super) fn with_data(old: &Value, data: &Data) -> Value {
    let mut object = old.clone();
    object["data"] = encoded(data);
    object
}

/// What is in a Secret that was read.
pub(super) fn stored(object: &Value) -> Result<Stored> {
    let none = Map::new();
    let data = object["data"].as_object().unwrap_or(&none);
    let data = data
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().unwrap_or_default();
            let content = BASE64.decode(text.as_bytes()).context("contents")?;
            Ok((name.clone(), Zeroizing::new(content)))
        })
        .collect::<Result<Data>>()?;
    let ours = object["metadata"]["labels"][MANAGED_BY] == OURS;
    Ok(Stored { data, ours })
}

fn encoded(data: &Data) -> Value {
    data.iter()
        .map(|(name, content)| (name.clone(), Value::String(BASE64.encode(content))))
        .collect::<Map<_, _>>()
        .into()
}

const SECRETS: Resource = Resource {
    group: "api/v1",
    plural: "secrets",
};
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub(super) const OURS: &str = "berth-bootstrap";
