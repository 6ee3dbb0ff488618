//! A whole deployment in an emulated AWS, made as the templates make it: two regions, the hub's account and a member.

use crate::simulator::Simulator;
use autotag_aws::signed::{self, JsonApi, Request};
use autotag_aws::{Accounts, AssumedRole, MemberRole, Settings};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_testkit::{Emulator, Proxy, Reply};
use aws_config::SdkConfig;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

pub const BIN: &str = env!("CARGO_BIN_EXE_autotag");

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";
pub const HUB: &str = "eu-west-1";
pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

pub const TAGGER: &str = "autotag-tag-handler";
pub const KEEPER: &str = "autotag-session-handler";
pub const EXTERNAL_ID: &str = "e-17";

pub fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

/// Somebody's hand on AWS.
#[derive(Debug, Clone)]
pub struct Hand {
    config: SdkConfig,
}

impl Hand {
    pub async fn json(&self, api: JsonApi, operation: &str, at: &str, input: Value) -> Value {
        let request = Request::json(api, operation, &region(at), &input);
        signed::send_json(&self.config, request).await.unwrap_or_else(|error| panic!("{error}: {input}"))
    }

    pub async fn form(&self, service: &str, operation: &str, fields: &[(&str, &str)]) -> String {
        let encoded = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = Request::query(service, operation, &region("us-east-1"), &fields.join("&"));
        signed::send(&self.config, request).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn iam(&self, operation: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<(&str, &str)> = [("Version", "2010-05-08")].iter().chain(fields).copied().collect();
        self.form("iam", operation, &fields).await
    }

    pub async fn lambda(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/2015-03-31/functions{path}");
        let mut request = Request::rest_json("lambda", "Lambda", &region(HUB), &path, &body);
        request.method = method.to_owned();
        if method == "GET" || method == "DELETE" {
            request.body = String::new();
        }
        signed::send_json(&self.config, request)
            .await
            .unwrap_or_else(|error| panic!("{error}: {method} {path}"))
    }

    pub async fn role(&self, name: &str, trusted: &Value, statements: Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": [trusted]}).to_string();
        self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)]).await;
        self.allow(name, statements).await;
    }

    pub async fn allow(&self, role: &str, statements: Value) {
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let fields = [("RoleName", role), ("PolicyName", "needed"), ("PolicyDocument", &policy)];
        self.iam("PutRolePolicy", &fields).await;
    }
}

/// What can be done to what moto does not keep: the mappings of event sources, and states of functions.
#[derive(Debug, Default)]
pub struct Kept {
    pub mappings: Vec<Value>,
    /// The whole configuration of a function that is to be told instead of moto's.
    pub function: Option<(String, Value)>,
}

/// The deployment.
pub struct World {
    pub proxy: Proxy,
    _emulator: Emulator,
    pub hub: Hand,
    pub member: Hand,
    pub member_account: String,
    pub kept: Arc<Mutex<Kept>>,
    pub patterns: Vec<Value>,
    pub sessions: Value,
    pub version: String,
    folder: tempfile::TempDir,
}

pub fn queue_arn(at: &str, account: &str, name: &str) -> String {
    format!("arn:aws:sqs:{at}:{account}:{name}")
}

pub fn bus_arn() -> String {
    format!("arn:aws:events:{HUB}:{ACCOUNT}:event-bus/autotag")
}

fn service(name: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": name}, "Action": "sts:AssumeRole"})
}

pub fn rules_send(arn: &str, rules: &str) -> Value {
    json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnLike": {"aws:SourceArn": rules}}}]})
}

/// Whom the member's role lets in.
pub fn trust(external_id: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/{TAGGER}")},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": external_id}}})
}

async fn config(url: &str) -> SdkConfig {
    let loaded = Accounts::connect(Settings::default()).await;
    let credentials = aws_credential_types::Credentials::new("testing", "testing", None, None, "test");
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(HUB))
        .endpoint_url(url)
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .http_client(loaded.ambient().http_client().unwrap())
        .sleep_impl(loaded.ambient().sleep_impl().unwrap())
        .identity_cache(loaded.ambient().identity_cache().unwrap())
        .time_source(loaded.ambient().time_source().unwrap())
        .build()
}

