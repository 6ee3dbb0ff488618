//! The programs of a release.

use clap::ValueEnum;

/// A program of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Program {
    Autotag,
    OrgMetadata,
    TagHandler,
    SessionHandler,
}

/// Programs that are compiled together, with the same profile and for the same target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Programs that people start.
    Tools,
    /// Lambda functions.
    Functions,
}

impl Program {
    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::Autotag, Self::OrgMetadata, Self::TagHandler, Self::SessionHandler];

    /// The name of the program, and of its file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Autotag => "autotag",
            Self::OrgMetadata => "org-metadata",
            Self::TagHandler => "tag-handler",
            Self::SessionHandler => "session-handler",
        }
    }

    /// The name of its package in the workspace.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Autotag => "autotag-cli",
            other => other.name(),
        }
    }

    /// The programs that are compiled with it.
    pub(crate) fn group(self) -> Group {
        match self {
            Self::Autotag | Self::OrgMetadata => Group::Tools,
            Self::TagHandler | Self::SessionHandler => Group::Functions,
        }
    }

    /// The page that becomes `README.md` in its archive.
    pub(crate) fn page(self) -> &'static str {
        match self {
            Self::OrgMetadata => "docs/org-metadata.md",
            _ => "README.md",
        }
    }
}

impl Group {
    /// The profile in the top `Cargo.toml`, which is also the name of cargo's folder.
    pub(crate) fn profile(self) -> &'static str {
        match self {
            Self::Tools => "release",
            Self::Functions => "lambda",
        }
    }

    /// The target if none is named. musl makes programs that need no library of the machine. The functions use the C library of
    /// Lambda's runtime, because its memory allocator is faster with several threads.
    pub(crate) fn default_target(self, processor: &str) -> String {
        match self {
            Self::Tools => format!("{processor}-unknown-linux-musl"),
            Self::Functions => format!("{processor}-unknown-linux-gnu"),
        }
    }
}

/// The name that Lambda has for the processor of a target.
pub(crate) fn lambda_architecture(target: &str) -> &str {
    match target.split('-').next() {
        Some("aarch64") => "arm64",
        Some(other) => other,
        None => target,
    }
}
