//! Compresses the list of conditions, which is a quarter of a megabyte. It is unpacked when the first value is compared with it.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

const LIST: &str = "aws-tag-conditions.toml";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={LIST}");
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&fs::read(PathBuf::from(var("CARGO_MANIFEST_DIR")?).join(LIST))?)?;
    fs::write(PathBuf::from(var("OUT_DIR")?).join("conditions.deflate"), packed.finish()?)
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn var(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