impl World {
    /// A healthy deployment.
    pub async fn new() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        let simulator = Simulator::default();
        proxy.route("/", move |call| simulator.answer(call));
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let told = Arc::clone(&kept);
        proxy.route("/2015-03-31/", move |call| {
            let kept = told.lock().unwrap();
            if call.path.starts_with("/2015-03-31/event-source-mappings") {
                return Some(Reply::json(200, &json!({"EventSourceMappings": kept.mappings})));
            }
            let (name, config) = kept.function.as_ref()?;
            let is =
                call.method == "GET" && call.path == format!("/2015-03-31/functions/{name}/configuration");
            is.then(|| Reply::json(200, config))
        });
        let config = config(&proxy.url()).await;
        let hub = Hand { config: config.clone() };
        let ordered = hub
            .json(signed::ORGANIZATIONS, "CreateOrganization", "us-east-1", json!({"FeatureSet": "ALL"}))
            .await;
        assert!(ordered["Organization"].is_object(), "{ordered}");
        let made = hub
            .json(
                signed::ORGANIZATIONS,
                "CreateAccount",
                "us-east-1",
                json!({"Email": "team@example.com", "AccountName": "team"}),
            )
            .await;
        let member_account = made["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned();
        // Moto lets anybody into any role.
        let look = MemberRole { name: "autotag-look".to_owned(), external_id: None, session_policy: None };
        let account = AccountId::new(&member_account).unwrap();
        let look = Arc::new(AssumedRole::new(&config, &Partition::default(), &account, &look, "test"));
        let member = Hand { config: look.config(&config) };
        let folder = generated();
        let (patterns, sessions) = patterns(folder.path());
        let version = version(folder.path());
        let world = Self {
            proxy,
            _emulator: emulator,
            hub,
            member,
            member_account,
            kept,
            patterns,
            sessions,
            version,
            folder,
        };
        world.deploy().await;
        world
    }

