//! A whole deployment in an emulated AWS, as the templates create it: two regions, the hub's account and a member account.

use crate::client::{AwsClient, config, region};
use crate::common::generated;
use crate::generated::{patterns, statements, version};
use crate::names::{
    ACCOUNT, BIN, EXTERNAL_ID, HUB, REGIONS, SESSION_HANDLER, TAG_HANDLER, global_region, partition,
};
use crate::simulator::Simulator;
use autotag_aws::signed::{self, Request};
use autotag_aws::{AssumedRole, MemberRole};
use autotag_model::arn::{AccountId, Partition};
use autotag_testkit::{Emulator, Proxy, Reply};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

/// How many resources of a stack one answer has: at AWS 100.
const PAGE: usize = 2;

/// Answers in place of moto's: it has no event source mappings, no failed functions, no event history and no account settings.
#[derive(Debug)]
pub struct Overrides {
    /// The alarms of the hub's region.
    pub alarms: Vec<Value>,
    /// The ARNs of the subscriptions of the alarms' topic.
    pub subscriptions: Vec<&'static str>,
    /// The event history of a region.
    pub history: Vec<(&'static str, Value)>,
    /// The concurrency that the account has without reservations.
    pub unreserved: u64,
    /// The reserved concurrency of all functions.
    pub reserved: Option<u64>,
    /// Values of metrics by name, each with its age in seconds. Only the metrics in it are answered.
    pub metrics: Vec<(&'static str, Vec<(u64, f64)>)>,
    /// The rules with the metric `FailedInvocations`: region, name, and the bus unless it is the default one.
    pub failing: Vec<(&'static str, &'static str, Option<&'static str>)>,
    /// The status and the reason of each instance of the stack set of regions. Empty: there is no stack set.
    pub instances: Vec<(&'static str, &'static str)>,
    /// The answer to `DescribeStacks`, by the name of the stack: its status, parameters and resources.
    pub stacks: Vec<Stack>,
    pub mappings: Vec<Value>,
    /// The configuration of a function.
    pub function: Option<(String, Value)>,
}

/// A stack of `CloudFormation`.
#[derive(Debug, Clone)]
pub struct Stack {
    pub name: &'static str,
    pub status: &'static str,
    pub parameters: Vec<(&'static str, &'static str)>,
    /// Logical and physical ids.
    pub resources: Vec<(&'static str, String)>,
}

pub const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:autotag";

/// An alarm as the templates make it.
pub fn alarm(name: &str) -> Value {
    json!({"AlarmName": name, "ActionsEnabled": true, "AlarmActions": [TOPIC], "StateValue": "OK"})
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            alarms: vec![alarm("autotag-errors"), alarm("autotag-dead-letters")],
            subscriptions: vec!["arn:aws:sns:eu-west-1:123456789012:autotag:1b2c"],
            history: Vec::new(),
            unreserved: 1000,
            reserved: None,
            metrics: Vec::new(),
            failing: Vec::new(),
            instances: Vec::new(),
            stacks: Vec::new(),
            mappings: Vec::new(),
            function: None,
        }
    }
}

impl Overrides {
    /// The answer to a call of an API that moto lacks.
    fn answer(&self, call: &autotag_testkit::Call) -> Option<Reply> {
        match (call.service.as_str(), call.operation.as_str()) {
            ("cloudtrail", "LookupEvents") => {
                let here = self.history.iter().filter(|(region, _)| *region == call.region);
                let events: Vec<&Value> = here.map(|(_, event)| event).collect();
                Some(Reply::json(200, &json!({"Events": events})))
            }
            ("monitoring", "DescribeAlarms") => Some(Reply::json(200, &json!({"MetricAlarms": self.alarms}))),
            ("monitoring", "ListMetrics") => {
                let here = self.failing.iter().filter(|(region, ..)| *region == call.region);
                let dimension = |name: &str, value: &str| json!({"Name": name, "Value": value});
                let metric = |(_, rule, bus): &(&str, &str, Option<&str>)| {
                    let bus = bus.map(|bus| dimension("EventBusName", bus));
                    let dimensions: Vec<Value> =
                        bus.into_iter().chain([dimension("RuleName", rule)]).collect();
                    json!({"Namespace": "AWS/Events", "MetricName": "FailedInvocations", "Dimensions": dimensions})
                };
                Some(Reply::json(200, &json!({"Metrics": here.map(metric).collect::<Vec<_>>()})))
            }
            ("monitoring", "GetMetricStatistics") => self.metric(&call.json()),
            ("sns", "ListSubscriptionsByTopic") => {
                let member =
                    |arn: &&str| format!("<member><SubscriptionArn>{arn}</SubscriptionArn></member>");
                let members: String = self.subscriptions.iter().map(member).collect();
                Some(Reply::xml(200, format!("<R><Subscriptions>{members}</Subscriptions></R>")))
            }
            ("cloudformation", "ListStackInstances") => {
                let region = call.field("StackSetName")? == "autotag-region";
                if self.instances.is_empty() || !region {
                    let error = "<ErrorResponse><Error><Code>StackSetNotFoundException</Code></Error></ErrorResponse>";
                    return Some(Reply::xml(404, error));
                }
                let member = |(status, reason): &(&str, &str)| {
                    format!(
                        "<member><Account>444455556666</Account><Region>eu-west-1</Region><Status>{status}</Status><StatusReason>{reason}</StatusReason></member>"
                    )
                };
                let members: String = self.instances.iter().map(member).collect();
                let summaries = format!("<Summaries>{members}</Summaries>");
                Some(Reply::xml(
                    200,
                    format!("<R><ListStackInstancesResult>{summaries}</ListStackInstancesResult></R>"),
                ))
            }
            ("cloudformation", "DescribeStacks" | "ListStackResources") => {
                let name = call.field("StackName")?;
                let token = call.field("NextToken");
                Some(Self::stack(&call.operation, self.stacks.iter().find(|stack| stack.name == name), token))
            }
            _ => None,
        }
    }

    fn metric(&self, input: &Value) -> Option<Reply> {
        let name = input["MetricName"].as_str()?;
        let (_, values) = self.metrics.iter().find(|(one, _)| *one == name)?;
        let (now, statistic) = (input["EndTime"].as_u64()?, input["Statistics"][0].as_str()?);
        let points: Vec<Value> =
            values.iter().map(|(age, value)| json!({"Timestamp": now - age, statistic: value})).collect();
        Some(Reply::json(200, &json!({"Datapoints": points})))
    }

    fn stack(operation: &str, stack: Option<&Stack>, token: Option<String>) -> Reply {
        let Some(stack) = stack else {
            let error = "<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>";
            return Reply::xml(400, error);
        };
        let parameter = |(key, value): &(&str, &str)| {
            format!(
                "<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
            )
        };
        let resource = |(logical, physical): &(&str, String)| {
            format!(
                "<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
            )
        };
        let inner = if operation == "DescribeStacks" {
            let parameters: String = stack.parameters.iter().map(parameter).collect();
            let status = stack.status;
            format!(
                "<Stacks><member><Parameters>{parameters}</Parameters><StackStatus>{status}</StackStatus></member></Stacks>"
            )
        } else {
            let begin = token.map_or(0, |token| token.parse::<usize>().unwrap());
            let page = stack.resources.iter().skip(begin).take(PAGE);
            let resources: String = page.map(resource).collect();
            let next = begin + PAGE;
            let next = if next < stack.resources.len() { next.to_string() } else { String::new() };
            format!(
                "<NextToken>{next}</NextToken><StackResourceSummaries>{resources}</StackResourceSummaries>"
            )
        };
        Reply::xml(200, format!("<R><{operation}Result>{inner}</{operation}Result></R>"))
    }
}

/// A deployment.
pub struct Deployment {
    pub proxy: Proxy,
    _emulator: Emulator,
    pub hub: AwsClient,
    pub member: AwsClient,
    pub member_account: String,
    pub overrides: Arc<Mutex<Overrides>>,
    pub patterns: Vec<Value>,
    pub sessions: Value,
    pub version: String,
    /// The region of the hub, and another one.
    regions: [&'static str; 2],
    folder: PathBuf,
}

pub fn queue_arn(at: &str, account: &str, name: &str) -> String {
    format!("arn:{}:sqs:{at}:{account}:{name}", partition(at))
}

pub fn bus_arn() -> String {
    bus_arn_in(HUB)
}

fn bus_arn_in(at: &str) -> String {
    format!("arn:{}:events:{at}:{ACCOUNT}:event-bus/autotag", partition(at))
}

fn service(name: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": name}, "Action": "sts:AssumeRole"})
}

pub fn rules_send(arn: &str, rules: &str) -> Value {
    json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnLike": {"aws:SourceArn": rules}}}]})
}

/// The statement of the member role's trust policy.
pub fn trust(external_id: &str) -> Value {
    trust_in(HUB, external_id)
}

fn trust_in(at: &str, external_id: &str) -> Value {
    let role = format!("arn:{}:iam::{ACCOUNT}:role/{TAG_HANDLER}", partition(at));
    json!({"Effect": "Allow", "Principal": {"AWS": role},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": external_id}}})
}

/// A page of event source mappings with one element, as AWS may return it. The marker is the index of the next one.
fn mappings_page(mappings: &[Value], query: &str) -> Value {
    let marker = query.split('&').find_map(|field| field.strip_prefix("Marker="));
    let index: usize = marker.map_or(0, |marker| marker.parse().unwrap());
    let next = (index + 1 < mappings.len()).then(|| (index + 1).to_string());
    json!({"EventSourceMappings": mappings.get(index).into_iter().collect::<Vec<_>>(), "NextMarker": next})
}

impl Deployment {
    /// A working deployment.
    pub async fn new() -> Self {
        Self::in_regions(REGIONS).await
    }

    /// A working deployment in the region of its hub and another one.
    pub async fn in_regions(regions: [&'static str; 2]) -> Self {
        let [home, _] = regions;
        let organizations = signed::organizations_region(&region(home));
        let organizations = organizations.as_str();
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        let simulator = Simulator::default();
        let overrides: Arc<Mutex<Overrides>> = Arc::default();
        let told = Arc::clone(&overrides);
        proxy.route("/", move |call| simulator.answer(call).or_else(|| told.lock().unwrap().answer(call)));
        let told = Arc::clone(&overrides);
        proxy.route("/2016-08-19/", move |_| {
            let free = told.lock().unwrap().unreserved;
            Some(Reply::json(200, &json!({"AccountLimit": {"UnreservedConcurrentExecutions": free}})))
        });
        let told = Arc::clone(&overrides);
        proxy.route("/2019-09-30/", move |_| {
            let reserved = told.lock().unwrap().reserved;
            let answer =
                reserved.map_or(json!({}), |reserved| json!({"ReservedConcurrentExecutions": reserved}));
            Some(Reply::json(200, &answer))
        });
        let told = Arc::clone(&overrides);
        proxy.route("/2015-03-31/", move |call| {
            let overrides = told.lock().unwrap();
            if call.path.starts_with("/2015-03-31/event-source-mappings") {
                return Some(Reply::json(200, &mappings_page(&overrides.mappings, &call.query)));
            }
            let (name, config) = overrides.function.as_ref()?;
            let is =
                call.method == "GET" && call.path == format!("/2015-03-31/functions/{name}/configuration");
            is.then(|| Reply::json(200, config))
        });
        let config = config(&proxy.url(), home).await;
        let hub = AwsClient { config: config.clone() };
        let ordered = hub
            .json(signed::ORGANIZATIONS, "CreateOrganization", organizations, json!({"FeatureSet": "ALL"}))
            .await;
        assert!(ordered["Organization"].is_object(), "{ordered}");
        let made = hub
            .json(
                signed::ORGANIZATIONS,
                "CreateAccount",
                organizations,
                json!({"Email": "team@example.com", "AccountName": "team"}),
            )
            .await;
        let member_account = made["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned();
        // Moto allows any identity to assume any role.
        let look = MemberRole { name: "autotag-look".to_owned(), external_id: None, session_policy: None };
        let account = AccountId::new(&member_account).unwrap();
        let look =
            Arc::new(AssumedRole::new(&config, &Partition::new(partition(home)), &account, &look, "test"));
        let member = AwsClient { config: look.config(&config) };
        let folder = generated();
        let (patterns, sessions) = patterns(&folder);
        let version = version(&folder);
        let deployment = Self {
            proxy,
            _emulator: emulator,
            hub,
            member,
            member_account,
            overrides,
            patterns,
            sessions,
            version,
            regions,
            folder,
        };
        let topic = format!("arn:{}:sns:{home}:{ACCOUNT}:autotag", partition(home));
        for alarm in &mut deployment.overrides.lock().unwrap().alarms {
            alarm["AlarmActions"] = json!([topic]);
        }
        deployment.deploy().await;
        deployment
    }

    /// The region of the hub.
    pub fn home(&self) -> &'static str {
        self.regions[0]
    }

    fn partition(&self) -> &'static str {
        partition(self.home())
    }

    fn bus_arn(&self) -> String {
        bus_arn_in(self.home())
    }

    async fn deploy(&self) {
        for (client, account) in [(&self.hub, ACCOUNT), (&self.member, self.member_account.as_str())] {
            trail(client, account).await;
            let forward =
                json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": self.bus_arn()}]);
            client.role("autotag-forward", &service("events.amazonaws.com"), forward).await;
        }
        self.bus().await;
        self.consumer(TAG_HANDLER, "autotag-tag", "autotag-creations-*").await;
        self.consumer(SESSION_HANDLER, "autotag-session", "autotag-sessions").await;
        self.table().await;
        for at in self.regions {
            for (client, account) in [(&self.hub, ACCOUNT), (&self.member, self.member_account.as_str())] {
                self.forward(client, account, at).await;
            }
        }
        self.hub_rules().await;
        let member = self.member_needs();
        self.member.role("autotag-member", &trust_in(self.home(), EXTERNAL_ID), member).await;
    }

    async fn bus(&self) {
        self.hub.json(signed::EVENTS, "CreateEventBus", self.home(), json!({"Name": "autotag"})).await;
        self.bus_policy(&[ACCOUNT, &self.member_account]).await;
    }

    /// Allows accounts to put events on the bus.
    pub async fn bus_policy(&self, accounts: &[&str]) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "in", "Effect": "Allow",
            "Principal": {"AWS": accounts}, "Action": "events:PutEvents", "Resource": self.bus_arn()}]});
        let input = json!({"EventBusName": "autotag", "Policy": policy.to_string()});
        self.hub.json(signed::EVENTS, "PutPermission", self.home(), input).await;
    }

