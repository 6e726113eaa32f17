//! Reading and replacing files.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StateError;

/// A record with a version of its own.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Name of the file.
    const FILE: &'static str;
    /// Version that this program writes, and the newest that it reads.
    const VERSION: u32;
}

/// The directory of one device.
#[derive(Clone, Debug)]
pub(crate) struct Directory(PathBuf);

/// As long as it lives, no other command changes the device.
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone does not end it while a process that is being started still shares the descriptor.
        let _ = self.0.unlock();
    }
}

impl Directory {
    /// Takes an existing directory.
    pub(crate) fn open(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the directory if needed, for its owner alone.
    pub(crate) fn create(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::File {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Keeps other commands from changing the device.
    pub(crate) fn lock(&self) -> Result<Lock, StateError> {
        let path = self.file("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(|source| StateError::File {
            path: path.clone(),
            source,
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse {
                path: self.0.clone(),
            }),
            Err(TryLockError::Error(source)) => Err(StateError::File { path, source }),
        }
    }

    /// Reads a record; `None` if there is none.
    pub(crate) fn read<R: Record>(&self) -> Result<Option<R>, StateError> {
        self.read_named(R::FILE)
    }

    /// Reads a record under another name than its own.
    pub(crate) fn read_named<R: Record>(&self, name: &str) -> Result<Option<R>, StateError> {
        let path = self.file(name);
        let text = match fs::read(&path) {
            Ok(text) => zeroize::Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::File { path, source }),
        };
        let Ok(Version { version }) = serde_json::from_slice(&text) else {
            return Err(StateError::Damaged { path });
        };
        if version > R::VERSION {
            return Err(StateError::Newer {
                path,
                found: version,
            });
        }
        let record: Versioned<R> =
            serde_json::from_slice(&text).map_err(|_| StateError::Damaged { path })?;
        Ok(Some(record.record))
    }

    /// Replaces a record.
    pub(crate) fn write<R: Record>(&self, record: &R) -> Result<(), StateError> {
        self.write_named(R::FILE, record)
    }

    /// Replaces a record under another name than its own.
    pub(crate) fn write_named<R: Record>(&self, name: &str, record: &R) -> Result<(), StateError> {
        let path = self.file(name);
        let versioned = Versioned {
            version: R::VERSION,
            record,
        };
        let text = serde_json::to_vec_pretty(&versioned)
            .map_err(|_| StateError::Damaged { path: path.clone() })?;
        write_file(&path, &zeroize::Zeroizing::new(text))
    }

    /// Removes a file, so that it stays removed after a crash. One that does not exist is removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StateError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Ok(()) => sync_folder(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(StateError::File { path, source }),
        }
    }
}

/// Replaces a file for its owner alone: after a crash there is the old one or the new one.
pub(crate) fn write_file(path: &Path, octets: &[u8]) -> Result<(), StateError> {
    let failed = |source| StateError::File {
        path: path.to_owned(),
        source,
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let temporary = PathBuf::from(name);
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(failed)?;
    file.write_all(octets).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<(), StateError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StateError::File {
            path: folder.to_owned(),
            source,
        })
}

#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Versioned<R> {
    version: u32,
    #[serde(flatten)]
    record: R,
}
