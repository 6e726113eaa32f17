//! Image archives without an engine: an OCI layout that `docker load`, `podman load` and containerd read as well.
//!
//! The same files give the same digest: no time, no owner and no order of the machine gets in.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::recipe::{Copy, Recipe};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An image in memory.
#[derive(Clone)]
pub(crate) struct Image {
    architecture: &'static str,
    labels: serde_json::Map<String, Value>,
    user: Option<String>,
    entrypoint: Vec<String>,
    layers: Vec<Blob>,
}

/// Octets by their digest.
#[derive(Clone)]
struct Blob {
    digest: String,
    octets: Vec<u8>,
}

impl Image {
    /// Puts an image together from the files of its context.
    pub(crate) fn build(
        recipe: &Recipe,
        base: Option<&Self>,
        context: &Path,
        architecture: &'static str,
    ) -> Result<Self> {
        let mut image = base.cloned().unwrap_or_else(|| Self {
            architecture,
            labels: serde_json::Map::new(),
            user: None,
            entrypoint: Vec::new(),
            layers: Vec::new(),
        });
        for copy in &recipe.copies {
            image.layers.push(Blob::new(layer(copy, context)?));
        }
        let labels = recipe.labels.iter();
        image
            .labels
            .extend(labels.map(|(name, value)| (name.clone(), value.as_str().into())));
        image.user = recipe.user.clone().or(image.user);
        if let Some(words) = &recipe.entrypoint {
            image.entrypoint.clone_from(words);
        }
        Ok(image)
    }

    /// Writes the archive under its name and answers the digest of its manifest.
    pub(crate) fn write(&self, name: &str, file: &Path) -> Result<String> {
        let config = Blob::json(&json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "User": self.user,
                "Entrypoint": self.entrypoint,
                "WorkingDir": "/",
                "Labels": self.labels,
            },
            "rootfs": {
                "type": "layers",
                "diff_ids": self.layers.iter().map(Blob::id).collect::<Vec<_>>(),
            },
        }));
        let manifest = Blob::json(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG),
            "layers": self.layers.iter().map(|layer| layer.descriptor(LAYER)).collect::<Vec<_>>(),
        }));
        let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        let mut entry = manifest.descriptor(MANIFEST);
        entry["platform"] = json!({"architecture": self.architecture, "os": "linux"});
        entry["annotations"] = json!({
            "io.containerd.image.name": name,
            "org.opencontainers.image.ref.name": tag,
        });
        let index = json!({"schemaVersion": 2, "manifests": [entry]});
        // What `docker load` of older releases reads instead of the index.
        let docker = json!([{
            "Config": config.path(),
            "RepoTags": [name],
            "Layers": self.layers.iter().map(Blob::path).collect::<Vec<_>>(),
        }]);

        let target =
            File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut archive = Builder::new(target);
        let texts = [
            ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
            ("index.json", index),
            ("manifest.json", docker),
        ];
        for (path, text) in texts {
            append_file(&mut archive, path, 0o644, text.to_string().as_bytes())?;
        }
        let mut written = BTreeSet::new();
        for blob in self.layers.iter().chain([&config, &manifest]) {
            if written.insert(&blob.digest) {
                append_file(&mut archive, blob.path(), 0o644, &blob.octets)?;
            }
        }
        archive.into_inner()?.flush()?;
        Ok(manifest.id())
    }
}

impl Blob {
    fn new(octets: Vec<u8>) -> Self {
        let digest = Sha256::digest(&octets);
        let digest = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        Self { digest, octets }
    }

    fn json(value: &Value) -> Self {
        Self::new(value.to_string().into_bytes())
    }

    fn id(&self) -> String {
        format!("sha256:{}", self.digest)
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }

    fn descriptor(&self, kind: &str) -> Value {
        json!({"mediaType": kind, "digest": self.id(), "size": self.octets.len()})
    }
}

/// One `COPY` as a layer.
fn layer(copy: &Copy, context: &Path) -> Result<Vec<u8>> {
    let source = context.join(copy.source.trim_end_matches('/'));
    let destination = copy.destination.trim_start_matches('/');
    let mut files = Vec::new();
    if source.is_dir() {
        collect(&source, Path::new(destination), &mut files)?;
    } else {
        files.push((PathBuf::from(destination), source));
    }
    files.sort();

    let mut layer = Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for (path, file) in &files {
        let parents = path
            .ancestors()
            .skip(1)
            .filter(|p| !p.as_os_str().is_empty());
        for folder in parents.collect::<Vec<_>>().into_iter().rev() {
            if folders.insert(folder) {
                append_folder(&mut layer, folder)?;
            }
        }
        let kind = fs::symlink_metadata(file)
            .with_context(|| format!("{} is missing in the context", file.display()))?;
        if kind.is_symlink() {
            append_link(&mut layer, path, &fs::read_link(file)?)?;
        } else {
            let mode = kind.permissions().mode() & 0o777;
            append_file(&mut layer, path, mode, &fs::read(file)?)?;
        }
    }
    Ok(layer.into_inner()?)
}

