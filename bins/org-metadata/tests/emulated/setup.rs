//! The setup of one test: a proxy before the shared emulator, a folder, and runs of the program.

use crate::emulated_aws::EmulatedAws;
use autotag_testkit::{Call, Fault, Proxy, Reply};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use tempfile::TempDir;

/// The roles that the program assumes.
pub(crate) const ROLE: &str = "org-reader";
pub(crate) const MEMBER_ROLE: &str = "member-reader";

/// The bucket for reports.
pub(crate) const BUCKET: &str = "reports";

/// The enabled regions of all accounts, in two pages.
pub(crate) const REGIONS: [&str; 8] = [
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
];

/// A region that is not enabled.
pub(crate) const DISABLED: &str = "ap-east-1";

/// The setup of one test.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) aws: Arc<EmulatedAws>,
    pub(crate) proxy: Proxy,
    pub(crate) keys: Keys,
    folder: TempDir,
    prefix: &'static str,
    /// The calls to refuse or to change, and whether that happened.
    wanted: Mutex<Vec<(String, Arc<AtomicBool>)>>,
}

impl Setup {
    /// `prefix` is the test's own in the bucket.
    pub(crate) fn new(prefix: &'static str) -> Self {
        let aws = EmulatedAws::shared();
        let proxy = Proxy::start(&aws.emulator.url()).unwrap();
        let keys = Keys::default();
        proxy.route("/listRegions", list_regions);
        let learning = keys.clone();
        proxy.rewrite("/", move |call, reply| learning.learn(call, reply));
        proxy.keep_bodies();
        let wanted = Mutex::default();
        Self { aws, proxy, keys, folder: TempDir::new().unwrap(), prefix, wanted }
    }

    /// The folder of the report. It does not exist before the first run.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The folder that the program is started in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the program with these flags, and the usual ones where they do not say otherwise.
    pub(crate) fn run(&self, more: &[&str]) -> Run {
        let (bucket, out) = (format!("{BUCKET}/{}", self.prefix), self.out());
        let usual = [
            ("--role", ROLE),
            ("--member-role", MEMBER_ROLE),
            ("--table", "tenants"),
            ("--bucket", &bucket),
            ("--out", out.to_str().unwrap()),
        ];
        let mut args = more.to_vec();
        for (flag, value) in usual.into_iter().filter(|(flag, _)| !more.contains(flag)) {
            args.extend([flag, value]);
        }
        // An emulator takes any number of calls.
        for rate in ["ListTagsForResource=900", "GetResources=900", "ListAccounts=900"] {
            args.extend(["--rate", rate]);
        }
        self.run_bare(&args, &[])
    }

