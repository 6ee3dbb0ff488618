//! The workspace, its version and its commit.

use crate::environment::{output, variable};
use anyhow::{Context as _, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace of the current folder.
#[derive(Debug)]
pub(crate) struct Project {
    /// Its top folder.
    pub(crate) root: PathBuf,
    /// All packages, those of others too.
    pub(crate) metadata: Metadata,
    /// The version in the top `Cargo.toml`.
    pub(crate) version: String,
    /// The commit, which ends in `.dirty` if there are changes that are not committed.
    pub(crate) commit: String,
    /// Seconds since 1970: the time of every file, and of the lists of components.
    pub(crate) epoch: u64,
}

impl Project {
    /// Reads the workspace, with the packages that these targets need.
    ///
    /// # Errors
    /// cargo or git fails, or there are changes that are not committed and may not be.
    pub(crate) fn read(targets: &[&str], allow_dirty: bool) -> Result<Self> {
        let mut options = vec!["--locked".to_owned()];
        for target in targets {
            options.extend(["--filter-platform".to_owned(), (*target).to_owned()]);
        }
        let metadata = MetadataCommand::new().other_options(options).exec();
        let metadata = metadata.context("cannot read the workspace")?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let version = version(&metadata)?;
        let mut commit = git(&root, &["rev-parse", "--short=12", "HEAD"])?;
        let is_dirty = !git(&root, &["status", "--porcelain"])?.is_empty();
        if is_dirty && !allow_dirty {
            bail!("there are changes that are not committed: commit them, or use --allow-dirty");
        }
        if is_dirty {
            commit.push_str(".dirty");
        }
        let epoch = match variable("SOURCE_DATE_EPOCH") {
            Some(text) => text,
            None => git(&root, &["log", "-1", "--format=%ct"])?,
        };
        let epoch = epoch
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH: `{epoch}` is not a number of seconds since 1970"))?;
        Ok(Self { root, metadata, version, commit, epoch })
    }

    /// The version with the commit.
    pub(crate) fn build_version(&self) -> String {
        format!("{}+{}", self.version, self.commit)
    }

    /// A package by name and version.
    pub(crate) fn package(&self, name: &str, version: &str) -> Option<&Package> {
        let is_it = |package: &&Package| *package.name == name && package.version.to_string() == version;
        self.metadata.packages.iter().find(is_it)
    }
}

/// The version of the workspace.
pub(crate) fn version(metadata: &Metadata) -> Result<String> {
    let cli = metadata.packages.iter().find(|package| *package.name == "autotag-cli");
    Ok(cli.context("this workspace has no package `autotag-cli`")?.version.to_string())
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let text = output(Command::new("git").arg("-C").arg(root).args(arguments));
    Ok(text.context("a release is made from a git checkout")?.trim().to_owned())
}
