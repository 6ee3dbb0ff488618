//! Licence notices: the texts that the packages in a program carry, each text once.

use crate::compile::Compiler;
use crate::components::{Components, license};
use crate::programs::Program;
use crate::project::Project;
use anyhow::{Context as _, Result};
use cargo_metadata::Package;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// How names of files with licences begin, in small letters.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// Names of files with sources end so, and their names may begin as those above.
const SOURCES: [&str; 5] = ["rs", "c", "h", "py", "go"];

/// Folders of a package that are not in a program.
const NOT_LINKED: [&str; 4] = ["tests", "benches", "examples", "target"];

/// The texts for packages that name a licence and carry no text.
const STANDARD: [(&str, &str); 2] =
    [("MIT", include_str!("../licenses/MIT.txt")), ("Apache-2.0", include_str!("../../LICENSE"))];

/// The notice of the C library in static programs.
const MUSL: &str = include_str!("../licenses/musl.txt");

/// The notices of a program.
///
/// # Errors
/// A text cannot be read, or a package has neither a text nor a known licence.
pub(crate) fn notices(
    project: &Project,
    components: &Components,
    program: Program,
    compiler: &Compiler,
    target: &str,
) -> Result<String> {
    let id = (program.package().to_owned(), project.version.clone());
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for (name, version) in components.in_program(&id) {
        let package =
            project.package(name, version).with_context(|| format!("{name} is not in Cargo.lock"))?;
        if package.source.is_none() {
            continue;
        }
        let license = license(package).unwrap_or_else(|| "see its text".to_owned());
        writeln!(list, "{name} {version}: {license}")?;
        for text in texts_of(package)? {
            texts.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    let release = &compiler.release;
    writeln!(list, "Rust standard library {release}: MIT OR Apache-2.0, see RUST-LIBRARY.html")?;
    if target.ends_with("-musl") {
        writeln!(list, "musl, the C library of Rust {release}: MIT")?;
        texts.entry(MUSL.trim().to_owned()).or_default().push("musl".to_owned());
    }
    let mut all = format!(
        "{} contains code of others. This file lists it, and has the texts of its licences.\n\n{list}",
        program.name()
    );
    // By the first package, then by the text: an order that does not depend on the machine.
    let mut sorted: Vec<(Vec<String>, String)> = texts.into_iter().map(|(text, of)| (of, text)).collect();
    sorted.sort();
    for (packages, text) in sorted {
        write!(all, "\n{}\n{}\n\n{text}\n", "-".repeat(80), packages.join(", "))?;
    }
    Ok(all)
}

/// The notices of the standard library, which come with the compiler.
///
/// # Errors
/// They cannot be read.
pub(crate) fn of_standard_library(compiler: &Compiler) -> Result<Vec<u8>> {
    let path = compiler.folder.join("share/doc/rust/COPYRIGHT-library.html");
    fs::read(&path)
        .with_context(|| format!("cannot read the notices of the standard library, {}", path.display()))
}

/// The texts of a package. Each ends without an empty line.
fn texts_of(package: &Package) -> Result<Vec<String>> {
    let folder = package.manifest_path.as_std_path().parent().context("a manifest is in a folder")?;
    let mut texts = Vec::new();
    for path in files(folder)? {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        texts.push(text.trim_matches('\n').trim_end().to_owned());
    }
    if texts.is_empty() {
        let license = license(package).unwrap_or_default();
        let known = STANDARD.into_iter().find(|(name, _)| license.split(" OR ").any(|one| one == *name));
        let (_, text) = known.with_context(|| {
            format!("{} {} has no text of its licence ({license})", package.name, package.version)
        })?;
        let place = package.repository.as_deref().unwrap_or("crates.io");
        texts.push(format!(
            "Copyright (c) the authors of {} ({place})\n\n{}",
            package.name,
            text.trim_matches('\n').trim_end()
        ));
    }
    Ok(texts)
}

/// The files with licences of a package, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_linked = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !entry.file_type().is_dir() || !NOT_LINKED.contains(&name.as_ref())
    };
    let mut found = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(is_linked) {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_source =
            Path::new(&name).extension().is_some_and(|extension| SOURCES.iter().any(|one| extension == *one));
        if entry.file_type().is_file() && !is_source && NAMES.iter().any(|start| name.starts_with(start)) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_found_in_parts_that_are_linked() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["LICENSE-MIT", "license.rs", "README.md", "c/COPYING", "tests/data/LICENSE", "src/Notice.txt"];
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let found = files(folder.path()).unwrap();
        let found: Vec<_> = found.iter().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(found, ["LICENSE-MIT", "c/COPYING", "src/Notice.txt"].map(Path::new));
    }
}
