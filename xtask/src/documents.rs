//! Completions of shells and man pages, which a finished program makes itself.

use crate::archive::{Entries, Entry};
use crate::environment::output;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Shells, and what is before and after the name of the program in the file names that they look for.
const COMPLETIONS: [(&str, &str, &str); 4] =
    [("bash", "", ".bash"), ("zsh", "_", ""), ("fish", "", ".fish"), ("powershell", "_", ".ps1")];

/// Asks a program for its completions and man pages.
///
/// # Errors
/// The program cannot be run on this machine, or does not make them.
pub(crate) fn documents(program: &Path, name: &str) -> Result<Entries> {
    let mut entries = Entries::new();
    for (shell, before, after) in COMPLETIONS {
        let text = output(Command::new(program).args(["completions", shell]));
        let text = text.with_context(|| format!("no completions of {shell}"))?;
        ensure!(
            !text.trim().is_empty(),
            "no completions of {shell}: `{name} completions {shell}` printed nothing"
        );
        entries.insert(format!("completions/{before}{name}{after}"), Entry::file(text));
    }
    let folder = tempfile::tempdir().context("cannot make a folder for man pages")?;
    output(Command::new(program).args(["man", "--dir"]).arg(folder.path())).context("no man pages")?;
    for file in fs::read_dir(folder.path())? {
        let path = file?.path();
        let page = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        entries.insert(format!("man/man1/{page}"), Entry::file(bytes));
    }
    let first = format!("man/man1/{name}.1");
    ensure!(entries.contains_key(&first), "`{name} man --dir DIR` wrote no {name}.1");
    Ok(entries)
}
