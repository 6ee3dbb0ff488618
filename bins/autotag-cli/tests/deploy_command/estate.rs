//! A folder with templates and packages, CloudFormation in memory, and the emulator for the rest.

use crate::common::{BIN, stderr, stdout};
use crate::formation::Formation;
use autotag_testkit::{Emulator, Proxy};
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) const HUB: &str = "eu-west-1";
pub(crate) const REGIONS: &str = "eu-central-1,us-east-1";

/// One stack of an account, as short as it can be.
const SINGLE: &str = r#"Parameters:
  Name:
    Type: String
    Default: autotag
  CodeBucket:
    Type: String
  TagHandlerKey:
    Type: String
  SessionHandlerKey:
    Type: String
  Release:
    Type: String
  LiveVersion:
    Type: String
    Default: ""
  MemorySize:
    Type: Number
    Default: 256
  AlarmTopicArn:
    Type: String
    Default: ""
  CreateLedger:
    Type: String
    Default: "false"
  CreateSessionTable:
    Type: String
    Default: "true"
  SessionTableName:
    Type: String
    Default: autotag-sessions
Resources:
  Queue:
    Type: AWS::SQS::Queue
  AlarmErrors:
    Type: AWS::CloudWatch::Alarm
  SessionTable:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
"#;

const REGION: &str = r#"Parameters:
  Name:
    Type: String
    Default: autotag
  HubBusArn:
    Type: String
  ForwardDeletions:
    Type: String
    Default: "false"
Resources:
  Rule:
    Type: AWS::Events::Rule
"#;

/// The parts of `org.yaml` that matter here.
const ORG: &str = "Parameters:
  Name:
    Type: String
    Default: autotag
  CodeBucket:
    Type: String
  Release:
    Type: String
  OrganizationId:
    Type: String
  TargetOus:
    Type: CommaDelimitedList
  Regions:
    Type: CommaDelimitedList
  CallAs:
    Type: String
  ExternalId:
    Type: String
  MemberTemplateUrl:
    Type: String
  RegionTemplateUrl:
    Type: String
Resources:
  MemberStackSet:
    Type: AWS::CloudFormation::StackSet
";

pub(crate) struct Estate {
    pub(crate) folder: TempDir,
    pub(crate) proxy: Proxy,
    pub(crate) formation: Formation,
    pub(crate) emulator: String,
    pub(crate) name: String,
}

/// Starts the emulator, which several estates may share.
pub(crate) fn emulator() -> Emulator {
    Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"))
}

impl Estate {
    pub(crate) fn new(emulator: &Emulator, name: &str) -> Self {
        let formation = Formation::new(&emulator.url());
        let proxy = Proxy::start(&emulator.url()).unwrap();
        let answering = formation.clone();
        proxy.route("/", move |call| answering.answer(call));
        let estate = Self {
            folder: TempDir::new().unwrap(),
            proxy,
            formation,
            emulator: emulator.url().trim_start_matches("http://").to_owned(),
            name: name.to_owned(),
        };
        for (path, text) in [("single", SINGLE), ("region", REGION), ("org", ORG), ("member", REGION)] {
            estate.write(&format!("templates/{path}.yaml"), text);
        }
        estate.package("1");
        estate
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Other packages, as another release has.
    pub(crate) fn package(&self, content: &str) {
        for name in ["tag-handler", "session-handler"] {
            self.write(&format!("dist/{name}.zip"), &format!("PK {name} {content}"));
        }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_in(HUB, args)
    }

    /// The command for a hub in another region.
    pub(crate) fn command_in(&self, hub: &str, args: &[&str]) -> Command {
        let mut command = Command::new(BIN);
        command.arg("deploy").args(["--name", &self.name, "--region", hub, "--pause", "1"]).args(args);
        command.envs(self.proxy.environment()).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// The arguments of a mode, with the templates of the folder if it deploys.
    pub(crate) fn with_templates<'a>(args: &[&'a str]) -> Vec<&'a str> {
        let without = ["--rollback", "--status", "--destroy"];
        let deploys = !args.iter().any(|arg| without.contains(arg));
        let templates: &[&str] = if deploys { &["--templates", "templates"] } else { &[] };
        [templates, args].concat()
    }

    pub(crate) fn deploy(&self, args: &[&str]) -> Output {
        self.command(&Self::with_templates(args)).output().unwrap()
    }

    /// Deploys to all regions, successfully.
    pub(crate) fn deployed(&self, args: &[&str]) -> Output {
        let output = self.deploy(&[&["--yes", "--regions", REGIONS], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        output
    }

    /// The stack of the hub.
    pub(crate) fn hub(&self, key: &str) -> String {
        self.formation.stack(HUB, &self.name).unwrap().parameters[key].clone()
    }

    /// A page of the emulator's S3.
    pub(crate) fn s3(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.emulator).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: s3.amazonaws.com\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// The names of the code buckets of this deployment.
    pub(crate) fn buckets(&self) -> Vec<String> {
        let prefix = format!("{}-code-", self.name);
        texts(&self.s3("/"), "Name").into_iter().filter(|name| name.starts_with(&prefix)).collect()
    }

    /// The keys in the code bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        let buckets = self.buckets();
        let [bucket] = buckets.as_slice() else { panic!("{buckets:?}") };
        texts(&self.s3(&format!("/{bucket}?list-type=2")), "Key")
    }

    /// The end state of a deployment: its stacks with their parameters, the tables, the keys in the bucket.
    pub(crate) fn end_state(&self) -> Vec<String> {
        let bucket = self.buckets().concat();
        let mut all: Vec<String> = self.formation.state(|state| {
            let there = state.stacks.iter().filter(|stack| stack.status != "DELETE_COMPLETE");
            let line = |stack: &crate::formation::Stack| {
                // An update that had nothing to do is none.
                let status = stack.status.replace("UPDATE_", "CREATE_");
                format!("{} {} {status} {:?}", stack.region, stack.name, stack.parameters)
            };
            there.map(line).chain(state.tables.iter().cloned()).collect()
        });
        all.extend(self.keys());
        all.sort();
        all.into_iter().map(|line| line.replace(&bucket, "BUCKET").replace(&self.name, "NAME")).collect()
    }
}

/// The texts of all elements of this name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned())).collect()
}

/// The JSON lines on stdout, as text: `STACK REGION RESULT`.
pub(crate) fn results(output: &Output) -> Vec<String> {
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}{}", text("stack"), text("region"), text("result"), text("step"))
    };
    stdout(output).lines().map(line).collect()
}
