//! Compiles the programs, so that no path of this machine is in them.

use crate::environment::{cargo, cargo_home, output, rustc, variable};
use crate::programs::{Group, Program};
use crate::project::Project;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Separates the flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\u{1f}";

/// The time that C sources are told: 1980. That of the commit would compile all dependencies again for each commit.
const EPOCH: &str = "315532800";

/// The compiler, as it describes itself.
#[derive(Debug)]
pub(crate) struct Compiler {
    /// Its version, for example `1.95.0`.
    pub(crate) release: String,
    /// The commit that it was built from.
    commit: String,
    /// The processor of this machine, for example `x86_64`.
    pub(crate) processor: String,
    /// The folder of the toolchain.
    pub(crate) folder: PathBuf,
}

impl Compiler {
    /// Asks the compiler.
    ///
    /// # Errors
    /// It cannot be run, or describes itself in another way.
    pub(crate) fn find() -> Result<Self> {
        let about = output(rustc().arg("-vV"))?;
        let value = |key: &str| {
            let found = about.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            found.map(str::to_owned).with_context(|| format!("`rustc -vV` does not name its {key}"))
        };
        let host = value("host")?;
        let processor = host.split('-').next().unwrap_or(&host).to_owned();
        let folder = PathBuf::from(output(rustc().args(["--print", "sysroot"]))?.trim());
        Ok(Self { release: value("release")?, commit: value("commit-hash")?, processor, folder })
    }

    /// Fails if the standard library of a target is not installed.
    fn check(&self, target: &str) -> Result<()> {
        if self.folder.join("lib/rustlib").join(target).is_dir() {
            return Ok(());
        }
        bail!(
            "the target {target} is not installed: run `rustup target add {target}`, or name another one with --target or \
             --function-target"
        )
    }
}

/// The folders of this machine whose names must not be in a program, and their names in it.
#[derive(Debug)]
pub(crate) struct Folders(Vec<(PathBuf, String)>);

impl Folders {
    /// Those of this workspace and this toolchain.
    ///
    /// # Errors
    /// The home folder is unknown.
    pub(crate) fn new(project: &Project, compiler: &Compiler) -> Result<Self> {
        let target = project.metadata.target_directory.clone().into_std_path_buf();
        Ok(Self(vec![
            (cargo_home()?, "/cargo".to_owned()),
            (project.root.clone(), "/autotag".to_owned()),
            // The compiler takes the last one that fits, and this folder is often below the one before.
            (target, "/target".to_owned()),
            // Sources of the standard library, if they are installed. Without them the compiler writes this name itself.
            (compiler.folder.join("lib/rustlib/src/rust"), format!("/rustc/{}", compiler.commit)),
        ]))
    }

    /// The folders.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// The flags of the Rust compiler.
    fn rust_flags(&self) -> String {
        let flag =
            |(path, name): &(PathBuf, String)| format!("--remap-path-prefix={}={name}", path.display());
        let flags: Vec<String> = self.0.iter().map(flag).collect();
        flags.join(SEPARATOR)
    }

    /// The flags of the C compiler, for the parts of dependencies that are in C.
    fn c_flags(&self) -> String {
        let flag = |(path, name): &(PathBuf, String)| format!("-ffile-prefix-map={}={name}", path.display());
        let flags: Vec<String> = self.0.iter().map(flag).collect();
        flags.join(" ")
    }
}

/// Compiles the programs of a group, and returns the folder that they are in.
///
/// # Errors
/// The target is not installed, or cargo fails.
pub(crate) fn compile(
    project: &Project,
    compiler: &Compiler,
    folders: &Folders,
    group: Group,
    programs: &BTreeSet<Program>,
    target: &str,
) -> Result<PathBuf> {
    compiler.check(target)?;
    let mut command = cargo();
    command.current_dir(&project.root).args(["build", "--locked", "--profile", group.profile()]);
    command.args(["--target", target]);
    for program in programs {
        command.args(["--package", program.package()]);
    }
    // Other flags would give other bytes, so those of the environment do not count.
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", folders.rust_flags());
    let for_target = target.replace('-', "_");
    for name in ["CFLAGS", "CXXFLAGS"] {
        command.env_remove(name).env(format!("{name}_{for_target}"), folders.c_flags());
    }
    // For this target, build scripts look for a cross compiler. On ARM itself, `musl-tools` has this one.
    let compiler_of_c = format!("CC_{for_target}");
    let is_musl_on_arm = target == "aarch64-unknown-linux-musl" && compiler.processor == "aarch64";
    if is_musl_on_arm && variable(&compiler_of_c).is_none() {
        command.env(compiler_of_c, "musl-gcc");
    }
    command.env("SOURCE_DATE_EPOCH", EPOCH);
    // `autotag --version` prints the commit beside the version. Logs and metrics of a function have the version only.
    match group {
        Group::Tools => {
            command.env_remove("AUTOTAG_BUILD_VERSION").env("AUTOTAG_BUILD_COMMIT", &project.commit)
        }
        Group::Functions => command.env("AUTOTAG_BUILD_VERSION", project.build_version()),
    };
    // Incremental compilation gives other bytes.
    command.env("CARGO_INCREMENTAL", "0");
    if variable("CARGO_TERM_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "auto");
    }
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo build failed: {status}");
    }
    let built = project.metadata.target_directory.as_std_path().join(target);
    Ok(built.join(group.profile()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compiler takes the last folder that fits.
    #[test]
    fn the_target_folder_has_one_name_wherever_it_is() {
        let of = |target: &str| {
            let folders = [("/checkout", "/autotag"), (target, "/target")];
            Folders(folders.map(|(path, name)| (PathBuf::from(path), name.to_owned())).to_vec())
        };
        assert_eq!(
            of("/checkout/target").rust_flags(),
            "--remap-path-prefix=/checkout=/autotag\u{1f}--remap-path-prefix=/checkout/target=/target"
        );
        assert_eq!(of("/t").c_flags(), "-ffile-prefix-map=/checkout=/autotag -ffile-prefix-map=/t=/target");
    }
}
