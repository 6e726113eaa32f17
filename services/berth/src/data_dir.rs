//! The folder of one all-in-one installation: its lock, its version, its ports.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Version of the folder's layout. A folder of a newer one is refused, not guessed.
const VERSION: u32 = 1;

/// An open folder; the lock lasts as long as this value.
pub(crate) struct DataDir {
    path: PathBuf,
    ports: BTreeMap<String, u16>,
    _lock: File,
}

impl DataDir {
    /// Opens or creates the folder and locks it.
    ///
    /// # Errors
    /// Another process holds it, it is of a newer version, or the file system refuses.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        let path = path.canonicalize()?;

        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{} is in use by another berth; stop it, or choose another folder with --data",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context("cannot lock the data folder");
            }
        }

        let version = path.join("version");
        match fs::read_to_string(&version) {
            Ok(text) => {
                let found = text
                    .trim()
                    .parse::<u32>()
                    .with_context(|| format!("{} holds no version", version.display()))?;
                if found > VERSION {
                    bail!(
                        "{} was written by a newer berth (layout {found}, this one knows {VERSION})",
                        path.display()
                    );
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_atomically(&version, &format!("{VERSION}\n"))?
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", version.display()));
            }
        }

        let ports = match fs::read_to_string(path.join("ports.json")) {
            Ok(text) => serde_json::from_str(&text)
                .context("ports.json is damaged; remove it to choose ports anew")?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).context("cannot read ports.json"),
        };
        // Endpoints of an earlier run say nothing about this one.
        let _ = fs::remove_file(path.join("endpoints.json"));
        Ok(Self {
            path,
            ports,
            _lock: lock,
        })
    }

    /// A path inside the folder.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A folder inside the folder, created for this user alone.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        Ok(folder)
    }

    /// The loopback address of a listener, chosen once and kept.
    ///
    /// # Errors
    /// The kept port is used by another program.
    pub(crate) fn tcp(&mut self, name: &str) -> Result<SocketAddr> {
        self.port(name, |address| {
            TcpListener::bind(address).and_then(|socket| socket.local_addr())
        })
    }

    /// As [`Self::tcp`] for UDP.
    pub(crate) fn udp(&mut self, name: &str) -> Result<SocketAddr> {
        self.port(name, |address| {
            UdpSocket::bind(address).and_then(|socket| socket.local_addr())
        })
    }

    fn port(
        &mut self,
        name: &str,
        bind: impl Fn(SocketAddr) -> std::io::Result<SocketAddr>,
    ) -> Result<SocketAddr> {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if let Some(port) = self.ports.get(name) {
            let address = loopback(*port);
            bind(address).with_context(|| {
                format!("{address} for {name} is used by another program; stop it, or remove ports.json to choose anew")
            })?;
            return Ok(address);
        }
        let address = bind(loopback(0)).with_context(|| format!("no free port for {name}"))?;
        self.ports.insert(name.to_owned(), address.port());
        write_atomically(
            &self.join("ports.json"),
            &serde_json::to_string_pretty(&self.ports)?,
        )?;
        Ok(address)
    }
}

/// Writes a file for this user alone so that a crash leaves the old one or the new one.
pub(crate) fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path).with_context(|| format!("cannot write {}", path.display()))?;
    let folder = path.parent().context("a file lies in a folder")?;
    File::open(folder)?
        .sync_all()
        .with_context(|| format!("cannot sync {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("in use"), "{error}");
    }

    #[test]
    fn a_folder_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("version"), "2\n").unwrap();
        let error = DataDir::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("newer"), "{error}");
    }

    #[test]
    fn ports_are_chosen_once_and_a_used_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap().tcp("aanf").unwrap();
        assert_eq!(
            DataDir::open(folder.path()).unwrap().tcp("aanf").unwrap(),
            first
        );
        let _other = TcpListener::bind(first).unwrap();
        let error = DataDir::open(folder.path())
            .unwrap()
            .tcp("aanf")
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(&first.to_string()) && error.contains("aanf"),
            "{error}"
        );
    }
}