    async fn deploy(&self) {
        for (hand, account) in [(&self.hub, ACCOUNT), (&self.member, self.member_account.as_str())] {
            trail(hand, account).await;
            let forward = json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn()}]);
            hand.role("autotag-forward", &service("events.amazonaws.com"), forward).await;
        }
        self.bus().await;
        self.consumer(TAGGER, "autotag-tag", "autotag-creations-*").await;
        self.consumer(KEEPER, "autotag-session", "autotag-sessions").await;
        self.table().await;
        for at in REGIONS {
            for (hand, account) in [(&self.hub, ACCOUNT), (&self.member, self.member_account.as_str())] {
                self.forward(hand, account, at).await;
            }
        }
        self.hub_rules().await;
        let member = self.member_needs();
        self.member.role("autotag-member", &trust(EXTERNAL_ID), member).await;
    }

    async fn bus(&self) {
        self.hub.json(signed::EVENTS, "CreateEventBus", HUB, json!({"Name": "autotag"})).await;
        self.bus_policy(&[ACCOUNT, &self.member_account]).await;
    }

    /// Lets accounts in.
    pub async fn bus_policy(&self, accounts: &[&str]) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "in", "Effect": "Allow",
            "Principal": {"AWS": accounts}, "Action": "events:PutEvents", "Resource": bus_arn()}]});
        let input = json!({"EventBusName": "autotag", "Policy": policy.to_string()});
        self.hub.json(signed::EVENTS, "PutPermission", HUB, input).await;
    }

    pub async fn queue(hand: &Hand, at: &str, name: &str, attributes: Value) -> String {
        let input = json!({"QueueName": name, "Attributes": attributes});
        let answer = hand.json(signed::SQS, "CreateQueue", at, input).await;
        answer["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// Moto forgets the policy when other attributes are set.
    pub async fn set(&self, queue: &str, mut attributes: Value) {
        if attributes.get("Policy").is_none() {
            let input = json!({"QueueUrl": self.url(queue), "AttributeNames": ["Policy"]});
            let there = self.hub.json(signed::SQS, "GetQueueAttributes", HUB, input).await;
            attributes["Policy"] = there["Attributes"]["Policy"].clone();
        }
        let input = json!({"QueueUrl": self.url(queue), "Attributes": attributes});
        self.hub.json(signed::SQS, "SetQueueAttributes", HUB, input).await;
    }

    pub fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.proxy.url())
    }

    pub async fn send(&self, queue: &str, body: &str, attributes: Value) {
        let input =
            json!({"QueueUrl": self.url(queue), "MessageBody": body, "MessageAttributes": attributes});
        self.hub.json(signed::SQS, "SendMessage", HUB, input).await;
    }

    async fn consumer(&self, function: &str, queue: &str, rules: &str) {
        let dead = format!("{queue}-dead");
        Self::queue(&self.hub, HUB, &dead, json!({})).await;
        let (arn, dead_arn) = (queue_arn(HUB, ACCOUNT, queue), queue_arn(HUB, ACCOUNT, &dead));
        let rules = format!("arn:aws:events:{HUB}:{ACCOUNT}:rule/autotag/{rules}");
        let attributes = json!({"VisibilityTimeout": "360", "Policy": rules_send(&arn, &rules).to_string(),
            "RedrivePolicy": json!({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5}).to_string()});
        Self::queue(&self.hub, HUB, queue, attributes).await;
        self.hub.role(function, &service("lambda.amazonaws.com"), self.needs(function)).await;
        let function_arn = format!("arn:aws:lambda:{HUB}:{ACCOUNT}:function:{function}");
        let code = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";
        let body = json!({"FunctionName": function, "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/{function}"), "Timeout": 60, "MemorySize": 256,
            "Code": {"ZipFile": code}, "Environment": {"Variables": self.environment(function)}});
        self.hub.lambda("POST", "", body).await;
        self.release(function).await;
        self.kept.lock().unwrap().mappings.push(json!({"UUID": format!("mapping-of-{function}"),
            "EventSourceArn": arn, "FunctionArn": format!("{function_arn}:live"), "State": "Enabled",
            "FunctionResponseTypes": ["ReportBatchItemFailures"]}));
    }

    /// A new version behind the alias.
    async fn release(&self, function: &str) {
        let version = self.hub.lambda("POST", &format!("/{function}/versions"), json!({})).await;
        let body = json!({"Name": "live", "FunctionVersion": version["Version"]});
        self.hub.lambda("POST", &format!("/{function}/aliases"), body).await;
    }

    pub fn environment(&self, function: &str) -> Value {
        if function == KEEPER {
            return json!({"AUTOTAG_SESSION_TABLE": "autotag-sessions", "AUTOTAG_SESSION_REGION": "",
                "AUTOTAG_DEAD_LETTER_QUEUE_URL": self.url("autotag-session-dead"), "AUTOTAG_MAX_RECEIVES": "5"});
        }
        json!({"AUTOTAG_ACCOUNTS": self.member_account, "AUTOTAG_MEMBER_ROLE": "autotag-member",
            "AUTOTAG_EXTERNAL_ID": EXTERNAL_ID, "AUTOTAG_SESSION_TABLE": "autotag-sessions",
            "AUTOTAG_SESSION_REGION": "", "AUTOTAG_SECOND_LOOK_QUEUE_URL": self.url("autotag-tag"),
            "AUTOTAG_DEAD_LETTER_QUEUE_URL": self.url("autotag-tag-dead"), "AUTOTAG_MAX_RECEIVES": "5"})
    }

    /// Another environment, live.
    pub async fn tell(&self, function: &str, changes: Value) {
        let mut variables = self.environment(function);
        for (name, value) in changes.as_object().unwrap() {
            variables[name] = value.clone();
        }
        let body = json!({"Environment": {"Variables": variables}});
        self.hub.lambda("PUT", &format!("/{function}/configuration"), body).await;
        let version = self.hub.lambda("POST", &format!("/{function}/versions"), json!({})).await;
        let body = json!({"FunctionVersion": version["Version"]});
        self.hub.lambda("PUT", &format!("/{function}/aliases/live"), body).await;
    }

    /// The statements of a function's role.
    pub fn needs(&self, function: &str) -> Value {
        let queue = if function == TAGGER { "autotag-tag" } else { "autotag-session" };
        let table = format!("arn:aws:dynamodb:{HUB}:{ACCOUNT}:table/autotag-sessions");
        let mut statements = vec![
            json!({"Effect": "Allow", "Resource": queue_arn(HUB, ACCOUNT, queue),
                "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"]}),
            json!({"Effect": "Allow", "Action": "sqs:SendMessage",
                "Resource": queue_arn(HUB, ACCOUNT, &format!("{queue}-dead"))}),
        ];
        if function == KEEPER {
            statements.push(json!({"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}));
            return json!(statements);
        }
        let members = "arn:aws:iam::*:role/autotag-member";
        statements.extend([
            json!({"Effect": "Allow", "Action": "dynamodb:Query", "Resource": table}),
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": members}),
        ]);
        for family in ["tag", "read"] {
            statements.extend(self::statements(self.folder.path(), family, ACCOUNT));
        }
        json!(statements)
    }

    /// A file that `autotag generate` writes.
    pub fn generated(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The statements of the role in the member account.
    pub fn member_needs(&self) -> Value {
        let of = |family| statements(self.folder.path(), family, &self.member_account);
        json!([of("tag"), of("read")].concat())
    }

    pub async fn table(&self) {
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let input = json!({"TableName": "autotag-sessions", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [text("role_session"), text("issued")],
            "KeySchema": [key("role_session", "HASH"), key("issued", "RANGE")]});
        self.hub.json(signed::DYNAMODB, "CreateTable", HUB, input).await;
        self.expiry(true).await;
    }

    pub async fn expiry(&self, on: bool) {
        let input = json!({"TableName": "autotag-sessions",
            "TimeToLiveSpecification": {"Enabled": on, "AttributeName": "expires_at"}});
        self.hub.json(signed::DYNAMODB, "UpdateTimeToLive", HUB, input).await;
    }

    /// What region.yaml makes.
    async fn forward(&self, hand: &Hand, account: &str, at: &str) {
        let dead = queue_arn(at, account, "autotag-forward-dead");
        let rules = format!("arn:aws:events:{at}:{account}:rule/autotag-*");
        let policy = rules_send(&dead, &rules).to_string();
        Self::queue(hand, at, "autotag-forward-dead", json!({"Policy": policy})).await;
        let role = format!("arn:aws:iam::{account}:role/autotag-forward");
        let target =
            json!({"Id": "hub", "Arn": bus_arn(), "RoleArn": role, "DeadLetterConfig": {"Arn": dead}});
        for (name, pattern) in self.all_patterns() {
            self.rule(hand, at, "default", &name, pattern, &target).await;
        }
    }

    async fn hub_rules(&self) {
        for (dead, rules) in
            [("autotag-rule-dead", "autotag-creations-*"), ("autotag-session-rule-dead", "autotag-sessions")]
        {
            let arn = queue_arn(HUB, ACCOUNT, dead);
            let rules = format!("arn:aws:events:{HUB}:{ACCOUNT}:rule/autotag/{rules}");
            let policy = rules_send(&arn, &rules).to_string();
            Self::queue(&self.hub, HUB, dead, json!({"Policy": policy})).await;
        }
        let target = |queue: &str, dead: &str| {
            json!({"Id": "queue", "Arn": queue_arn(HUB, ACCOUNT, queue),
                "DeadLetterConfig": {"Arn": queue_arn(HUB, ACCOUNT, dead)}})
        };
        let tag = target("autotag-tag", "autotag-rule-dead");
        let session = target("autotag-session", "autotag-session-rule-dead");
        for (name, pattern) in self.all_patterns() {
            let target = if name == "autotag-sessions" { &session } else { &tag };
            self.rule(&self.hub, HUB, "autotag", &name, pattern, target).await;
        }
    }

    pub fn all_patterns(&self) -> Vec<(String, &Value)> {
        let creations =
            self.patterns.iter().zip(1..).map(|(pattern, n)| (format!("autotag-creations-{n}"), pattern));
        creations.chain([("autotag-sessions".to_owned(), &self.sessions)]).collect()
    }

    pub async fn rule(&self, hand: &Hand, at: &str, bus: &str, name: &str, pattern: &Value, target: &Value) {
        let input = json!({"Name": name, "EventBusName": bus, "EventPattern": pattern.to_string(),
            "State": "ENABLED", "Tags": [{"Key": "autotag-catalogue", "Value": self.version}]});
        hand.json(signed::EVENTS, "PutRule", at, input).await;
        let input = json!({"Rule": name, "EventBusName": bus, "Targets": [target]});
        hand.json(signed::EVENTS, "PutTargets", at, input).await;
    }

    /// A metric of a minute ago.
    pub async fn metric(&self, namespace: &str, name: &str, dimension: (&str, &str), value: f64) {
        let fields = [
            ("Version", "2010-08-01"),
            ("Namespace", namespace),
            ("MetricData.member.1.MetricName", name),
            ("MetricData.member.1.Value", &value.to_string()),
            ("MetricData.member.1.Dimensions.member.1.Name", dimension.0),
            ("MetricData.member.1.Dimensions.member.1.Value", dimension.1),
        ];
        let encoded: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                format!(
                    "{name}={}",
                    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
                )
            })
            .collect();
        let request = Request::query("monitoring", "PutMetricData", &region(HUB), &encoded.join("&"));
        signed::send(&self.hub.config, request).await.unwrap();
    }

    /// Runs doctor over it.
    pub fn doctor(&self, more: &[&str]) -> Output {
        let mut command = Command::new(BIN);
        command.args(["doctor", "--look-in-role", "autotag-look"]).args(more);
        command.envs(self.proxy.environment()).stdin(Stdio::null());
        command.output().unwrap()
    }
}

