//! CloudFormation in memory, as its API reference describes it. It has stacks by change sets, states that follow
//! one another, events, parameters with previous values, tables that stay, and stack sets. After an execution it
//! shows the old state once more. The emulator executes change sets at once, without failures and without states in
//! between.

use autotag_deploy::template::Template;
use autotag_testkit::{Call, Reply};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

pub(crate) const ACCOUNT: &str = "123456789012";

type Parameters = BTreeMap<String, String>;

/// The states after an execution; the last one stays.
const CREATED: [&str; 3] = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"];
const NOT_CREATED: [&str; 3] = ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"];
const UPDATED: [&str; 3] = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"];
const NOT_UPDATED: [&str; 3] =
    ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"];
const DELETED: [&str; 2] = ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"];

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    id: String,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) status: String,
    pub(crate) template: String,
    pub(crate) parameters: Parameters,
    /// The alarms of the last update.
    pub(crate) alarms: Vec<String>,
    updated: u32,
    upcoming: VecDeque<String>,
    failure: Option<String>,
}

#[derive(Debug)]
struct ChangeSet {
    stack: String,
    name: String,
    region: String,
    is_new: bool,
    template: String,
    parameters: Parameters,
    alarms: Vec<String>,
    status: &'static str,
    execution: &'static str,
    looks: u32,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) stacks: Vec<Stack>,
    sets: BTreeMap<String, ChangeSet>,
    number: u32,
    /// Tables, which stay when a stack is removed.
    pub(crate) tables: BTreeSet<String>,
    /// Messages by the end of the URL of a queue.
    pub(crate) messages: BTreeMap<String, u64>,
    /// Stacks whose next operation fails, with the reason.
    pub(crate) failing: BTreeMap<String, String>,
    /// The answers to `ListStackSetOperations`, the next one first: the states of its operations.
    pub(crate) operations: VecDeque<Vec<&'static str>>,
    /// Account, region, status and reason of each instance of a stack set.
    pub(crate) instances: Vec<(String, String, &'static str, String)>,
}

/// Answers calls in place of the emulator, which keeps S3.
#[derive(Debug, Clone)]
pub(crate) struct Formation {
    state: Arc<Mutex<State>>,
    emulator: String,
}

type Answer = Result<String, (&'static str, String)>;

impl Formation {
    pub(crate) fn new(emulator: &str) -> Self {
        Self { state: Arc::default(), emulator: emulator.trim_start_matches("http://").to_owned() }
    }

    pub(crate) fn state<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.state.lock().unwrap())
    }

    /// The stack of this name.
    pub(crate) fn stack(&self, region: &str, name: &str) -> Option<Stack> {
        self.state(|state| state.stacks.iter().find(|stack| stack.is(region, name)).cloned())
    }

    /// The answer to a call; `None` if it is one for the emulator.
    pub(crate) fn answer(&self, call: &Call) -> Option<Reply> {
        let state = &mut *self.state.lock().unwrap();
        match call.service.as_str() {
            "cloudformation" => Some(self.formation(state, call)),
            "dynamodb" => {
                let name = call.json()["TableName"].as_str().unwrap_or_default().to_owned();
                let there = Reply::json(200, &json!({"Table": {"TableName": name}}));
                let missing = json!({"__type": "ResourceNotFoundException", "message": "not found"});
                Some(if state.tables.contains(&name) { there } else { Reply::json(400, &missing) })
            }
            "sqs" => {
                let url = call.json()["QueueUrl"].as_str().unwrap_or_default().to_owned();
                let name = url.rsplit('/').next().unwrap_or_default();
                let count = state.messages.get(name).copied().unwrap_or_default().to_string();
                Some(Reply::json(200, &json!({"Attributes": {"ApproximateNumberOfMessages": count}})))
            }
            _ => None,
        }
    }

    fn formation(&self, state: &mut State, call: &Call) -> Reply {
        let operation = call.operation.as_str();
        let answer = match operation {
            "DescribeStacks" => state.describe(call),
            "CreateChangeSet" => state.create_change_set(call, |url| self.fetch(url)),
            "DescribeChangeSet" => state.change_set(call),
            "ExecuteChangeSet" => state.execute(call),
            "DeleteChangeSet" => {
                state.sets.remove(&call.field("ChangeSetName").unwrap());
                Ok(String::new())
            }
            "ListChangeSets" => Ok(state.list_change_sets(call)),
            "DeleteStack" => Ok(state.delete(call)),
            "GetTemplate" => state
                .found(call)
                .map(|stack| format!("<TemplateBody>{}</TemplateBody>", escaped(&stack.template))),
            "ListStackResources" => state.found(call).map(|stack| resources(stack)),
            "DescribeStackEvents" => state.found(call).map(|stack| events(stack)),
            "ListStackSetOperations" => Ok(state.stack_set_operations()),
            "ListStackInstances" => Ok(state.stack_instances()),
            other => panic!("{other} is not known here"),
        };
        match answer {
            Ok(result) => Reply::xml(
                200,
                format!(
                    "<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"
                ),
            ),
            Err((code, message)) => Reply::xml(
                400,
                format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                ),
            ),
        }
    }

    /// A template that is in the emulator's S3.
    fn fetch(&self, url: &str) -> String {
        let (host, key) = url.trim_start_matches("https://").split_once('/').unwrap();
        let bucket = host.split('.').next().unwrap();
        let mut stream = TcpStream::connect(&self.emulator).unwrap();
        write!(stream, "GET /{bucket}/{key} HTTP/1.0\r\nHost: {}\r\n\r\n", self.emulator).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{url}: {answer}");
        body.to_owned()
    }
}

