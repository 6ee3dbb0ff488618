//! `autotag generate`: the files of a deployment, written or compared.

use crate::cli::GenerateArgs;
use crate::completion::Completion;
use crate::generate::inventory::Inventory;
use crate::generate::{self, Artefact, LIST};
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
    let artefacts = generate::artefacts(&Inventory::new(services, policy))?;
    let changes = changes(&args.out, &artefacts)?;
    if args.check {
        return check(&args.out, &changes);
    }
    for change in &changes {
        change.make(&args.out)?;
    }
    let (all, made) = (plural(artefacts.len(), "file"), changes.len());
    writeln!(anstream::stderr(), "{all} in `{}`, {made} of them changed", args.out.display())?;
    Ok(Completion::Complete)
}

/// Prints what is not up to date.
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

/// A file that is not as it should be.
struct Change {
    path: String,
    /// What is there now.
    before: String,
    /// What should be there; `None` where nothing should.
    after: Option<String>,
}

impl Change {
    fn make(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.path);
        let Some(text) = &self.after else {
            return fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()));
        };
        let above = path.parent().unwrap_or(folder);
        fs::create_dir_all(above).with_context(|| format!("cannot make `{}`", above.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

/// What has to change. What is there and was not generated belongs to somebody, and is refused.
fn changes(folder: &Path, artefacts: &[Artefact]) -> Result<Vec<Change>> {
    let listed = listed(folder)?;
    let (mut changes, mut strangers) = (Vec::new(), Vec::new());
    for Artefact { path, text } in artefacts {
        let before = read(&folder.join(path))?;
        if before.as_ref() == Some(text) {
            continue;
        }
        if before.is_some() && !listed.contains(path) {
            strangers.push(path.as_str());
        }
        let before = before.unwrap_or_default();
        changes.push(Change { path: path.clone(), before, after: Some(text.clone()) });
    }
    if !strangers.is_empty() {
        return Err(usage_error(format!(
            "not generated, so not replaced in `{}`: {}; move them, or name another folder with --out",
            folder.display(),
            strangers.join(", ")
        )));
    }
    for path in listed.iter().filter(|path| artefacts.iter().all(|artefact| artefact.path != **path)) {
        if let Some(before) = read(&folder.join(path))? {
            changes.push(Change { path: path.clone(), before, after: None });
        }
    }
    Ok(changes)
}

/// The files that an earlier run has generated, by its list; the list is one of them.
fn listed(folder: &Path) -> Result<BTreeSet<String>> {
    let Some(list) = read(&folder.join(LIST))? else { return Ok(BTreeSet::new()) };
    let Some(paths) = list.strip_prefix(generate::LIST_HEAD) else { return Ok(BTreeSet::new()) };
    // It says what may be removed, and anybody may have written it: nothing outside of the folder.
    let inside = |path: &&str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let paths = paths.lines().filter(|path| !path.is_empty()).filter(inside);
    Ok(paths.chain([LIST]).map(str::to_owned).collect())
}

/// The text of a file, or `None` where there is none.
fn read(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        // What is no text is not ours, and differs.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}
