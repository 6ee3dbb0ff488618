//! The notes of a release: its section of `CHANGELOG.md`.

use crate::cli::ReleaseNotesArgs;
use crate::project::version;
use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;
use std::fs;
use std::io::Write as _;

/// How the line of a section begins.
const SECTION: &str = "## [";

pub(crate) fn run(args: &ReleaseNotesArgs) -> Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec().context("cannot read the workspace")?;
    let version = match &args.version {
        Some(named) => named.trim_start_matches('v').to_owned(),
        None => version(&metadata)?,
    };
    let text = fs::read_to_string(metadata.workspace_root.join("CHANGELOG.md").as_std_path());
    let text = text.context("cannot read CHANGELOG.md")?;
    let section = section(&text, &version).with_context(|| {
        format!(
            "CHANGELOG.md has no section `## [{version}]`: rename `## [Unreleased]` when you make a release"
        )
    })?;
    let cli = metadata.packages.iter().find(|package| *package.name == "autotag-cli");
    let repository = cli.and_then(|package| package.repository.clone());
    let revision =
        if version.eq_ignore_ascii_case("unreleased") { "HEAD".to_owned() } else { format!("v{version}") };
    let notes = match repository {
        Some(repository) => absolute(&section, &format!("{repository}/blob/{revision}/")),
        None => section,
    };
    std::io::stdout().write_all(notes.as_bytes()).context("cannot write to stdout")
}

/// The text below the line `## [VERSION]`, up to the next such line.
fn section(changelog: &str, version: &str) -> Option<String> {
    let mut lines = changelog.lines();
    lines.find(|line| {
        let name = line.strip_prefix(SECTION).and_then(|rest| rest.split_once(']'));
        name.is_some_and(|(name, _)| name.eq_ignore_ascii_case(version))
    })?;
    let text: Vec<&str> = lines.take_while(|line| !line.starts_with(SECTION)).collect();
    Some(text.join("\n").trim().to_owned() + "\n")
}

/// Links to files of the repository, made to work on another page.
fn absolute(text: &str, repository: &str) -> String {
    let mut parts = text.split("](");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let target = part.split([')', ' ']).next().unwrap_or_default();
        let is_file = !target.contains("://") && !target.starts_with(['#', '<']);
        all.push_str("](");
        all.push_str(if is_file { repository } else { "" });
        all.push_str(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\nIntroduction.\n\n## [Unreleased]\n\n### Added\n\n- New.\n\n## [0.1.0] - 2026-11-30\n\n### Added\n\n- First, see \
                             [the page](docs/deploy.md#one) and [AWS](https://aws.amazon.com).\n";

    #[test]
    fn a_section_ends_where_the_next_one_begins() {
        assert_eq!(section(CHANGELOG, "unreleased").unwrap(), "### Added\n\n- New.\n");
        assert!(section(CHANGELOG, "0.1.0").unwrap().starts_with("### Added\n\n- First"));
        assert_eq!(section(CHANGELOG, "0.1"), None);
    }

    #[test]
    fn links_to_files_name_the_repository() {
        let text =
            absolute(&section(CHANGELOG, "0.1.0").unwrap(), "https://forge.example/autotag/blob/v0.1.0/");
        assert!(text.contains("](https://forge.example/autotag/blob/v0.1.0/docs/deploy.md#one)"), "{text}");
        assert!(text.contains("](https://aws.amazon.com)"), "{text}");
    }
}