impl Stack {
    fn is(&self, region: &str, name: &str) -> bool {
        self.region == region && (self.name == name && self.status != "DELETE_COMPLETE" || self.id == name)
    }

    fn go(&mut self, states: &[&str]) {
        // For a moment the state of before is shown.
        self.upcoming =
            [self.status.clone()].into_iter().chain(states.iter().map(|&state| state.to_owned())).collect();
    }

    fn is_moving(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
            || !self.upcoming.is_empty()
    }
}

impl State {
    fn found(&mut self, call: &Call) -> Result<&mut Stack, (&'static str, String)> {
        let name = call.field("StackName").unwrap();
        let missing = ("ValidationError", format!("Stack with id {name} does not exist"));
        self.stacks.iter_mut().find(|stack| stack.is(&call.region, &name)).ok_or(missing)
    }

    fn describe(&mut self, call: &Call) -> Answer {
        let mut new_table = None;
        let stack = self.found(call)?;
        if let Some(next) = stack.upcoming.pop_front() {
            if next.starts_with("UPDATE_IN") {
                stack.updated += 1;
            }
            if next == "CREATE_COMPLETE"
                && stack.parameters.get("CreateSessionTable").is_some_and(|value| value == "true")
            {
                new_table = Some(table_of(stack));
            }
            stack.status = next;
        }
        let mut text = format!(
            "<Stacks><member><StackId>{}</StackId><StackName>{}</StackName><StackStatus>{}</StackStatus>",
            stack.id, stack.name, stack.status
        );
        if stack.updated > 0 {
            write!(text, "<LastUpdatedTime>2026-11-30T00:00:{:02}Z</LastUpdatedTime>", stack.updated)
                .unwrap();
        }
        text.push_str("<Parameters>");
        for (key, value) in &stack.parameters {
            write!(
                text,
                "<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
            )
            .unwrap();
        }
        let bus = format!("arn:aws:events:{}:{ACCOUNT}:event-bus/of-the-stack", stack.region);
        write!(
            text,
            "</Parameters><Outputs><member><OutputKey>BusArn</OutputKey><OutputValue>{bus}</OutputValue></member></Outputs>\
             </member></Stacks>"
        )
        .unwrap();
        self.tables.extend(new_table);
        Ok(text)
    }

    fn create_change_set(&mut self, call: &Call, fetch: impl Fn(&str) -> String) -> Answer {
        let (name, stack_name) = (call.field("ChangeSetName").unwrap(), call.field("StackName").unwrap());
        let is_new = call.field("ChangeSetType").unwrap() == "CREATE";
        let there = self.found(call).ok().map(|stack| stack.clone());
        if there.as_ref().is_some_and(|stack| is_new || stack.is_moving()) || (!is_new && there.is_none()) {
            return Err((
                "ValidationError",
                format!("Stack {stack_name} is in a state that cannot be changed"),
            ));
        }
        let template =
            call.field("TemplateBody").unwrap_or_else(|| fetch(&call.field("TemplateURL").unwrap()));
        assert!(call.field("TemplateBody").is_none_or(|body| body.len() <= 51_200), "too long for a request");
        let before = there.as_ref().map(|stack| stack.parameters.clone()).unwrap_or_default();
        let parameters = parameters(call, &template, &before)?;
        self.number += 1;
        let id = format!("arn:aws:cloudformation:{}:{ACCOUNT}:changeSet/{name}/{}", call.region, self.number);
        if is_new {
            self.stacks.push(Stack {
                id: format!(
                    "arn:aws:cloudformation:{}:{ACCOUNT}:stack/{stack_name}/{}",
                    call.region, self.number
                ),
                name: stack_name.clone(),
                region: call.region.clone(),
                status: "REVIEW_IN_PROGRESS".to_owned(),
                template: String::new(),
                parameters: Parameters::new(),
                alarms: Vec::new(),
                updated: 0,
                upcoming: VecDeque::new(),
                failure: None,
            });
        }
        let is_same = there.is_some_and(|stack| stack.template == template && stack.parameters == parameters);
        let alarms =
            call.form().filter(|(key, _)| key.starts_with("RollbackConfiguration.") && key.ends_with(".Arn"));
        let set = ChangeSet {
            stack: stack_name,
            name,
            region: call.region.clone(),
            is_new,
            template,
            parameters,
            alarms: alarms.map(|(_, arn)| arn).collect(),
            status: if is_same { "FAILED" } else { "CREATE_COMPLETE" },
            execution: if is_same { "UNAVAILABLE" } else { "AVAILABLE" },
            looks: 0,
        };
        self.sets.insert(id.clone(), set);
        Ok(format!("<Id>{id}</Id>"))
    }

