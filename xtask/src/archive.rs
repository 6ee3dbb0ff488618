//! Archives with the same bytes for the same files: entries in order, one time, fixed modes and owners.

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use tar::{Builder, EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// A file of an archive.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) bytes: Vec<u8>,
    /// True for a program.
    pub(crate) is_executable: bool,
}

impl Entry {
    /// A program.
    pub(crate) fn program(bytes: Vec<u8>) -> Self {
        Self { bytes, is_executable: true }
    }

    /// Any other file.
    pub(crate) fn file(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), is_executable: false }
    }

    fn mode(&self) -> u32 {
        if self.is_executable { 0o755 } else { 0o644 }
    }
}

/// Files by their paths in an archive. The order is that of the paths.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// A `.tar.gz`, whose files are all below one folder.
///
/// # Errors
/// A path is too long.
pub(crate) fn tar_gz(folder: &str, entries: &Entries, epoch: u64) -> Result<Vec<u8>> {
    let mut builder = Builder::new(GzBuilder::new().write(Vec::new(), Compression::best()));
    for (path, entry) in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(entry.bytes.len().try_into().context("a file is too long")?);
        header.set_mode(entry.mode());
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(epoch);
        let path = format!("{folder}/{path}");
        builder.append_data(&mut header, &path, entry.bytes.as_slice()).with_context(|| path.clone())?;
    }
    Ok(builder.into_inner()?.finish()?)
}

/// A `.zip`. Its files have the earliest time of the format, because the format keeps times without a zone.
///
/// # Errors
/// The files are too many or too long.
pub(crate) fn zip(entries: &Entries) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, entry) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .system(System::Unix)
            .unix_permissions(entry.mode());
        writer.start_file(path.as_str(), options).with_context(|| path.clone())?;
        writer.write_all(&entry.bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}
