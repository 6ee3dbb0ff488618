//! Lists the catalogue's files, so that adding a service is adding its file.
//!
//! The files are embedded as text and parsed one by one, each when the first event of its service comes.

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
    let entries: String = files.iter().map(|path| entry(path)).collect();
    let list = format!(
        "/// Event source without `.amazonaws.com`, and the text of its file.\npub(super) const FILES: &[(&str, &str)] = &[\n{entries}];\n"
    );
    fs::write(PathBuf::from(var("OUT_DIR")?).join("catalog_files.rs"), list)
}

fn entry(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!("    ({stem:?}, include_str!({:?})),\n", path.display().to_string())
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn var(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
