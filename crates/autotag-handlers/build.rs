//! Lists the catalogue's files, so that adding a service is adding its file.
//!
//! The files are embedded, each compressed by itself. One is unpacked and parsed when the first event of its service comes.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(var("CARGO_MANIFEST_DIR")?);
    let catalog = here.join("catalog");
    println!("cargo::rerun-if-changed={}", catalog.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&catalog)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let out = PathBuf::from(var("OUT_DIR")?);
    let entries: String = files.iter().map(|path| entry(path, &out)).collect::<io::Result<_>>()?;
    let list = format!(
        "/// Event source without `.amazonaws.com`, and its file, deflated.\npub(super) const FILES: &[(&str, &[u8])] = &[\n{entries}];\n"
    );
    fs::write(out.join("catalog_files.rs"), list)
}

/// Compresses a file into the folder `out`.
fn entry(path: &Path, out: &Path) -> io::Result<String> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&fs::read(path)?)?;
    let file = out.join(format!("{stem}.deflate"));
    fs::write(&file, packed.finish()?)?;
    Ok(format!("    ({stem:?}, include_bytes!({:?})),\n", file.display().to_string()))
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn var(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