async fn trail(hand: &Hand, account: &str) {
    let bucket = format!("trail-of-{account}");
    let mut request = Request::new("s3", "CreateBucket", &region("us-east-1"), "PUT", &format!("/{bucket}"));
    request.body = String::new();
    signed::send(&hand.config, request).await.unwrap();
    let input = json!({"Name": "everything", "S3BucketName": bucket, "IsMultiRegionTrail": true});
    hand.json(signed::CLOUDTRAIL, "CreateTrail", HUB, input).await;
    hand.json(signed::CLOUDTRAIL, "StartLogging", HUB, json!({"Name": "everything"})).await;
    select(hand, json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])).await;
}

/// Which events a trail takes.
pub async fn select(hand: &Hand, selectors: Value) {
    let input = json!({"TrailName": "everything", "EventSelectors": selectors});
    hand.json(signed::CLOUDTRAIL, "PutEventSelectors", HUB, input).await;
}

/// What `autotag generate` writes.
fn generated() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(BIN).args(["generate", "--out"]).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// The patterns of the rules, and of the one for sessions.
fn patterns(folder: &Path) -> (Vec<Value>, Value) {
    let read = |path: &Path| serde_json::from_str::<Value>(&std::fs::read_to_string(path).ok()?).ok();
    let folder = folder.join("event-patterns");
    let creations = (1..).map_while(|n| read(&folder.join(format!("creations-{n}.json"))));
    (creations.collect(), read(&folder.join("sessions.json")).unwrap())
}

