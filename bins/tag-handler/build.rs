//! Links the functions of the profile `lambda` without the tables for unwinding, which are a tenth of a function.
//! `session-handler` has the same build script.
//!
//! That profile has `panic = "abort"`, so nothing unwinds. The standard library and C code bring their tables anyway.

use std::path::PathBuf;
use std::{env, fs, io};

/// For GNU ld and for lld. `INSERT` adds this to the linker's own script.
const SCRIPT: &str = "\
SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table .gcc_except_table.*) } } INSERT AFTER .rodata;
";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=../tag-handler/build.rs");
    // Cargo does not tell the profile to build scripts. Only `lambda` optimises for size.
    let for_size = matches!(var("OPT_LEVEL")?.as_str(), "s" | "z");
    if for_size && var("CARGO_CFG_TARGET_OS")? == "linux" {
        let script = PathBuf::from(var("OUT_DIR")?).join("without-unwinding.ld");
        fs::write(&script, SCRIPT)?;
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn var(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