    pub async fn queue(client: &AwsClient, at: &str, name: &str, attributes: Value) -> String {
        let input = json!({"QueueName": name, "Attributes": attributes});
        let answer = client.json(signed::SQS, "CreateQueue", at, input).await;
        answer["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// Sets attributes. Moto drops the policy when other attributes are set, so it is set again.
    pub async fn set(&self, queue: &str, mut attributes: Value) {
        if attributes.get("Policy").is_none() {
            let input = json!({"QueueUrl": self.url(queue), "AttributeNames": ["Policy"]});
            let there = self.hub.json(signed::SQS, "GetQueueAttributes", self.home(), input).await;
            attributes["Policy"] = there["Attributes"]["Policy"].clone();
        }
        let input = json!({"QueueUrl": self.url(queue), "Attributes": attributes});
        self.hub.json(signed::SQS, "SetQueueAttributes", self.home(), input).await;
    }

    pub fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.proxy.url())
    }

    pub async fn send(&self, queue: &str, body: &str, attributes: Value) {
        let input =
            json!({"QueueUrl": self.url(queue), "MessageBody": body, "MessageAttributes": attributes});
        self.hub.json(signed::SQS, "SendMessage", self.home(), input).await;
    }

    async fn consumer(&self, function: &str, queue: &str, rules: &str) {
        let home = self.home();
        let partition = self.partition();
        let dead = format!("{queue}-dead");
        Self::queue(&self.hub, self.home(), &dead, json!({})).await;
        let (arn, dead_arn) =
            (queue_arn(self.home(), ACCOUNT, queue), queue_arn(self.home(), ACCOUNT, &dead));
        let rules = format!("arn:{partition}:events:{home}:{ACCOUNT}:rule/autotag/{rules}");
        let attributes = json!({"VisibilityTimeout": "360", "Policy": rules_send(&arn, &rules).to_string(),
            "RedrivePolicy": json!({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5}).to_string()});
        Self::queue(&self.hub, self.home(), queue, attributes).await;
        self.hub.role(function, &service("lambda.amazonaws.com"), self.needs(function)).await;
        let function_arn = format!("arn:{partition}:lambda:{home}:{ACCOUNT}:function:{function}");
        let code = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";
        let body = json!({"FunctionName": function, "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Role": format!("arn:{partition}:iam::{ACCOUNT}:role/{function}"), "Timeout": 60, "MemorySize": 256,
            "Code": {"ZipFile": code}, "Environment": {"Variables": self.environment(function)}});
        self.hub.lambda("POST", "", body).await;
        self.release(function).await;
        self.overrides.lock().unwrap().mappings.push(json!({"UUID": format!("mapping-of-{function}"),
            "EventSourceArn": arn, "FunctionArn": format!("{function_arn}:live"), "State": "Enabled",
            "FunctionResponseTypes": ["ReportBatchItemFailures"], "LastProcessingResult": "OK",
            "ScalingConfig": {"MaximumConcurrency": 10}}));
    }

