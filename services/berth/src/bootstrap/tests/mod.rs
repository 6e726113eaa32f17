//! Against an API server in memory that answers as the real one does: conflicts, versions, turns.

mod losses;
mod race;
mod renewal;
mod store_server;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use nf_runtime::random::Random;
use nf_runtime::tls::{TlsConfig, TlsIdentity};
use serde_json::{Value, json};
use store::{KeyFile, Sealer, SealerConfig};
use vault::OperatorConfig;

use super::make;
use super::secrets::{Secrets, stored};
use super::spec::Spec;
use crate::kubernetes::Outcome;

/// The Secrets of a namespace.
#[derive(Default)]
struct Server {
    objects: Mutex<BTreeMap<String, Value>>,
    /// Draws how long each answer takes, so that several clients overtake each other.
    turns: Option<Random>,
}

impl Server {
    async fn wait(&self) {
        let turns = self
            .turns
            .as_ref()
            .map_or(0, |turns| turns.array::<1>()[0] % 4);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    fn part(&self, secret: &str, name: &str) -> Option<Vec<u8>> {
        let objects = self.objects.lock().unwrap();
        let text = objects.get(secret)?["data"][name].as_str()?.to_owned();
        Some(BASE64.decode(text.as_bytes()).unwrap())
    }

    fn text(&self, secret: &str, name: &str) -> String {
        String::from_utf8(self.part(secret, name).unwrap()).unwrap()
    }

    fn contents(&self) -> BTreeMap<String, Value> {
        let objects = self.objects.lock().unwrap();
        let data = |(name, object): (&String, &Value)| (name.clone(), object["data"].clone());
        objects.iter().map(data).collect()
    }

    fn delete(&self, secret: &str) {
        self.objects.lock().unwrap().remove(secret).unwrap();
    }

    fn change(&self, secret: &str, change: impl FnOnce(&mut Value)) {
        change(self.objects.lock().unwrap().get_mut(secret).unwrap());
    }
}

impl Secrets for Server {
    async fn get(&self, name: &str) -> Result<Option<Value>> {
        self.wait().await;
        Ok(self.objects.lock().unwrap().get(name).cloned())
    }

    async fn create(&self, object: &Value) -> Result<Outcome> {
        self.wait().await;
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let mut objects = self.objects.lock().unwrap();
        if objects.contains_key(&name) {
            return Ok(Outcome::Conflict);
        }
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = json!("1");
        objects.insert(name, object);
        Ok(Outcome::Done)
    }

