//! Takes over two parsers of crates that cannot be built without the AWS SDK. Their files need only the model and the
//! engine; what is left out is their documentation and the line that names their unit tests.

use std::path::PathBuf;
use std::{env, fs, io};

/// The files, with the names under which they are included.
const FILES: [(&str, &str); 2] = [
    ("../crates/autotag-aws/src/backend/declared_calls/answer.rs", "answer.rs"),
    ("../crates/autotag-lambda/src/invocation.rs", "invocation.rs"),
];

fn main() -> io::Result<()> {
    let (here, out) = (PathBuf::from(var("CARGO_MANIFEST_DIR")?), PathBuf::from(var("OUT_DIR")?));
    for (file, name) in FILES {
        let path = here.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path)?.replace("#[cfg(test)]\nmod tests;\n", "");
        let code: String = text.split_inclusive('\n').filter(|line| !line.starts_with("//!")).collect();
        fs::write(out.join(name), code)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn var(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