    /// Runs the program with these flags and variables, and those that lead to the emulator. An empty variable is none.
    pub(crate) fn run_bare(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let (none, some): (Vec<_>, Vec<_>) =
            variables.iter().copied().partition(|(_, value)| value.is_empty());
        let mut program = Command::new(env!("CARGO_BIN_EXE_org-metadata"));
        program.args(args).current_dir(self.folder());
        // Without the environment and the home folder of the person who runs the tests.
        program.env_clear().env("HOME", self.folder());
        program.envs(self.proxy.environment()).envs(some);
        for (name, _) in none {
            program.env_remove(name);
        }
        let output = program.output().unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            files: files(&self.out()),
        }
    }

    /// A flag to set when a fault or a change happens. A test whose fault never happens fails.
    fn wanted(&self, what: &str) -> Arc<AtomicBool> {
        let happened = Arc::new(AtomicBool::new(false));
        lock(&self.wanted).push((what.to_owned(), Arc::clone(&happened)));
        happened
    }

    /// Refuses the calls that this names, given the account they are made in; "" for the default account.
    pub(crate) fn refuse(
        &self,
        code: &'static str,
        which: impl Fn(&Call, &str) -> bool + Send + Sync + 'static,
    ) {
        let (keys, happened) = (self.keys.clone(), self.wanted(code));
        self.proxy.rule(move |call| {
            let refused = which(call, &keys.account(call));
            happened.fetch_or(refused, Ordering::Relaxed);
            let message = "not authorized".to_owned();
            refused.then(|| Fault::Refused { status: 403, code: code.to_owned(), message })
        });
    }

    /// Changes the JSON answers of one operation, given the account it is called in.
    pub(crate) fn change(
        &self,
        operation: &'static str,
        change: impl Fn(&Call, &str, &mut Value) + Send + Sync + 'static,
    ) {
        let (keys, happened) = (self.keys.clone(), self.wanted(operation));
        self.proxy.rewrite("/", move |call, mut reply| {
            if call.operation == operation {
                let mut answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let before = answer.clone();
                change(call, &keys.account(call), &mut answer);
                happened.fetch_or(answer != before, Ordering::Relaxed);
                reply.body = answer.to_string().into();
            }
            reply
        });
    }

    /// The accounts whose roles were asked for since the test began, in order.
    pub(crate) fn entered(&self) -> Vec<String> {
        let calls = self.proxy.calls();
        calls.iter().filter_map(asked_for).map(|(account, _)| account).collect()
    }

    /// The calls of one operation since the test began.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Call> {
        self.proxy.calls().into_iter().filter(|call| call.operation == operation).collect()
    }

    /// The objects under the test's prefix, by name without it.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
            .endpoint_url(self.aws.emulator.url())
            .force_path_style(true)
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(config);
        let prefix = format!("{}/", self.prefix);
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let listed = s3.list_objects_v2().bucket(BUCKET).prefix(&prefix).send().await.unwrap();
            let mut objects = BTreeMap::new();
            for key in listed.contents().iter().filter_map(|object| object.key()) {
                let object = s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
                let body = object.body.collect().await.unwrap().to_vec();
                objects.insert(key.strip_prefix(&prefix).unwrap().to_owned(), body);
            }
            objects
        })
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        for (what, happened) in lock(&self.wanted).iter() {
            assert!(
                happened.load(Ordering::Relaxed),
                "the test shows nothing: {what} was never refused or changed"
            );
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Of the report, and of earlier runs in the same place, by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Run {
    /// Ends the test if the run has not ended like this.
    #[track_caller]
    pub(crate) fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The only file whose name begins and ends like this.
    #[track_caller]
    pub(crate) fn file(&self, start: &str, end: &str) -> &[u8] {
        let fits = |name: &str| name.starts_with(start) && name.ends_with(end);
        let found: Vec<_> = self.files.iter().filter(|(name, _)| fits(name)).collect();
        match found.as_slice() {
            [(_, bytes)] => bytes,
            _ => panic!("{start}*{end} among {:?}\n{}", self.files.keys(), self.stderr),
        }
    }

    /// The CSV of an organization.
    #[track_caller]
    pub(crate) fn csv(&self, management: &str) -> &str {
        let file = self.file(&format!("aws-{management}-account-metadata-report-"), ".csv");
        std::str::from_utf8(file).unwrap()
    }

    #[track_caller]
    pub(crate) fn manifest(&self) -> Value {
        serde_json::from_slice(self.file("aws-org-metadata-", ".manifest.json")).unwrap()
    }

    /// The missing data of an account in the manifest, as `about operation code`, with the region where there is one.
    #[track_caller]
    pub(crate) fn errors(&self, account: &str) -> Vec<String> {
        let manifest = self.manifest();
        let errors = manifest["errors"].as_array().unwrap().iter();
        let of_account = errors.filter(|error| error["account"] == account);
        let words = of_account.map(|error| {
            let words = ["about", "region", "operation", "code"].map(|name| error[name].as_str());
            words.into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        words.collect()
    }

    /// The JSON lines.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<Value> {
        let lines = std::str::from_utf8(self.file("aws-org-metadata-", ".jsonl")).unwrap().lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Fails if no line of stderr has all of these words.
    #[track_caller]
    pub(crate) fn said(&self, words: &[&str]) {
        let all = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(self.stderr.lines().any(all), "{words:?} is in no line of:\n{}", self.stderr);
    }

    /// The names of the files, without those that are not part of a report.
    pub(crate) fn report(&self) -> Vec<&str> {
        let other = |name: &str| name.starts_with('.') || name.contains(".unfinished.");
        self.files.keys().map(String::as_str).filter(|name| !other(name)).collect()
    }
}

/// True if a file is the table of an organization.
pub(crate) fn is_csv(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "csv")
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let entries = entries.map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Which account an access key is for: learnt from the answers of `AssumeRole`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Arc<Mutex<BTreeMap<String, String>>>);

impl Keys {
    fn learn(&self, call: &Call, reply: Reply) -> Reply {
        let body = String::from_utf8_lossy(&reply.body);
        if let (Some((account, _)), Some(key)) = (asked_for(call), between(&body, "AccessKeyId")) {
            lock(&self.0).insert(key.to_owned(), account);
        }
        reply
    }

    /// The account that a call is made in; "" for the default one.
    pub(crate) fn account(&self, call: &Call) -> String {
        lock(&self.0).get(&call.access_key).cloned().unwrap_or_default()
    }

    /// All access keys that were given out.
    pub(crate) fn all(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }
}

/// The account and the name of the role that a call asks for, if it is such a call.
pub(crate) fn asked_for(call: &Call) -> Option<(String, String)> {
    let role = (call.operation == "AssumeRole").then(|| call.field("RoleArn")).flatten()?;
    let account = role.split(':').nth(4)?.to_owned();
    Some((account, role.split_once('/')?.1.to_owned()))
}

/// The text of an XML element without attributes.
pub(crate) fn between<'t>(text: &'t str, element: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{element}>"))?;
    Some(rest.split_once(&format!("</{element}>"))?.0)
}

/// The Account API, which moto lacks.
fn list_regions(call: &Call) -> Option<Reply> {
    if call.service != "account" || call.method != "POST" || call.region != "us-east-1" {
        return None;
    }
    let asked = call.json();
    let wanted = |status: &str| {
        let statuses = asked["RegionOptStatusContains"].as_array();
        statuses.is_none_or(|statuses| statuses.iter().any(|wanted| wanted == status))
    };
    let region = |name: &str| {
        let status = match name {
            DISABLED => "DISABLED",
            "eu-central-1" => "ENABLED",
            _ => "ENABLED_BY_DEFAULT",
        };
        wanted(status).then(|| json!({ "RegionName": name, "RegionOptStatus": status }))
    };
    let (first, second) = REGIONS.split_at(3);
    let (page, next) = if asked["NextToken"] == "rest" { (second, None) } else { (first, Some("rest")) };
    let regions: Vec<Value> = page.iter().copied().chain([DISABLED]).filter_map(region).collect();
    Some(Reply::json(200, &json!({ "Regions": regions, "NextToken": next })))
}
