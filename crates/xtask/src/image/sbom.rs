//! The list of what is in a binary, as CycloneDX.
//!
//! It follows what cargo links for one package and one target: no tool that only ran during the build is in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::run::{Program, cargo, root};

/// A crate of one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    licence: String,
    /// Lies in this checkout.
    is_own: bool,
}

/// What is linked, and who needs it.
struct Parts {
    parts: BTreeSet<Part>,
    edges: BTreeMap<String, BTreeSet<String>>,
    main: Part,
}

/// The document for the binary of a package.
pub(crate) fn document(package: &str, target: &str) -> Result<String> {
    let tree = cargo([
        "tree",
        "--locked",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "depth",
        "--format",
        "|{p}|{l}",
        "--package",
        package,
        "--target",
        target,
    ])
    .output()?;
    let rustc = Program::new("rustc").args(["--version"]).output()?;
    let release = rustc.split(' ').nth(1).context("rustc has a version")?;
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let document = render(&parse(&tree)?, &checksums(&lock), release);
    Ok(serde_json::to_string_pretty(&document)?)
}

/// Reads lines such as `2|serde v1.0.1|MIT`, where the number is the depth.
fn parse(tree: &str) -> Result<Parts> {
    let mut parts = BTreeSet::new();
    let mut edges = BTreeMap::<String, BTreeSet<String>>::new();
    let mut path = Vec::<Part>::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.splitn(3, '|');
        let (Some(depth), Some(package), Some(licence)) =
            (fields.next(), fields.next(), fields.next())
        else {
            bail!("cargo tree printed {line:?}");
        };
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            bail!("cargo tree printed {line:?}");
        };
        let part = Part {
            name: name.to_owned(),
            version: version.trim_start_matches('v').to_owned(),
            // A crate that has been listed before is marked behind its licence; older ones separate by slashes.
            licence: licence.trim_end_matches(" (*)").replace('/', " OR "),
            is_own: package.contains(" (/"),
        };
        path.truncate(depth.parse()?);
        // What needs nothing has an entry too.
        edges.entry(reference(&part)).or_default();
        if let Some(parent) = path.last() {
            edges
                .entry(reference(parent))
                .or_default()
                .insert(reference(&part));
        }
        parts.insert(part.clone());
        path.push(part);
    }
    let main = path
        .into_iter()
        .next()
        .context("cargo tree printed nothing")?;
    parts.remove(&main);
    Ok(Parts { parts, edges, main })
}

fn reference(part: &Part) -> String {
    format!("{}@{}", part.name, part.version)
}

/// SHA-256 of each crate as the registry has it.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let packages = lock.split("[[package]]").skip(1);
    let found = packages.filter_map(|package| {
        let field = |name: &str| {
            let line = package.lines().find_map(|l| l.strip_prefix(name))?;
            Some(line.trim_matches(['=', ' ', '"']).to_owned())
        };
        let key = format!("{}@{}", field("name")?, field("version")?);
        Some((key, field("checksum")?))
    });
    found.collect()
}

fn render(parts: &Parts, checksums: &BTreeMap<String, String>, release: &str) -> Value {
    let mut components = parts
        .parts
        .iter()
        .map(|part| component(part, "library", checksums))
        .collect::<Vec<_>>();
    // Linked too, without a crate of the registry behind it.
    components.push(json!({
        "type": "library",
        "bom-ref": format!("rust-std@{release}"),
        "name": "rust-std",
        "version": release,
        "description": "Rust's standard library with the C library that it brings",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }));
    let dependencies = parts
        .edges
        .iter()
        .map(|(from, to)| json!({"ref": from, "dependsOn": to}))
        .collect::<Vec<_>>();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(&parts.main, "application", checksums)},
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(part: &Part, kind: &str, checksums: &BTreeMap<String, String>) -> Value {
    let key = reference(part);
    let mut component = json!({
        "type": kind,
        "bom-ref": key,
        "name": part.name,
        "version": part.version,
    });
    if !part.licence.is_empty() {
        component["licenses"] = json!([{"expression": part.licence}]);
    }
    if !part.is_own {
        component["purl"] = format!("pkg:cargo/{key}").into();
    }
    if let Some(checksum) = checksums.get(&key) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0|berth v0.1.0 (/src/services/berth)|Apache-2.0
1|serde v1.0.2|MIT OR Apache-2.0
1|tower v0.5.0|MIT/Apache-2.0
2|serde v1.0.2|MIT OR Apache-2.0 (*)
";
    const LOCK: &str = "version = 4\n
[[package]]
name = \"berth\"
version = \"0.1.0\"\n
[[package]]
name = \"serde\"
version = \"1.0.2\"
checksum = \"00ff\"\n";

    #[test]
    fn a_part_stands_once_with_licence_checksum_and_users() {
        let document = render(&parse(TREE).unwrap(), &checksums(LOCK), "1.95.0");
        assert_eq!(document["metadata"]["component"]["name"], "berth");
        assert_eq!(document["metadata"]["component"].get("purl"), None);
        let components = document["components"].as_array().unwrap();
        let names = components.iter().map(|c| c["name"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["serde", "tower", "rust-std"]);
        assert_eq!(components[0]["purl"], "pkg:cargo/serde@1.0.2");
        assert_eq!(components[0]["hashes"][0]["content"], "00ff");
        assert_eq!(
            components[1]["licenses"][0]["expression"],
            "MIT OR Apache-2.0"
        );
        let tower = json!({"ref": "tower@0.5.0", "dependsOn": ["serde@1.0.2"]});
        assert!(
            document["dependencies"]
                .as_array()
                .unwrap()
                .contains(&tower)
        );
    }
}