    fn change_set(&mut self, call: &Call) -> Answer {
        let id = call.field("ChangeSetName").unwrap();
        let set =
            self.sets.get_mut(&id).ok_or(("ChangeSetNotFound", format!("ChangeSet {id} does not exist")))?;
        let stack = self.stacks.iter().find(|stack| stack.is(&set.region, &set.stack));
        let execution = match stack {
            Some(stack) if stack.is_moving() && set.execution.starts_with("EXECUTE") => "EXECUTE_IN_PROGRESS",
            _ => set.execution,
        };
        set.looks += 1;
        if set.looks == 1 {
            return Ok(
                "<Status>CREATE_PENDING</Status><ExecutionStatus>UNAVAILABLE</ExecutionStatus>".to_owned()
            );
        }
        let reason = if set.status == "FAILED" {
            "<StatusReason>The submitted information didn't contain changes. Submit different information to create a change \
             set.</StatusReason>"
        } else {
            ""
        };
        let change = |(name, resource): (&String, &autotag_deploy::template::Resource)| {
            format!(
                "<member><Type>Resource</Type><ResourceChange><Action>{}</Action><LogicalResourceId>{name}</LogicalResourceId>\
                 <ResourceType>{}</ResourceType><Replacement>False</Replacement></ResourceChange></member>",
                if set.is_new { "Add" } else { "Modify" },
                resource.kind
            )
        };
        let template = Template::new("x", &set.template).unwrap();
        let changes: String = if set.status == "FAILED" {
            String::new()
        } else {
            template.resources.iter().map(change).collect()
        };
        Ok(format!(
            "<Status>{}</Status><ExecutionStatus>{}</ExecutionStatus>{reason}<Changes>{changes}</Changes>",
            set.status, execution
        ))
    }

    fn execute(&mut self, call: &Call) -> Answer {
        let id = call.field("ChangeSetName").unwrap();
        let set = self.sets.get_mut(&id).ok_or(("ChangeSetNotFound", id))?;
        if set.execution != "AVAILABLE" {
            return Err(("InvalidChangeSetStatus", "cannot be executed".to_owned()));
        }
        let stack = self.stacks.iter_mut().find(|stack| stack.is(&set.region, &set.stack)).unwrap();
        let mut failure = self.failing.remove(&set.stack);
        if set.is_new && set.parameters.get("CreateSessionTable").is_some_and(|value| value == "true") {
            let table = set.parameters.get("SessionTableName").cloned().unwrap_or_default();
            if self.tables.contains(&table) {
                failure = Some(format!(
                    "Resource of type 'AWS::DynamoDB::Table' with identifier '{table}' already exists."
                ));
            }
        }
        let failed = failure.is_some();
        set.execution = if failed { "EXECUTE_FAILED" } else { "EXECUTE_COMPLETE" };
        stack.failure = failure;
        if set.is_new || !failed {
            stack.template.clone_from(&set.template);
            stack.parameters.clone_from(&set.parameters);
            stack.alarms.clone_from(&set.alarms);
        }
        stack.go(match (set.is_new, failed) {
            (true, false) => &CREATED,
            (true, true) => &NOT_CREATED,
            (false, false) => &UPDATED,
            (false, true) => &NOT_UPDATED,
        });
        Ok(String::new())
    }

    fn list_change_sets(&self, call: &Call) -> String {
        let stack = call.field("StackName").unwrap();
        let of_the_stack =
            self.sets.iter().filter(|(_, set)| set.stack == stack && set.region == call.region);
        let member = |(id, set): (&String, &ChangeSet)| {
            format!(
                "<member><ChangeSetId>{id}</ChangeSetId><ChangeSetName>{}</ChangeSetName><StackName>{stack}</StackName></member>",
                set.name
            )
        };
        let members: String = of_the_stack.map(member).collect();
        format!("<Summaries>{members}</Summaries>")
    }