/// The version of the catalogue that the rules are stamped with.
fn version(folder: &Path) -> String {
    let template = std::fs::read_to_string(folder.join("region.yaml")).unwrap();
    let (_, rest) = template.split_once("Key: autotag-catalogue, Value: \"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The statements of the generated policies of this family, for an account.
fn statements(folder: &Path, family: &str, account: &str) -> Vec<Value> {
    let read = |n: u32| std::fs::read_to_string(folder.join(format!("iam/{family}-{n}.json"))).ok();
    let texts: Vec<String> = (1..).map_while(read).collect();
    let all = texts.iter().flat_map(|text| {
        // The policies alone are for any account.
        let policy: Value = serde_json::from_str(text).unwrap();
        policy["Statement"].as_array().unwrap().clone()
    });
    let mut all: Vec<Value> = all.collect();
    assert!(!all.is_empty(), "no policies of the family {family}");
    for statement in &mut all {
        for resource in statement["Resource"].as_array_mut().unwrap() {
            let mut parts: Vec<&str> = resource.as_str().unwrap().splitn(6, ':').collect();
            if parts.len() == 6 && parts[4] == "*" {
                parts[4] = account;
            }
            *resource = parts.join(":").into();
        }
    }
    all
}

/// Now, as records write it.
#[expect(clippy::disallowed_methods, reason = "the function compares the record with its own clock")]
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
