//! Finds the ARNs of autotag's own parts that a call changes: roles, policies, rules, queues, functions, alarms,
//! stacks.

use super::action::{prefix, without_version};
use autotag_model::arn::{AccountId, Region};
use autotag_model::record::{ParsedRecord, Record};
use serde_json::Value;

/// The account, region and service of a part.
#[derive(Debug)]
pub(super) struct Place<'r> {
    region: &'r str,
    account: &'r str,
}

impl<'r> Place<'r> {
    pub(super) fn new(region: Option<&'r Region>, account: Option<&'r AccountId>) -> Self {
        Self { region: region.map_or("", Region::as_str), account: account.map_or("", AccountId::as_str) }
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        let region = if service == "iam" { "" } else { self.region };
        format!("arn:aws:{service}:{region}:{}:{resource}", self.account)
    }

    /// The name as an ARN, unless it is one.
    fn named(&self, service: &str, kind: &str, name: &str) -> String {
        if name.starts_with("arn:") { name.to_owned() } else { self.arn(service, &format!("{kind}{name}")) }
    }
}

/// The member of a request that names a part.
#[derive(Debug, Clone, Copy)]
enum By {
    Role,
    Policy,
    Stack,
    Alarms,
    Bus,
    Rule,
    Function,
    Queue,
}

/// The member by which the call of an action names a part; `None` if it is about none.
fn by(service: &str, name: &str) -> Option<By> {
    Some(match (service, name) {
        (
            "iam",
            "CreatePolicyVersion" | "DeletePolicy" | "DeletePolicyVersion" | "SetDefaultPolicyVersion",
        ) => By::Policy,
        ("iam", _) if name.contains("Role") => By::Role,
        ("cloudformation", _) => By::Stack,
        ("cloudwatch", _) => By::Alarms,
        ("events", "DeleteEventBus" | "PutPermission" | "RemovePermission") => By::Bus,
        ("events", _) => By::Rule,
        ("lambda", _) if !name.contains("Mapping") => By::Function,
        ("sqs", _) => By::Queue,
        _ => return None,
    })
}

/// The ARNs of what a call is about. Empty if the record does not say it.
pub(super) fn arns(record: &Record<'_>, parsed: &ParsedRecord, place: &Place<'_>) -> Vec<String> {
    let service = prefix(&record.event_source);
    let Some(by) = by(service, without_version(&record.event_name)) else { return Vec::new() };
    let request = &parsed.request;
    let one = |name: &str| text(request, name);
    let found = match by {
        By::Role => one("roleName").map(|name| {
            // Only the call that makes a role says its path.
            let path = one("path").unwrap_or("/");
            place.arn("iam", &format!("role{path}{name}"))
        }),
        By::Policy => one("policyArn").map(str::to_owned),
        By::Stack => one("stackName").map(|name| {
            let id = if name.starts_with("arn:") { "" } else { "/" };
            format!("{}{id}", place.named("cloudformation", "stack/", name))
        }),
        By::Bus => {
            one("eventBusName").or_else(|| one("name")).map(|name| place.named("events", "event-bus/", name))
        }
        By::Rule => rule(record, request, place),
        By::Function => one("functionName").map(|name| function(name, place)),
        By::Queue => one("queueUrl").and_then(queue),
        By::Alarms => return alarms(request, place),
    };
    found.into_iter().collect()
}

/// The function of a mapping, by the answer to the call.
pub(super) fn mapped_function(parsed: &ParsedRecord) -> Option<String> {
    text(&parsed.response, "functionArn").map(str::to_owned)
}

fn rule(record: &Record<'_>, request: &Value, place: &Place<'_>) -> Option<String> {
    let of_targets = record.event_name.ends_with("Targets");
    let name = text(request, if of_targets { "rule" } else { "name" })?;
    let bus = text(request, "eventBusName").map(|bus| bus.rsplit('/').next().unwrap_or(bus));
    let on_bus = bus.filter(|bus| *bus != "default").map_or(String::new(), |bus| format!("{bus}/"));
    Some(place.arn("events", &format!("rule/{on_bus}{name}")))
}

/// A function by its name, its ARN, or `ACCOUNT:function:NAME`.
fn function(name: &str, place: &Place<'_>) -> String {
    match name.split_once(":function:") {
        Some(_) if name.starts_with("arn:") => name.to_owned(),
        Some((_, short)) => place.arn("lambda", &format!("function:{short}")),
        None => place.arn("lambda", &format!("function:{name}")),
    }
}

/// A queue by its URL: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
fn queue(url: &str) -> Option<String> {
    let (host, path) = url.split_once("://")?.1.split_once('/')?;
    let (account, name) = path.split_once('/')?;
    let region = host.split('.').nth(1)?;
    Some(format!("arn:aws:sqs:{region}:{account}:{name}"))
}

fn alarms(request: &Value, place: &Place<'_>) -> Vec<String> {
    let named = request.get("alarmNames").and_then(Value::as_array).into_iter().flatten();
    let all = named.filter_map(Value::as_str).chain(text(request, "alarmName"));
    all.map(|name| place.arn("cloudwatch", &format!("alarm:{name}"))).collect()
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
