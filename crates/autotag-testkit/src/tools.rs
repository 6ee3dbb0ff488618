//! Third-party checkers of CloudFormation templates and IAM policies.

use crate::venv::{CannotStart, Venv};
use std::path::{Path, PathBuf};

/// cfn-lint for templates, parliament for policies. A separate environment, because they need another botocore than the
/// emulator.
const VENV: Venv = Venv {
    name: "tools",
    packages: &[
        "cfn-lint==1.58.0",
        "parliament==1.6.4",
        // parliament imports `pkg_resources`, which later versions of setuptools lack.
        "setuptools==80.9.0",
        "boto3==1.44.5",
        "botocore==1.44.5",
        "pyyaml==6.0.4",
        // Parses Terraform files.
        "python-hcl2==8.1.4",
    ],
};

/// A database that runs queries of Athena, the parser that translates them, and the programs with which people ask plans.
const QUERIES: Venv = Venv {
    name: "queries",
    packages: &["duckdb==2.0.1", "sqlglot==30.30.0", "duckdb-cli==1.5.6", "jq==1.13.0"],
};

/// Checkers of the files of a release: its lists of components, and the workflows that make it.
const RELEASES: Venv = Venv {
    name: "releases",
    packages: &[
        "cyclonedx-python-lib[json-validation]==11.12.0",
        "check-jsonschema==0.39.0",
        "zizmor==1.32.0",
    ],
};

/// Pinned checkers of templates and policies.
#[derive(Debug, Clone)]
pub struct Tools {
    programs: PathBuf,
}

impl Tools {
    /// Installs the checkers, if necessary. `folder` as for [`Emulator::start`](crate::Emulator::start).
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        Ok(Self { programs: VENV.installed(Path::new(folder))? })
    }

    /// cfn-lint: the checker of CloudFormation templates.
    pub fn cfn_lint(&self) -> PathBuf {
        self.programs.join("cfn-lint")
    }

    /// parliament: the checker of IAM policies. It reports unknown actions only with `--string` and in its API (`import
    /// parliament` in [`python`](Self::python)). Its data also lists actions and resource types.
    pub fn parliament(&self) -> PathBuf {
        self.programs.join("parliament")
    }

    /// A Python with `duckdb`, `sqlglot` and `jq`, for queries in Athena's SQL and others; the program `duckdb` is beside it. `folder` as for
    /// [`Emulator::start`](crate::Emulator::start).
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn queries(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(QUERIES.installed(Path::new(folder))?.join("python3"))
    }

    /// The folder with the checkers of a release: a `python3` with `cyclonedx`, `check-jsonschema` and `zizmor`. `folder` as for
    /// [`Emulator::start`](crate::Emulator::start).
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn releases(folder: &str) -> Result<PathBuf, CannotStart> {
        RELEASES.installed(Path::new(folder))
    }

    /// A Python that can import all checkers.
    pub fn python(&self) -> PathBuf {
        self.programs.join("python3")
    }
}
