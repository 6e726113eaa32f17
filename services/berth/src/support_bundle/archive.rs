//! Files as a compressed tar archive (POSIX ustar).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Writes a new file, readable by its owner alone.
pub(super) fn write(path: &Path, files: &[(String, String)], unix_seconds: u64) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let mut archive = GzEncoder::new(file, Compression::default());
    for (name, content) in files {
        archive.write_all(&header(name, content.len(), unix_seconds)?)?;
        archive.write_all(content.as_bytes())?;
        archive.write_all(&[0; BLOCK][..content.len().next_multiple_of(BLOCK) - content.len()])?;
    }
    archive.write_all(&[0; 2 * BLOCK])?;
    archive.finish()?.sync_all()
}

fn header(name: &str, size: usize, unix_seconds: u64) -> io::Result<[u8; BLOCK]> {
    let (prefix, name) = match name.rsplit_once('/') {
        Some((folder, file)) => (folder, file),
        None => ("", name),
    };
    let mut header = [0; BLOCK];
    let mut field = |at: usize, length: usize, text: &str| {
        let text = text.as_bytes();
        let place = header.get_mut(at..at + length).unwrap_or_default();
        match place.get_mut(..text.len()) {
            Some(place) => place.copy_from_slice(text),
            None => return Err(io::Error::other("name or size is too long for the archive")),
        }
        Ok(())
    };
    field(0, 100, name)?;
    field(100, 8, "0000600\0")?;
    field(108, 8, "0000000\0")?;
    field(116, 8, "0000000\0")?;
    field(124, 12, &format!("{size:011o}\0"))?;
    field(136, 12, &format!("{unix_seconds:011o}\0"))?;
    field(148, 8, "        ")?;
    field(156, 1, "0")?;
    field(257, 8, "ustar\x0000")?;
    field(345, 155, prefix)?;
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

const BLOCK: usize = 512;