    fn delete(&mut self, call: &Call) -> String {
        if let Ok(stack) = self.found(call) {
            if stack.status == "REVIEW_IN_PROGRESS" {
                "DELETE_COMPLETE".clone_into(&mut stack.status);
            } else {
                stack.go(&DELETED);
            }
        }
        String::new()
    }

    fn stack_set_operations(&mut self) -> String {
        let states = self.operations.pop_front().unwrap_or_default();
        let member = |(number, status): (usize, &&'static str)| {
            format!(
                "<member><OperationId>{number}</OperationId><Action>UPDATE</Action><Status>{status}</Status></member>"
            )
        };
        let members: String = states.iter().enumerate().map(member).collect();
        format!("<Summaries>{members}</Summaries>")
    }

    fn stack_instances(&self) -> String {
        let member = |(account, region, status, reason): &(String, String, &str, String)| {
            format!(
                "<member><Account>{account}</Account><Region>{region}</Region><Status>{status}</Status>\
                 <StatusReason>{reason}</StatusReason><StackInstanceStatus><DetailedStatus>FAILED</DetailedStatus>\
                 </StackInstanceStatus></member>"
            )
        };
        format!("<Summaries>{}</Summaries>", self.instances.iter().map(member).collect::<String>())
    }
}

fn table_of(stack: &Stack) -> String {
    stack.parameters.get("SessionTableName").cloned().unwrap_or_default()
}

/// The parameters of a change set: those that are given, previous values, and the defaults of the template.
fn parameters(
    call: &Call,
    template: &str,
    before: &Parameters,
) -> Result<Parameters, (&'static str, String)> {
    let template = Template::new("x", template).unwrap();
    let fields: BTreeMap<String, String> = call.form().collect();
    let mut all = Parameters::new();
    for number in 1.. {
        let field = |name: &str| fields.get(&format!("Parameters.member.{number}.{name}"));
        let Some(key) = field("ParameterKey") else { break };
        if !template.has_parameter(key) {
            return Err(("ValidationError", format!("Parameters: [{key}] do not exist in the template")));
        }
        let value = match field("ParameterValue") {
            Some(value) => value.clone(),
            None => {
                before.get(key).cloned().ok_or(("ValidationError", format!("no previous value of {key}")))?
            }
        };
        all.insert(key.clone(), value);
    }
    for (key, default) in template.parameters {
        if !all.contains_key(&key) {
            let missing = || ("ValidationError", format!("Parameters: [{key}] must have values"));
            all.insert(key.clone(), default.ok_or_else(missing)?);
        }
    }
    Ok(all)
}

fn resources(stack: &Stack) -> String {
    let template = Template::new("x", &stack.template).unwrap();
    let member = |(name, resource): (&String, &autotag_deploy::template::Resource)| {
        let id = match resource.kind.as_str() {
            "AWS::SQS::Queue" => {
                format!("https://sqs.{}.amazonaws.com/{ACCOUNT}/{}-{name}", stack.region, stack.name)
            }
            "AWS::DynamoDB::Table" => table_of(stack),
            _ => format!("{}-{name}", stack.name),
        };
        format!(
            "<member><LogicalResourceId>{name}</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>{}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>",
            resource.kind
        )
    };
    let members: String = template.resources.iter().map(member).collect();
    format!("<StackResourceSummaries>{members}</StackResourceSummaries>")
}

/// The newest event comes first.
fn events(stack: &Stack) -> String {
    let event = |id: &str, physical: &str, status: &str, reason: &str| {
        format!(
            "<member><StackId>{}</StackId><LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>{physical}\
             </PhysicalResourceId><ResourceType>T</ResourceType><ResourceStatus>{status}</ResourceStatus>\
             <ResourceStatusReason>{}</ResourceStatusReason></member>",
            stack.id,
            escaped(reason)
        )
    };
    let is_new = stack.status.starts_with("ROLLBACK") || stack.status.starts_with("CREATE");
    let (began, failed) = if is_new {
        ("CREATE_IN_PROGRESS", "CREATE_FAILED")
    } else {
        ("UPDATE_IN_PROGRESS", "UPDATE_FAILED")
    };
    let own =
        stack.failure.as_deref().map(|reason| event("Queue", "queue", failed, reason)).unwrap_or_default();
    let members = [
        event("Rule", "rule", failed, "Resource creation cancelled"),
        own,
        event(&stack.name, &stack.id, began, ""),
    ];
    format!("<StackEvents>{}</StackEvents>", members.concat())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
