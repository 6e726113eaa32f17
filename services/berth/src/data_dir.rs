//! The folder of one all-in-one installation: its lock, its version, its ports.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

/// Version of the folder's layout. A folder of a newer one is refused, not guessed.
const VERSION: u32 = 1;

const VERSION_FILE: &str = "version";
const LOCK: &str = "lock";

/// What may lie in a folder before its version does: what a start left that was cut off, what a file system has from
/// the beginning, and what was put back from a copy.
const BEFORE_VERSION: [&str; 12] = [
    LOCK,
    "version.new",
    "lost+found",
    "keys",
    "operator",
    "pki",
    "store",
    "lab",
    "processes",
    "devices",
    "ports.json",
    "endpoints.json",
];

/// Ports come in blocks of this many, each aligned.
const BLOCK: u16 = 32;

/// Where the blocks lie: below what systems give to outgoing connections, and below the ports of devices behind the
/// laboratory's gateway, so that neither takes a kept port away while nothing runs.
const BLOCKS: std::ops::Range<u16> = 10_016..20_000;

/// Name under which the first port of the block is kept.
const BLOCK_NAME: &str = "block";

/// An open folder; the lock lasts as long as this value.
pub(crate) struct DataDir {
    path: PathBuf,
    ports: BTreeMap<String, u16>,
    /// Listens on the first port of the block for nobody: another installation that starts takes another block.
    block: Option<TcpListener>,
    _lock: File,
}

impl DataDir {
    /// Opens or creates the folder and locks it. One that is there keeps its mode.
    ///
    /// # Errors
    /// Another process holds it, it is of a newer version or holds something else, or the file system refuses.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        ensure!(
            path.to_str().is_some(),
            "{} is no text in UTF-8, as settings need it; choose another folder with --data",
            path.display()
        );
        create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot open {}", path.display()))?;
        refuse_foreign(&path)?;

        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK))
            .with_context(|| format!("cannot write {}", path.join(LOCK).display()))?;
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

        let version = path.join(VERSION_FILE);
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
            Err(error) if error.kind() == ErrorKind::NotFound => {
                write_atomically(&version, &format!("{VERSION}\n"))?
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", version.display()));
            }
        }

        let ports = match fs::read_to_string(path.join("ports.json")) {
            Ok(text) => serde_json::from_str(&text)
                .context("ports.json is damaged; remove it to choose ports anew")?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).context("cannot read ports.json"),
        };
        // Endpoints of an earlier run say nothing about this one.
        let _ = fs::remove_file(path.join("endpoints.json"));
        let block = ports
            .get(BLOCK_NAME)
            .and_then(|port| TcpListener::bind(loopback(*port)).ok());
        Ok(Self {
            path,
            ports,
            block,
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
        create(&folder)
            .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)))
            .with_context(|| format!("cannot create {}", folder.display()))?;
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
        if let Some(port) = self.ports.get(name) {
            let address = loopback(*port);
            bind(address).with_context(|| {
                format!("{address} for {name} is used by another program; stop it, or remove ports.json to choose anew")
            })?;
            return Ok(address);
        }
        let first = self.block()?;
        let address = (first + 1..first + BLOCK)
            .filter(|port| !self.ports.values().any(|kept| kept == port))
            .find_map(|port| bind(loopback(port)).ok())
            .with_context(|| format!("no free port for {name}"))?;
        self.keep(name, address.port())?;
        Ok(address)
    }

    /// The first port of this installation's block, chosen once among those that nobody holds.
    fn block(&mut self) -> Result<u16> {
        if let Some(first) = self.ports.get(BLOCK_NAME) {
            return Ok(*first);
        }
        let count = BLOCKS.len() / usize::from(BLOCK);
        let offset = usize::try_from(RandomState::new().hash_one(&self.path) % 0x1_0000)?;
        let (first, held) = BLOCKS
            .step_by(BLOCK.into())
            .cycle()
            .skip(offset % count)
            .take(count)
            .find_map(|first| Some((first, TcpListener::bind(loopback(first)).ok()?)))
            .context("no free block of ports")?;
        self.block = Some(held);
        self.keep(BLOCK_NAME, first)?;
        Ok(first)
    }

    fn keep(&mut self, name: &str, port: u16) -> Result<()> {
        self.ports.insert(name.to_owned(), port);
        write_atomically(
            &self.join("ports.json"),
            &serde_json::to_string_pretty(&self.ports)?,
        )
    }
}

/// Creates a folder for this user alone, if it is not there.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Refuses a folder that is used for something else: it was named by mistake.
fn refuse_foreign(path: &Path) -> Result<()> {
    if path.join(VERSION_FILE).exists() {
        return Ok(());
    }
    let unreadable = || format!("cannot read {}", path.display());
    for entry in fs::read_dir(path).with_context(unreadable)? {
        let name = entry.with_context(unreadable)?.file_name();
        if !BEFORE_VERSION.iter().any(|known| name == *known) {
            bail!(
                "{} is no folder of berth: {} lies in it; name a new or an empty one with --data",
                path.display(),
                name.display()
            );
        }
    }
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
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

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_folder_that_is_made_is_for_this_user_alone_and_one_that_is_there_keeps_its_mode() {
        let parent = tempfile::tempdir().unwrap();
        let made = parent.path().join("far/data");
        drop(DataDir::open(&made).unwrap());
        assert_eq!(mode(&made), 0o700);
        let there = parent.path().join("there");
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o1777)).unwrap();
        for _ in 0..2 {
            let data = DataDir::open(&there).unwrap();
            assert_eq!(mode(&data.folder("keys").unwrap()), 0o700);
            assert_eq!(mode(&there), 0o1777);
        }
    }

    #[test]
    fn a_folder_of_something_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "dear").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = DataDir::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("letter"), "{error}");
        assert_eq!(mode(folder.path()), 0o755);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_first_start_that_was_cut_off_may_begin_again() {
        let folder = tempfile::tempdir().unwrap();
        drop(DataDir::open(folder.path()).unwrap());
        fs::rename(
            folder.path().join(VERSION_FILE),
            folder.path().join("version.new"),
        )
        .unwrap();
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn what_was_put_back_from_a_copy_is_no_folder_of_others() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["keys", "operator", "pki", "store"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        DataDir::open(folder.path()).unwrap();
        assert!(folder.path().join(VERSION_FILE).exists());
    }

    #[test]
    fn a_name_that_settings_cannot_hold_is_refused_before_anything_is_made() {
        use std::os::unix::ffi::OsStrExt as _;
        let parent = tempfile::tempdir().unwrap();
        let odd = parent.path().join(std::ffi::OsStr::from_bytes(b"d\xff"));
        let error = DataDir::open(&odd).err().unwrap().to_string();
        assert!(error.contains("UTF-8"), "{error}");
        assert!(!odd.exists());
    }

    #[test]
    fn a_folder_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("version"), "2\n").unwrap();
        let error = DataDir::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("newer"), "{error}");
    }

    #[test]
    fn installations_that_start_together_choose_different_ports() {
        let folders: Vec<_> = (0..8).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut open: Vec<_> = folders
            .iter()
            .map(|folder| DataDir::open(folder.path()).unwrap())
            .collect();
        let mut ports: Vec<_> = open
            .iter_mut()
            .flat_map(|data| [data.tcp("aanf").unwrap(), data.tcp("ausf").unwrap()])
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 16);
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
