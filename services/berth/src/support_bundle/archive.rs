//! Files as a compressed tar archive (POSIX ustar).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A new file, readable by its owner alone. It is gone again unless it was written whole.
pub(super) struct Archive {
    path: PathBuf,
    file: Option<File>,
}

impl Archive {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "it exists already: name another file",
                ),
                _ => error,
            })?;
        Ok(Self {
            path: path.to_owned(),
            file: Some(file),
        })
    }

    pub(super) fn write(mut self, files: &[(String, String)], unix_seconds: u64) -> io::Result<()> {
        if let Some(file) = &self.file {
            compress(file, files, unix_seconds)?.sync_all()?;
        }
        self.file = None;
        Ok(())
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn compress<'a>(
    file: &'a File,
    files: &[(String, String)],
    unix_seconds: u64,
) -> io::Result<&'a File> {
    let mut archive = GzEncoder::new(file, Compression::default());
    for (name, content) in files {
        archive.write_all(&header(name, content.len(), unix_seconds)?)?;
        archive.write_all(content.as_bytes())?;
        archive.write_all(&[0; BLOCK][..content.len().next_multiple_of(BLOCK) - content.len()])?;
    }
    archive.write_all(&[0; 2 * BLOCK])?;
    archive.finish()
}

fn header(name: &str, size: usize, unix_seconds: u64) -> io::Result<[u8; BLOCK]> {
    let (prefix, name) = match name.rsplit_once('/') {
        Some((folder, file)) => (folder, file),
        None => ("", name),
    };
    // A name that is longer than the format lets it be is cut: its content counts.
    let name = &name[..name.floor_char_boundary(NAME)];
    let prefix = &prefix[..prefix.floor_char_boundary(PREFIX)];
    let mut header = [0; BLOCK];
    let mut field = |at: usize, length: usize, text: &str| {
        let text = text.as_bytes();
        let place = header.get_mut(at..at + length).unwrap_or_default();
        match place.get_mut(..text.len()) {
            Some(place) => place.copy_from_slice(text),
            None => return Err(io::Error::other("too long for the archive")),
        }
        Ok(())
    };
    field(0, NAME, name)?;
    field(100, 8, "0000600\0")?;
    field(108, 8, "0000000\0")?;
    field(116, 8, "0000000\0")?;
    field(124, 12, &format!("{size:011o}\0"))?;
    field(136, 12, &format!("{unix_seconds:011o}\0"))?;
    field(148, 8, "        ")?;
    field(156, 1, "0")?;
    field(257, 8, "ustar\x0000")?;
    field(345, PREFIX, prefix)?;
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;