    /// Publishes a version, and creates the alias.
    async fn release(&self, function: &str) {
        let version = self.hub.lambda("POST", &format!("/{function}/versions"), json!({})).await;
        let body = json!({"Name": "live", "FunctionVersion": version["Version"]});
        self.hub.lambda("POST", &format!("/{function}/aliases"), body).await;
    }

    pub fn environment(&self, function: &str) -> Value {
        if function == SESSION_HANDLER {
            return json!({"AUTOTAG_SESSION_TABLE": "autotag-sessions", "AUTOTAG_SESSION_REGION": "",
                "AUTOTAG_DEAD_LETTER_QUEUE_URL": self.url("autotag-session-dead"), "AUTOTAG_MAX_RECEIVES": "5"});
        }
        json!({"AUTOTAG_ACCOUNTS": self.member_account, "AUTOTAG_MEMBER_ROLE": "autotag-member",
            "AUTOTAG_EXTERNAL_ID": EXTERNAL_ID, "AUTOTAG_SESSION_TABLE": "autotag-sessions",
            "AUTOTAG_SESSION_REGION": "", "AUTOTAG_SECOND_LOOK_QUEUE_URL": self.url("autotag-tag"),
            "AUTOTAG_DEAD_LETTER_QUEUE_URL": self.url("autotag-tag-dead"), "AUTOTAG_MAX_RECEIVES": "5"})
    }

