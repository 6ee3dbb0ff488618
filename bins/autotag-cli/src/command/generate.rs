//! `autotag generate`: writes the files of a deployment, or compares them with those on disk.

use crate::cli::GenerateArgs;
use crate::collisions;
use crate::completion::Completion;
use crate::generate;
use crate::generate::file::{GeneratedFile, LIST, LIST_HEAD};
use crate::generate::inventory::Inventory;
use crate::output::plural;
use crate::setup::{self, usage_error};
use anyhow::{Context as _, Result};
use similar::TextDiff;
use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path};

pub(crate) fn run(args: &GenerateArgs) -> Result<Completion> {
    let services = setup::catalog(&args.rules)?.services()?;
    let policy = setup::policy(args.policy.as_deref())?;
    let inventory = Inventory::new(services, policy).only(&args.services)?;
    let files = generate::files(&inventory)?;
    let changes = changes(&args.out, &files)?;
    if args.check {
        return check(&args.out, &changes);
    }
    for change in &changes {
        change.apply(&args.out)?;
    }
    let (all, count) = (plural(files.len(), "file"), changes.len());
    let mut err = crate::console::notes();
    writeln!(err, "{all} in `{}`, {count} changed", args.out.display())?;
    if let Some(keys) = collisions::summary(&collisions::collisions(&inventory.policy)) {
        writeln!(err, "AWS's managed policies have conditions on {keys}: see `autotag policy check`")?;
    }
    Ok(Completion::Complete)
}

/// Prints a diff of the files that are out of date.
fn check(folder: &Path, changes: &[Change]) -> Result<Completion> {
    let mut out = anstream::stdout().lock();
    for Change { path, before, after } in changes {
        let diff = TextDiff::from_lines(before.as_str(), after.as_deref().unwrap_or_default());
        let name = folder.join(path).display().to_string();
        write!(out, "{}", diff.unified_diff().header(&name, &format!("{name} (generated now)")))?;
    }
    if changes.is_empty() {
        return Ok(Completion::Complete);
    }
    let count = plural(changes.len(), "file");
    writeln!(
        anstream::stderr(),
        "{count} in `{}` not up to date: run it again without --check, with the same --policy and --rules",
        folder.display()
    )?;
    Ok(Completion::Partial)
}

/// A file that differs from the generated one.
struct Change {
    path: String,
    /// The text on disk.
    before: String,
    /// The generated text; `None` if the file must be removed.
    after: Option<String>,
}

impl Change {
    fn apply(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.path);
        let Some(text) = &self.after else {
            return fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()));
        };
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create `{}`", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

/// The differences between the folder and the generated files.
///
/// # Errors
/// A usage error if a file that was not generated would be replaced.
fn changes(folder: &Path, files: &[GeneratedFile]) -> Result<Vec<Change>> {
    let listed = listed(folder)?;
    let (mut changes, mut foreign) = (Vec::new(), Vec::new());
    for GeneratedFile { path, text } in files {
        let before = read(&folder.join(path))?;
        if before.as_ref() == Some(text) {
            continue;
        }
        if before.is_some() && !listed.contains(path) {
            foreign.push(path.as_str());
        }
        let before = before.unwrap_or_default();
        changes.push(Change { path: path.clone(), before, after: Some(text.clone()) });
    }
    if !foreign.is_empty() {
        return Err(usage_error(format!(
            "--out: `{}` has files that were not generated, and they are not replaced: {}; move them, or choose another folder",
            folder.display(),
            foreign.join(", ")
        )));
    }
    for path in listed.iter().filter(|path| files.iter().all(|file| file.path != **path)) {
        if let Some(before) = read(&folder.join(path))? {
            changes.push(Change { path: path.clone(), before, after: None });
        }
    }
    Ok(changes)
}

/// The files that an earlier run generated, according to its list, and the list itself.
fn listed(folder: &Path) -> Result<BTreeSet<String>> {
    let Some(list) = read(&folder.join(LIST))? else { return Ok(BTreeSet::new()) };
    let Some(paths) = list.strip_prefix(LIST_HEAD) else { return Ok(BTreeSet::new()) };
    // The list may have been edited. Paths outside of the folder are ignored, because the listed files may be removed.
    let inside = |path: &&str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let paths = paths.lines().filter(|path| !path.is_empty()).filter(inside);
    Ok(paths.chain([LIST]).map(str::to_owned).collect())
}

/// The text of a file, or `None` if it does not exist.
fn read(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        // A file that is not UTF-8 was not generated, and so differs from the generated text.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}