    async fn replace(&self, name: &str, object: &Value) -> Result<Outcome> {
        self.wait().await;
        let mut objects = self.objects.lock().unwrap();
        let Some(old) = objects.get_mut(name) else {
            return Ok(Outcome::Conflict);
        };
        let version = old["metadata"]["resourceVersion"].clone();
        if object["metadata"]["resourceVersion"] != version {
            return Ok(Outcome::Conflict);
        }
        let next = version.as_str().unwrap().parse::<u64>().unwrap() + 1;
        *old = object.clone();
        old["metadata"]["resourceVersion"] = json!(next.to_string());
        Ok(Outcome::Done)
    }
}

/// The example that the documentation of the spec shows, one kind after the other.
fn example() -> String {
    let source = include_str!("../spec.rs");
    let (_, rest) = source.split_once("//! ```toml\n").unwrap();
    let (example, _) = rest.split_once("//! ```").unwrap();
    example
        .lines()
        .map(|line| line.trim_start_matches("//!").to_owned() + "\n")
        .collect()
}

async fn run(server: &Server, spec: &str, now: SystemTime) -> Result<()> {
    make(&Spec::parse(spec)?, server, now, &Random::system()).await
}

fn now() -> SystemTime {
    SystemTime::now()
}

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn what_is_made_fits_together_and_is_kept_octet_for_octet() {
    let server = Server::default();
    run(&server, &example(), now()).await.unwrap();
    let first = server.objects.lock().unwrap().clone();
    assert_eq!(first.len(), Spec::parse(&example()).unwrap().secrets.len());
    for object in first.values() {
        let metadata = &object["metadata"];
        assert_eq!(metadata["labels"]["app.kubernetes.io/instance"], "berth");
        assert_eq!(metadata["annotations"]["helm.sh/resource-policy"], "keep");
        assert!(metadata["ownerReferences"].is_null());
        assert!(stored(object).unwrap().ours);
    }
    assert_fits(&server);

    for days in [0, 1, 200] {
        run(&server, &example(), now() + days * DAY).await.unwrap();
        assert_eq!(*server.objects.lock().unwrap(), first, "after {days} days");
    }
}

/// Uses everything as the functions do that it is for.
fn assert_fits(server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    let file = |secret: &str, name: &str| {
        let path = folder.path().join(format!("{secret}-{name}"));
        std::fs::write(&path, server.part(secret, name).unwrap()).unwrap();
        path
    };
    TlsIdentity::load(&TlsConfig {
        ca: file("berth-aanf-tls", "ca.crt"),
        certificate: file("berth-aanf-tls", "tls.crt"),
        key: file("berth-aanf-tls", "tls.key"),
        trust_domain: "berth.test".to_owned(),
    })
    .unwrap();
    let authority = server.text("berth-ca", "tls.crt");
    for secret in ["berth-aanf-tls", "berth-store-tls", "berth-aanf-store"] {
        assert_eq!(server.text(secret, "ca.crt"), authority, "{secret}");
    }

    let keys = vec![KeyFile {
        id: 1,
        file: file("berth-aanf-kek", "1.kek"),
    }];
    let config = SealerConfig {
        keys,
        seal_with: None,
    };
    Sealer::open(&config).unwrap();

    let operator = "berth-operator-keys";
    let config = OperatorConfig {
        operator_id: "berth-operator".to_owned(),
        root_certificate_file: file(operator, "root.cer"),
        keyset_file: file(operator, "keyset.cose"),
        signer_key_file: file(operator, "signer.key"),
        network_key_file: file(operator, "network.key"),
        network_chain_file: file(operator, "network-chain.pem"),
    };
    let now = now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    vault::operator_keys::OperatorKeys::open(&config, now.as_secs()).unwrap();
    assert!(server.part(operator, "root.key").is_none());

    let users = server.text("berth-store-users", "users.acl");
    let lines: Vec<_> = users.lines().collect();
    assert!(lines[0].starts_with("user default off"), "{users}");
    for (line, user) in lines[1..].iter().zip(["aanf", "admin"]) {
        let password = server
            .part(&format!("berth-{user}-store"), "password")
            .unwrap();
        assert_eq!(password.len(), 64);
        let hash = HEXLOWER.encode(digest(&SHA256, &password).as_ref());
        assert!(
            line.starts_with(&format!("user {user} on #{hash} ~")),
            "{line}"
        );
    }
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_bad_spec_names_what_is_wrong() {
    let secret = |rest: &str| format!("[[secret]]\nname = \"a\"\n{rest}");
    let inventory = "[[secret]]\nname=\"i\"\nkind=\"inventory\"\n";
    let authority = "[[secret]]\nname=\"ca\"\nkind=\"authority\"\ntrust_domain=\"t\"\n";
    for (spec, said) in [
        (String::new(), "no [[secret]] is listed"),
        (
            secret("kind = \"authority\"\ntrust = \"t\""),
            "unknown field `trust`",
        ),
        (secret("kind = \"key\""), "unknown variant `key`"),
        ("label = 1".to_owned(), "unknown field `label`"),
        (authority.repeat(2), "secret ca is listed twice"),
        (
            secret("kind = \"server-certificate\"\nauthority = \"b\"\ndns = [\"x\"]"),
            "authority names b",
        ),
        (
            format!(
                "{authority}{}",
                secret("kind=\"identity\"\nauthority=\"ca\"\nuri=\"spiffe://u/nf/aanf\"")
            ),
            "spiffe://u/nf/aanf is no identity of trust domain t",
        ),
        (
            secret("kind = \"store-user\"\nuser = \"x\""),
            "it needs a rule",
        ),
        (
            secret("kind = \"store-user\"\nuser = \"x\"\nrule = \"~* nopass\""),
            "permissions alone",
        ),
        (
            secret("kind = \"store-users\"\nusers = [\"b\"]"),
            "users names b",
        ),
        (
            secret("kind = \"operator-keys\"\nroot = \"b\""),
            "root names b",
        ),
        (
            format!("replace_lost = [\"b\"]\n{authority}{inventory}"),
            "replace_lost names b",
        ),
        (
            authority.to_owned(),
            "inventory must be listed, so that the loss of ca",
        ),
        (
            format!("{inventory}{}", secret("kind = \"inventory\"")),
            "no second inventory",
        ),
        (
            format!("{authority}{inventory}given = [\"ca\"]"),
            "given names ca",
        ),
    ] {
        let error = format!("{:#}", Spec::parse(&spec).unwrap_err());
        assert!(error.contains(said), "{error:?} for {spec}");
    }
}