    /// Changes the environment of the version behind the alias.
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
        let home = self.home();
        let partition = self.partition();
        let queue = if function == TAG_HANDLER { "autotag-tag" } else { "autotag-session" };
        let table = format!("arn:{partition}:dynamodb:{home}:{ACCOUNT}:table/autotag-sessions");
        let mut statements = vec![
            json!({"Effect": "Allow", "Resource": queue_arn(self.home(), ACCOUNT, queue),
                "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"]}),
            json!({"Effect": "Allow", "Action": "sqs:SendMessage",
                "Resource": queue_arn(self.home(), ACCOUNT, &format!("{queue}-dead"))}),
        ];
        if function == SESSION_HANDLER {
            statements.push(json!({"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}));
            return json!(statements);
        }
        let members = format!("arn:{partition}:iam::*:role/autotag-member");
        statements.extend([
            json!({"Effect": "Allow", "Action": "dynamodb:Query", "Resource": table}),
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": members}),
        ]);
        for family in ["tag", "read"] {
            statements.extend(crate::generated::statements(&self.folder, family, partition, ACCOUNT));
        }
        json!(statements)
    }

    /// A file that `autotag generate` writes.
    pub fn generated(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// The statements of the role in the member account.
    pub fn member_needs(&self) -> Value {
        let of = |family| statements(&self.folder, family, self.partition(), &self.member_account);
        json!([of("tag"), of("read")].concat())
    }

    pub async fn table(&self) {
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let input = json!({"TableName": "autotag-sessions", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [text("role_session"), text("issued")],
            "KeySchema": [key("role_session", "HASH"), key("issued", "RANGE")]});
        self.hub.json(signed::DYNAMODB, "CreateTable", self.home(), input).await;
        self.expiry(true).await;
    }

    pub async fn expiry(&self, on: bool) {
        let input = json!({"TableName": "autotag-sessions",
            "TimeToLiveSpecification": {"Enabled": on, "AttributeName": "expires_at"}});
        self.hub.json(signed::DYNAMODB, "UpdateTimeToLive", self.home(), input).await;
    }

    /// Creates the resources of region.yaml.
    async fn forward(&self, client: &AwsClient, account: &str, at: &str) {
        let partition = self.partition();
        let dead = queue_arn(at, account, "autotag-forward-dead");
        let rules = format!("arn:{partition}:events:{at}:{account}:rule/autotag-*");
        let policy = rules_send(&dead, &rules).to_string();
        Self::queue(client, at, "autotag-forward-dead", json!({"Policy": policy})).await;
        let role = format!("arn:{partition}:iam::{account}:role/autotag-forward");
        let target =
            json!({"Id": "hub", "Arn": self.bus_arn(), "RoleArn": role, "DeadLetterConfig": {"Arn": dead}});
        for (name, pattern) in self.all_patterns() {
            self.rule(client, at, "default", &name, pattern, &target).await;
        }
    }

    async fn hub_rules(&self) {
        let home = self.home();
        let partition = self.partition();
        for (dead, rules) in
            [("autotag-rule-dead", "autotag-creations-*"), ("autotag-session-rule-dead", "autotag-sessions")]
        {
            let arn = queue_arn(self.home(), ACCOUNT, dead);
            let rules = format!("arn:{partition}:events:{home}:{ACCOUNT}:rule/autotag/{rules}");
            let policy = rules_send(&arn, &rules).to_string();
            Self::queue(&self.hub, self.home(), dead, json!({"Policy": policy})).await;
        }
        let target = |queue: &str, dead: &str| {
            json!({"Id": "queue", "Arn": queue_arn(self.home(), ACCOUNT, queue),
                "DeadLetterConfig": {"Arn": queue_arn(self.home(), ACCOUNT, dead)}})
        };
        let tag = target("autotag-tag", "autotag-rule-dead");
        let session = target("autotag-session", "autotag-session-rule-dead");
        for (name, pattern) in self.all_patterns() {
            let target = if name == "autotag-sessions" { &session } else { &tag };
            self.rule(&self.hub, self.home(), "autotag", &name, pattern, target).await;
        }
    }

    pub fn all_patterns(&self) -> Vec<(String, &Value)> {
        let creations =
            self.patterns.iter().zip(1..).map(|(pattern, n)| (format!("autotag-creations-{n}"), pattern));
        creations.chain([("autotag-sessions".to_owned(), &self.sessions)]).collect()
    }

    pub async fn rule(
        &self,
        client: &AwsClient,
        at: &str,
        bus: &str,
        name: &str,
        pattern: &Value,
        target: &Value,
    ) {
        let input = json!({"Name": name, "EventBusName": bus, "EventPattern": pattern.to_string(),
            "State": "ENABLED", "Tags": [{"Key": "autotag-catalogue", "Value": self.version}]});
        client.json(signed::EVENTS, "PutRule", at, input).await;
        let input = json!({"Rule": name, "EventBusName": bus, "Targets": [target]});
        client.json(signed::EVENTS, "PutTargets", at, input).await;
    }

    /// Adds a value to a metric.
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
        let request = Request::query("monitoring", "PutMetricData", &region(self.home()), &encoded.join("&"));
        signed::send(&self.hub.config, request).await.unwrap();
    }

    /// Runs doctor, with a role to inspect the member account.
    pub fn doctor(&self, more: &[&str]) -> Output {
        let mut command = Command::new(BIN);
        command.args(["doctor", "--inspect-role", "autotag-look"]).args(more);
        command.envs(self.proxy.environment()).env("AWS_REGION", self.home()).stdin(Stdio::null());
        command.output().unwrap()
    }
}

async fn trail(client: &AwsClient, account: &str) {
    let bucket = format!("trail-of-{account}");
    let at = global_region(client.home());
    let mut request = Request::new("s3", "CreateBucket", &region(at), "PUT", &format!("/{bucket}"));
    // Only this region takes no constraint.
    let constraint = format!(
        "<CreateBucketConfiguration><LocationConstraint>{at}</LocationConstraint></CreateBucketConfiguration>"
    );
    request.body = if at == "us-east-1" { String::new() } else { constraint };
    signed::send(&client.config, request).await.unwrap();
    let input = json!({"Name": "everything", "S3BucketName": bucket, "IsMultiRegionTrail": true});
    client.json(signed::CLOUDTRAIL, "CreateTrail", client.home(), input).await;
    client.json(signed::CLOUDTRAIL, "StartLogging", client.home(), json!({"Name": "everything"})).await;
    select(client, json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])).await;
}

/// Selects the events of a trail.
pub async fn select(client: &AwsClient, selectors: Value) {
    let input = json!({"TrailName": "everything", "EventSelectors": selectors});
    client.json(signed::CLOUDTRAIL, "PutEventSelectors", client.home(), input).await;
}

/// The current time, in the format of records.
#[expect(clippy::disallowed_methods, reason = "the function compares the record with its own clock")]
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
