//! What each function stores, and the newest schema version of it. A test reads it from their sources.

use nf_api::NetworkFunction;
use store::Known;

/// The functions that store something.
pub(super) const STORING: [NetworkFunction; 6] = [
    NetworkFunction::Aanf,
    NetworkFunction::Ausf,
    NetworkFunction::ConfigurationManagement,
    NetworkFunction::Msgin5gServer,
    NetworkFunction::SubscriptionManager,
    NetworkFunction::Vault,
];

/// The kinds of a function.
pub(super) const fn of(function: NetworkFunction) -> &'static [Known] {
    match function {
        NetworkFunction::Aanf => &AANF,
        NetworkFunction::Ausf => &AUSF,
        NetworkFunction::ConfigurationManagement => &CONFIGURATION_MANAGEMENT,
        NetworkFunction::Msgin5gServer => &MSGIN5G_SERVER,
        NetworkFunction::SubscriptionManager => &SUBSCRIPTION_MANAGER,
        NetworkFunction::Vault => &VAULT,
        NetworkFunction::AccessGateway | NetworkFunction::CertificateFetcher => &[],
    }
}

const AANF: [Known; 3] = [
    Known::record("a-kid", 1),
    Known::record("context", 1),
    Known::record("policy", 1),
];

const AUSF: [Known; 5] = [
    Known::record("aka-context", 1),
    Known::record("certificate", 1),
    Known::record("cookie-secret", 1),
    Known::record("manufacturer", 1),
    Known::record("owa-session", 1),
];

const CONFIGURATION_MANAGEMENT: [Known; 3] = [
    Known::record("association", 1),
    Known::record("gpsi", 1),
    Known::record("whereabouts", 1),
];

const MSGIN5G_SERVER: [Known; 4] = [
    Known::record("accepted", 1),
    Known::record("queued", 1),
    Known::record("registration", 1),
    Known::record("server", 1),
];

const SUBSCRIPTION_MANAGER: [Known; 16] = [
    Known::record("address", 1),
    Known::record("association", 1),
    Known::record("browser", 1),
    Known::record("device", 1),
    Known::record("enrolment", 1),
    Known::record("expiry", 1),
    Known::record("link-code", 1),
    Known::counter("link-codes"),
    Known::record("next-number", 1),
    Known::record("order", 1),
    Known::record("order-code", 1),
    Known::record("order-key", 1),
    Known::record("plan", 1),
    Known::record("session", 1),
    Known::record("session-index", 1),
    Known::record("subscription", 1),
];

const VAULT: [Known; 7] = [
    Known::counter("authentication-epoch"),
    Known::record("device", 1),
    Known::record("home-network-keys", 1),
    Known::counter("jumps"),
    Known::counter("sqn"),
    Known::record("subscriber", 1),
    Known::record("whereabouts", 1),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use regex::Regex;
    use store::Content;

    use super::*;

    /// The kinds that the sources in a folder name; records with their schema version.
    fn in_sources(folder: &Path, found: &mut BTreeMap<String, Option<u16>>) {
        let record = Regex::new(
            r#"const KIND: (?:store::)?Kind = (?:store::)?Kind::new\("([a-z-]+)"\);\s+const SCHEMA: u16 = (\d+);"#,
        );
        let counter = Regex::new(r#"const [A-Z_]{3,}: Kind = Kind::new\("([a-z-]+)"\);"#);
        // Of the macro that makes several records alike.
        let alike = Regex::new(r#"(?m)^    [A-Za-z]+Record "([a-z-]+)"$"#);
        let (record, counter, alike) = (record.unwrap(), counter.unwrap(), alike.unwrap());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                in_sources(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for kind in counter.captures_iter(&text) {
                found.entry(kind[1].to_owned()).or_default();
            }
            for kind in record.captures_iter(&text) {
                found.insert(kind[1].to_owned(), Some(kind[2].parse().unwrap()));
            }
            for kind in alike.captures_iter(&text) {
                found.insert(kind[1].to_owned(), Some(1));
            }
        }
    }

    #[test]
    fn the_kinds_are_those_of_the_sources() {
        let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for function in STORING {
            let mut found = BTreeMap::new();
            in_sources(&services.join(function.name()).join("src"), &mut found);
            let known: BTreeMap<_, _> = of(function)
                .iter()
                .map(|known| {
                    let schema = (known.content == Content::Record).then_some(known.schema);
                    (known.kind.as_str().to_owned(), schema)
                })
                .collect();
            assert_eq!(known, found, "{function}");
        }
    }
}
