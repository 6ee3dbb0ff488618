//! The organizations of `make_organizations.py`, and their rows in a correct report.

use autotag_testkit::Emulator;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// The columns of the known report.
pub(crate) const HEADER: &str = "Account_Id,Account_Name,Org_ID,Tenant_Name,CSP,Billing_Account_State,Region_Group,\
                                 Regions,Tenant_ID,Environment,Aide_ID";

/// The management accounts.
pub(crate) const ALPHA: &str = "111122223333";
pub(crate) const BETA: &str = "022233334444";
pub(crate) const GAMMA: &str = "333344445555";

/// An emulator with the organizations in it.
#[derive(Debug)]
pub(crate) struct EmulatedAws {
    pub(crate) emulator: Emulator,
    made: Value,
}

/// The emulator in use, if there is one.
static SHARED: Mutex<Weak<EmulatedAws>> = Mutex::new(Weak::new());

impl EmulatedAws {
    /// The emulator that other tests use at the moment. The program only reads from it, except for the bucket, where each test has
    /// its own prefix. It ends with the last test that uses it; a `static` would leave it running.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let aws = Arc::new(Self::make());
            *shared = Arc::downgrade(&aws);
            aws
        })
    }

    fn make() -> Self {
        let emulator = Emulator::start(FOLDER).unwrap_or_else(|error| panic!("{error}"));
        let python = Emulator::python(FOLDER).unwrap_or_else(|error| panic!("{error}"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/make_organizations.py");
        let output = Command::new(python).arg(script).envs(emulator.environment()).output().unwrap();
        assert!(
            output.status.success(),
            "make_organizations.py: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self { emulator, made: serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// The id of a member account.
    pub(crate) fn id(&self, organization: &str, account: &str) -> &str {
        self.made[organization]["accounts"][account]
            .as_str()
            .unwrap_or_else(|| panic!("no account {account}"))
    }

    /// The ids of all member accounts of an organization.
    pub(crate) fn members(&self, organization: &str) -> Vec<&str> {
        self.made[organization]["accounts"].as_object().unwrap().values().filter_map(Value::as_str).collect()
    }

    /// A row of the known report. Texts are quoted as in the file. The name of the management account is moto's.
    pub(crate) fn row(&self, organization: &str, account: &str, row: Row<'_>) -> String {
        let of = |name: &str| self.made[organization][name].as_str().unwrap();
        let (id, management) = (of("id"), of("management"));
        let account = if account == "master" { management } else { self.id(organization, account) };
        let Row { name, state, group, regions, environment, aide_id } = row;
        format!(
            "{account},{name},{id},{management},AWS,{state},{group},{regions},{management},{environment},{aide_id}"
        )
    }

    /// The rows of alpha, as they are when nothing goes wrong.
    pub(crate) fn alpha(&self) -> Vec<String> {
        let there = |name, group, regions| Row { name, group, regions, ..Row::default() };
        let rows = [
            there("master", "US", "us-west-2"),
            Row { environment: "prod", aide_id: "A-100", ..there("web", "EU", "\"eu-north-1,eu-west-1\"") },
            there("data", "multi", "\"eu-west-2,us-east-1\""),
            there("files", "BR", "sa-east-1"),
            there("old files", "US", "us-east-1"),
            // Active in eu-central-1, which belongs to no group.
            there("far away", "", ""),
            there("untagged", "", ""),
            Row { state: "SUSPENDED", ..there("closed", "", "") },
        ];
        rows.into_iter().map(|row| self.row("alpha", row.name, row)).collect()
    }

    /// The rows of gamma, whose accounts have nothing but tags.
    pub(crate) fn gamma(&self) -> Vec<String> {
        const ENVIRONMENT: [&str; 6] = ["environment", "Environment", "ENVIRONMENT", "env", "Env", "ENV"];
        const AIDE_ID: [&str; 6] = ["aide-id", "AIDE_ID", "AIDE-ID", "aide_id", "aideId", "AideId"];
        let mut rows = vec![self.row("gamma", "master", Row { name: "master", ..Row::default() })];
        for (number, (environment, aide_id)) in ENVIRONMENT.into_iter().zip(AIDE_ID).enumerate() {
            let name = format!("variant {number}");
            let (environment, aide_id) =
                (format!("{environment} of {number}"), format!("{aide_id} of {number}"));
            let row = Row { name: &name, environment: &environment, aide_id: &aide_id, ..Row::default() };
            rows.push(self.row("gamma", &name, row));
        }
        for number in 0..16 {
            let name = format!("retired {number}");
            let row = Row { name: &name, state: "SUSPENDED", environment: "gone", ..Row::default() };
            rows.push(self.row("gamma", &name, row));
        }
        rows
    }
}

/// The content of a row besides the ids.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'r> {
    pub(crate) name: &'r str,
    pub(crate) state: &'r str,
    pub(crate) group: &'r str,
    pub(crate) regions: &'r str,
    pub(crate) environment: &'r str,
    pub(crate) aide_id: &'r str,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Self { name: "", state: "ACTIVE", group: "", regions: "", environment: "", aide_id: "" }
    }
}

/// The file that has these rows under this header.
pub(crate) fn csv(header: &str, rows: &[String]) -> String {
    let lines = std::iter::once(header).chain(rows.iter().map(String::as_str));
    lines.fold(String::new(), |text, line| text + line + "\r\n")
}
