//! Completions of shells and man pages, which a finished program makes itself.

use crate::archive::{Entries, Entry};
use crate::environment::output;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Shells, and the file names that they look for.
const COMPLETIONS: [(&str, &str); 4] =
    [("bash", "autotag.bash"), ("zsh", "_autotag"), ("fish", "autotag.fish"), ("powershell", "_autotag.ps1")];

/// Asks the program `autotag` for its completions and man pages.
///
/// # Errors
/// The program cannot be run on this machine, or does not make them.
pub(crate) fn documents(program: &Path) -> Result<Entries> {
    let mut entries = Entries::new();
    for (shell, name) in COMPLETIONS {
        let text = output(Command::new(program).args(["completions", shell]));
        let text = text.with_context(|| format!("no completions of {shell}"))?;
        ensure!(
            !text.trim().is_empty(),
            "no completions of {shell}: `autotag completions {shell}` printed nothing"
        );
        entries.insert(format!("completions/{name}"), Entry::file(text));
    }
    let folder = tempfile::tempdir().context("cannot make a folder for man pages")?;
    output(Command::new(program).args(["man", "--dir"]).arg(folder.path())).context("no man pages")?;
    for file in fs::read_dir(folder.path())? {
        let path = file?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        entries.insert(format!("man/man1/{name}"), Entry::file(bytes));
    }
    ensure!(entries.contains_key("man/man1/autotag.1"), "`autotag man --dir DIR` wrote no autotag.1");
    Ok(entries)
}
