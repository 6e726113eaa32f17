//! Secrets as folders of files, for functions that run without Kubernetes.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::secrets::{MANAGED_BY, OURS, Secrets};
use crate::kubernetes::Outcome;

/// A folder with a folder of each Secret in it, all for this user alone.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        create(&path).with_context(|| format!("folder {}", path.display()))?;
        Ok(Self(path))
    }

    fn folder(&self, object: &Value) -> Result<PathBuf> {
        let name = object["metadata"]["name"].as_str();
        Ok(self.0.join(name.context("a Secret has a name")?))
    }
}

impl Secrets for Directory {
    async fn get(&self, name: &str) -> Result<Option<Value>> {
        let folder = self.0.join(name);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut data = Map::new();
        for entry in entries {
            let entry = entry?;
            let file = entry.file_name().to_string_lossy().into_owned();
            // Ours are the mark below and files of a replacement that did not come to its end.
            if !file.starts_with('.') {
                data.insert(file, BASE64.encode(&fs::read(entry.path())?).into());
            }
        }
        let owner = fs::exists(folder.join(MARK))?.then_some(OURS);
        let labels = json!({ MANAGED_BY: owner });
        Ok(Some(json!({
            "metadata": { "name": name, "labels": labels },
            "data": data,
        })))
    }

    async fn create(&self, object: &Value) -> Result<Outcome> {
        let folder = self.folder(object)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let new = self.0.join(format!(".{name}.{}", std::process::id()));
        create(&new)?;
        write(&new.join(MARK), b"")?;
        fill(&new, object)?;
        match fs::rename(&new, &folder) {
            Ok(()) => {
                File::open(&self.0)?.sync_all()?;
                Ok(Outcome::Done)
            }
            // Somebody was faster.
            Err(error) if fs::exists(&folder)? => {
                tracing::debug!(error = %error, "made by somebody else");
                fs::remove_dir_all(&new)?;
                Ok(Outcome::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn replace(&self, _: &str, object: &Value) -> Result<Outcome> {
        fill(&self.folder(object)?, object)?;
        Ok(Outcome::Done)
    }
}

fn create(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    Ok(made?)
}

/// Writes the files of a Secret so that a crash leaves each of them old or new.
fn fill(folder: &Path, object: &Value) -> Result<()> {
    for (file, value) in object["data"].as_object().into_iter().flatten() {
        let octets = BASE64.decode(value.as_str().unwrap_or_default().as_bytes())?;
        let new = folder.join(format!(".{file}.new"));
        write(&new, &octets)?;
        fs::rename(&new, folder.join(file))?;
    }
    Ok(File::open(folder)?.sync_all()?)
}

fn write(path: &Path, octets: &[u8]) -> Result<()> {
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(octets)?;
    Ok(file.sync_all()?)
}

/// A file in every folder that was made here; other folders are somebody's own and never renewed.
const MARK: &str = ".berth-bootstrap";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, SystemTime};

    use nf_runtime::pki::CertificateFacts;
    use nf_runtime::random::Random;

    use super::*;
    use crate::bootstrap::make;
    use crate::bootstrap::spec::Spec;

    const SPEC: &str = "[[secret]]\nname = \"ca\"\nkind = \"authority\"\ntrust_domain = \"berth.test\"\n\
        [[secret]]\nname = \"aanf-tls\"\nkind = \"identity\"\nauthority = \"ca\"\n\
        uri = \"spiffe://berth.test/nf/aanf\"\n[[secret]]\nname = \"inventory\"\nkind = \"inventory\"\n";

    fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for secret in fs::read_dir(folder).unwrap() {
            for file in fs::read_dir(secret.unwrap().path()).unwrap() {
                let file = file.unwrap().path();
                let mode = fs::metadata(&file).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{} is for others too", file.display());
                files.push((file.clone(), fs::read(file).unwrap()));
            }
        }
        files.sort();
        files
    }

    #[tokio::test]
    async fn folders_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path().join("secrets")).unwrap();
        let spec = Spec::parse(SPEC).unwrap();
        let random = Random::system();
        make(&spec, &directory, SystemTime::now(), &random)
            .await
            .unwrap();
        let made = contents(&folder.path().join("secrets"));
        // tls.crt, tls.key, the identity's ca.crt, the inventory's names, and a mark each.
        assert_eq!(made.len(), 9);
        make(&spec, &directory, SystemTime::now(), &random)
            .await
            .unwrap();
        assert_eq!(contents(&folder.path().join("secrets")), made);
    }

    #[tokio::test]
    async fn a_renewal_that_was_cut_off_is_finished_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path().to_owned()).unwrap();
        let spec = Spec::parse(SPEC).unwrap();
        let random = Random::system();
        let make = async |days: u64| {
            let now = SystemTime::now() + Duration::from_secs(days * 86_400);
            make(&spec, &directory, now, &random).await.unwrap();
        };
        let part = |name| folder.path().join("aanf-tls").join(name);
        let fits = || {
            let certificate = fs::read_to_string(part("tls.crt")).unwrap();
            let key = fs::read_to_string(part("tls.key")).unwrap();
            CertificateFacts::read(&certificate)
                .unwrap()
                .is_of_key(&key)
        };
        make(0).await;
        for (days, old) in [(300, "tls.crt"), (600, "tls.key")] {
            let kept = fs::read(part(old)).unwrap();
            make(days).await;
            fs::write(part(old), kept).unwrap();
            assert!(!fits(), "{old} was not renewed");
            make(days).await;
            assert!(fits(), "{old} stayed the old one");
        }
    }

    #[tokio::test]
    async fn who_comes_second_finds_what_the_first_made() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path().to_owned()).unwrap();
        let object = |text: &str| json!({"metadata": {"name": "one"}, "data": {"file": BASE64.encode(text.as_bytes())}});
        let first = directory.create(&object("first")).await.unwrap();
        assert_eq!(first, Outcome::Done);
        let second = directory.create(&object("second")).await.unwrap();
        assert_eq!(second, Outcome::Conflict);
        let found = directory.get("one").await.unwrap().unwrap();
        assert_eq!(found["data"], object("first")["data"]);
    }
}
