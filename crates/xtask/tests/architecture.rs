//! The rules of ARCHITECTURE.md, read from the manifests and the sources.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Layers from the lowest to the highest, each with the layers it may depend on.
const LAYERS: &[(&str, &[&str])] = &[
    ("vocabulary", &["vocabulary"]),
    ("protocol", &["vocabulary", "protocol"]),
    ("runtime", &["vocabulary", "protocol", "runtime"]),
    ("services", &["vocabulary", "protocol", "runtime"]),
    ("devices", &["vocabulary", "protocol", "runtime"]),
    (
        "assembly",
        &["vocabulary", "protocol", "runtime", "services", "devices"],
    ),
    (
        "tools",
        &[
            "vocabulary",
            "protocol",
            "runtime",
            "services",
            "devices",
            "assembly",
            "tools",
        ],
    ),
];

/// What touches the world has no place under a pure crate.
const RUNTIME_CRATES: &[&str] = &[
    "aws-lc-rs",
    "axum",
    "chrono",
    "config",
    "hyper",
    "jiff",
    "libc",
    "mio",
    "opentelemetry",
    "rand",
    "redb",
    "redis",
    "ring",
    "rustls",
    "socket2",
    "tokio",
    "tonic",
    "tower",
    "tracing",
];

/// A dependency and the only package that may name it.
const SINGLE_OWNERS: &[(&str, &str)] = &[
    ("redis", "berth-store"),
    ("redb", "berth-store"),
    ("config", "berth-nf-runtime"),
    ("protox", "berth-nf-api"),
];

#[test]
fn every_package_names_a_layer() {
    for package in members(&metadata()) {
        assert!(
            LAYERS.iter().any(|(name, _)| *name == layer(&package)),
            "{} names no known layer",
            package.name
        );
    }
}

#[test]
fn no_edge_points_upwards_or_between_services() {
    let metadata = metadata();
    let layers = members(&metadata)
        .iter()
        .map(|p| (p.name.to_string(), layer(p)))
        .collect::<BTreeMap<_, _>>();
    for package in members(&metadata) {
        let allowed = LAYERS
            .iter()
            .find(|(name, _)| *name == layer(&package))
            .map(|(_, allowed)| *allowed)
            .unwrap();
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            let Some(target) = layers.get(&dependency.name) else {
                continue;
            };
            assert!(
                allowed.contains(&target.as_str()),
                "{} ({}) must not depend on {} ({target})",
                package.name,
                layer(&package),
                dependency.name
            );
        }
    }
}

#[test]
fn pure_crates_are_no_std_and_touch_no_runtime() {
    let metadata = metadata();
    for package in members(&metadata).iter().filter(|p| is_pure(p)) {
        let source = fs::read_to_string(folder(package).join("src/lib.rs")).unwrap();
        assert!(
            source.contains("#![no_std]"),
            "{} is not no_std",
            package.name
        );

        for name in normal_dependencies(&package.name) {
            assert!(
                !RUNTIME_CRATES.contains(&name.as_str()),
                "{} reaches {name}",
                package.name
            );
        }
    }
}

#[test]
fn wide_dependencies_have_one_owner() {
    for package in members(&metadata()) {
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development)
        {
            for (crate_name, owner) in SINGLE_OWNERS {
                assert!(
                    dependency.name != *crate_name || package.name.as_str() == *owner,
                    "{} must reach {crate_name} through {owner}",
                    package.name
                );
            }
        }
    }
}

#[test]
fn generated_types_and_transports_stay_out_of_procedures() {
    for file in sources(&root().join("services")) {
        let path = file.strip_prefix(root()).unwrap().display().to_string();
        if !path.contains("/src/procedures/") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for word in [
            "nf_api::pb",
            "tonic::",
            "coap_tokio::",
            "axum::",
            "redis::",
            "redb::",
        ] {
            assert!(
                !text.contains(word),
                "{path} decides and must not know {word}"
            );
        }
    }
}

#[test]
fn exceptions_from_lints_carry_a_reason() {
    for folder in ["crates", "services", "devices"] {
        for file in sources(&root().join(folder)) {
            let path = file.strip_prefix(root()).unwrap().display().to_string();
            let text = fs::read_to_string(&file).unwrap();
            let silent = text
                .lines()
                .any(|line| line.trim_start().starts_with(concat!("#[", "allow(")));
            assert!(!silent, "{path} silences a lint: say expect, with a reason");
        }
    }
}

#[test]
fn traced_files_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let paths = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.contains('/') && !word.contains(' ') && !word.contains('*') && !word.contains('<')
        })
        .filter(|word| {
            [
                "crates/",
                "services/",
                "devices/",
                "proto/",
                "docs/",
                "vectors/",
                "charts/",
                "e2e/",
            ]
            .iter()
            .any(|p| word.starts_with(p))
        })
        .collect::<BTreeSet<_>>();
    assert!(
        paths.len() >= 20,
        "ARCHITECTURE.md traces too few files: {}",
        paths.len()
    );
    for path in paths {
        assert!(
            root().join(path).exists(),
            "ARCHITECTURE.md names {path}, which does not exist"
        );
    }
}

#[test]
fn every_vector_file_is_opened_by_a_test() {
    let tests = sources(&root().join("crates"))
        .into_iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect::<Vec<_>>();
    for file in files(&root().join("vectors")) {
        let name = file
            .strip_prefix(root().join("vectors"))
            .unwrap()
            .display()
            .to_string();
        if !name.ends_with(".json") {
            continue;
        }
        let folder = file
            .parent()
            .and_then(Path::file_name)
            .and_then(|n| n.to_str())
            .unwrap_or_default()
            .to_owned();
        let by_folder = folder != "vectors"
            && tests
                .iter()
                .any(|text| text.contains(&format!("vectors/{folder}")));
        assert!(
            by_folder || tests.iter().any(|text| text.contains(&name)),
            "no test opens vectors/{name}"
        );
    }
}

#[test]
fn every_decoder_target_is_fuzzed() {
    let registry = fs::read_to_string(root().join("crates/testkit/src/fuzz.rs")).unwrap();
    let mut count = 0;
    for file in sources(&root().join("crates")) {
        let path = file.strip_prefix(root()).unwrap().display().to_string();
        if path.starts_with("crates/testkit") || path.starts_with("crates/xtask") {
            continue;
        }
        for line in fs::read_to_string(&file).unwrap().lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub fn fuzz_") else {
                continue;
            };
            let name = rest.split('(').next().unwrap_or_default();
            assert!(
                registry.contains(&format!("fuzz_{name}")),
                "fuzz_{name} of {path} is not in the registry"
            );
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} fuzz targets found");
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .exec()
        .expect("cargo metadata")
}

fn members(metadata: &Metadata) -> Vec<Package> {
    metadata.workspace_packages().into_iter().cloned().collect()
}

fn layer(package: &Package) -> String {
    package.metadata["berth"]["layer"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn is_pure(package: &Package) -> bool {
    ["vocabulary", "protocol"].contains(&layer(package).as_str())
}

/// Names below a package, with the features that it asks for itself: in the resolve graph of the workspace
/// every feature is on that anybody asks for.
fn normal_dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--package",
            package,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree of {package}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

fn folder(package: &Package) -> PathBuf {
    package
        .manifest_path
        .parent()
        .expect("a manifest lies in a folder")
        .as_std_path()
        .to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    files(folder)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
