//! What checks the files of a deployment: programs of others, that know AWS's rules better than we do.

use crate::venv::{CannotStart, Venv};
use std::path::{Path, PathBuf};

/// What is installed: cfn-lint for templates, parliament for policies. In an environment of their own, as they want another
/// botocore than the emulator.
const VENV: Venv = Venv {
    name: "tools",
    packages: &[
        "cfn-lint==1.58.0",
        "parliament==1.6.4",
        // parliament finds its data by `pkg_resources`, which later versions do not have.
        "setuptools==80.9.0",
        "boto3==1.44.5",
        "botocore==1.44.5",
        "pyyaml==6.0.4",
        // Reads the files for Terraform.
        "python-hcl2==8.1.4",
    ],
};

/// Pinned checkers of templates and policies.
#[derive(Debug, Clone)]
pub struct Tools {
    programs: PathBuf,
}

impl Tools {
    /// Installs them, if need be. `folder` is where the virtual environment lives, for all tests together: the build's own,
    /// `env!("CARGO_TARGET_TMPDIR")`.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        Ok(Self { programs: VENV.installed(Path::new(folder))? })
    }

    /// The checker of CloudFormation templates.
    pub fn cfn_lint(&self) -> PathBuf {
        self.programs.join("cfn-lint")
    }

    /// The checker of policies. It reports actions that do not exist only by `--string` and by its API: `import parliament`
    /// in [`python`](Self::python), whose data also says which actions and types of resources there are.
    pub fn parliament(&self) -> PathBuf {
        self.programs.join("parliament")
    }

    /// The Python that can import all of them.
    pub fn python(&self) -> PathBuf {
        self.programs.join("python3")
    }
}