fn collect(folder: &Path, into: &Path, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = into.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

fn append_file<W: std::io::Write>(
    archive: &mut Builder<W>,
    path: impl AsRef<Path>,
    mode: u32,
    octets: &[u8],
) -> Result<()> {
    let mut header = header(EntryType::Regular, mode);
    header.set_size(octets.len().try_into()?);
    Ok(archive.append_data(&mut header, path, octets)?)
}

fn append_folder<W: std::io::Write>(archive: &mut Builder<W>, path: &Path) -> Result<()> {
    let mut header = header(EntryType::Directory, 0o755);
    let path = format!("{}/", path.display());
    Ok(archive.append_data(&mut header, path, std::io::empty())?)
}

fn append_link<W: std::io::Write>(
    archive: &mut Builder<W>,
    path: &Path,
    target: &Path,
) -> Result<()> {
    let mut header = header(EntryType::Symlink, 0o777);
    Ok(archive.append_link(&mut header, path, target)?)
}

/// Owned by root at the beginning of time.
fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    header
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::*;

    /// What an archive holds, by path.
    fn entries(octets: &[u8]) -> BTreeMap<String, (Header, Vec<u8>)> {
        let mut archive = tar::Archive::new(octets);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut octets = Vec::new();
            entry.read_to_end(&mut octets).unwrap();
            (path, (entry.header().clone(), octets))
        });
        entries.collect()
    }

    fn json_of(entries: &BTreeMap<String, (Header, Vec<u8>)>, path: &str) -> Value {
        serde_json::from_slice(&entries[path].1).unwrap()
    }

    #[test]
    fn the_same_files_make_the_same_archive_and_both_indices_name_one_image() {
        let folder = std::env::temp_dir().join(format!("berth-archive-{}", std::process::id()));
        let context = folder.join("context");
        fs::create_dir_all(context.join("root/usr/bin")).unwrap();
        fs::write(context.join("berth"), "binary").unwrap();
        fs::set_permissions(context.join("berth"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(context.join("root/usr/bin/check"), "other").unwrap();
        std::os::unix::fs::symlink("check", context.join("root/usr/bin/server")).unwrap();

        let text = "FROM scratch\nLABEL a=\"b\"\nCOPY root/ /\nCOPY berth /bin/berth\nUSER 1:1\nENTRYPOINT [\"/bin/berth\"]";
        let recipe = Recipe::parse(text, &BTreeMap::new()).unwrap();
        let base = Image::build(&recipe, None, &context, "amd64").unwrap();
        let child = Recipe::parse("FROM x\nENTRYPOINT [\"/other\"]", &BTreeMap::new()).unwrap();
        let child = Image::build(&child, Some(&base), &context, "amd64").unwrap();

        let write = |image: &Image, file: &str| {
            let file = folder.join(file);
            let digest = image.write("localhost/x:1", &file).unwrap();
            (digest, fs::read(file).unwrap())
        };
        let (digest, octets) = write(&base, "a.tar");
        // A file that is written again has another time, and nothing else.
        fs::write(context.join("berth"), "binary").unwrap();
        let again = Image::build(&recipe, None, &context, "amd64").unwrap();
        assert_eq!(write(&again, "b.tar"), (digest.clone(), octets.clone()));

        let archive = entries(&octets);
        let index = json_of(&archive, "index.json");
        assert_eq!(index["manifests"][0]["digest"], digest);
        let path = |digest: &str| digest.replace("sha256:", "blobs/sha256/");
        let manifest = json_of(&archive, &path(&digest));
        let config = path(manifest["config"]["digest"].as_str().unwrap());
        let docker = json_of(&archive, "manifest.json");
        assert_eq!(docker[0]["Config"], config);
        assert_eq!(docker[0]["RepoTags"], json!(["localhost/x:1"]));
        let config = json_of(&archive, &config);
        assert_eq!(config["config"]["User"], "1:1");
        assert_eq!(config["config"]["Labels"], json!({"a": "b"}));

        let layers = docker[0]["Layers"].as_array().unwrap();
        let layer = |number: usize| entries(&archive[layers[number].as_str().unwrap()].1);
        let (link, _) = &layer(0)["usr/bin/server"];
        assert_eq!(link.link_name().unwrap().unwrap(), Path::new("check"));
        let (binary, octets) = &layer(1)["bin/berth"];
        assert_eq!(
            (binary.mode().unwrap(), octets.as_slice()),
            (0o755, &b"binary"[..])
        );
        assert_eq!((binary.uid().unwrap(), binary.mtime().unwrap()), (0, 0));

        let (_, octets) = write(&child, "c.tar");
        let archive = entries(&octets);
        let docker = json_of(&archive, "manifest.json");
        assert_eq!(docker[0]["Layers"].as_array().unwrap(), layers);
        let config = json_of(&archive, docker[0]["Config"].as_str().unwrap());
        assert_eq!(config["config"]["User"], "1:1");
        assert_eq!(config["config"]["Entrypoint"], json!(["/other"]));
        fs::remove_dir_all(folder).unwrap();
    }
}
