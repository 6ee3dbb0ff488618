//! The calls to AWS CloudFormation.

use crate::DeployError;
use crate::actions::{self, Action};
use crate::formation::{
    Change, ChangeAction, ChangeKind, ChangeSet, ChangeSetRequest, Formation, Place, RollBack, Stack,
    StackResource, Status, TemplateSource, Value,
};
use async_trait::async_trait;
use autotag_aws::paginate::Paginator;
use autotag_aws::query::{AwsQuery, QueryError, encoded, xml};
use autotag_model::arn::Region;
use roxmltree::Node;
use std::collections::BTreeMap;

/// The error code of CloudFormation for a stack that is not there. A wrong name has it too, and names are checked before.
const NO_STACK: &str = "ValidationError";

/// The most failures of an operation that are shown.
const MAX_FAILURES: usize = 10;

/// A form of the query protocol.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(String);

impl Form {
    pub(crate) fn of(place: &Place) -> Self {
        Self::default().with("StackName", &place.stack)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encoded(value));
        self
    }

    fn with_token(self, token: Option<String>) -> Self {
        match token {
            Some(token) => self.with("NextToken", &token),
            None => self,
        }
    }
}

/// Reads all members of a paged list, below the result of `action`.
pub(crate) async fn members<T>(
    aws: &AwsQuery,
    action: Action,
    region: &Region,
    form: &Form,
    list: &str,
    read: impl Fn(Node<'_, '_>) -> T,
) -> Result<Vec<T>, DeployError> {
    let mut pages = Paginator::new(action.name);
    let mut all = Vec::new();
    while pages.has_next() {
        let form = form.clone().with_token(pages.token());
        let answer = aws.formation(action.name, region, &form.0).await?;
        let (items, next) = page(action, &answer, list, &read)?;
        all.extend(items);
        pages.advance(next).map_err(QueryError::from)?;
    }
    Ok(all)
}

fn page<T>(
    action: Action,
    answer: &str,
    list: &str,
    read: &impl Fn(Node<'_, '_>) -> T,
) -> Result<(Vec<T>, Option<String>), QueryError> {
    let document = xml::parse(action.name, answer)?;
    let operation = action.name.rsplit(':').next().unwrap_or_default();
    let result = xml::find(document.root(), &format!("{operation}Result"));
    let result = result.ok_or_else(|| QueryError::unreadable(action.name))?;
    let items = xml::members(result, list).map(read).collect();
    Ok((items, xml::child_text(result, "NextToken").map(str::to_owned)))
}

pub(crate) fn text(node: Node<'_, '_>, name: &str) -> String {
    xml::child_text(node, name).unwrap_or_default().to_owned()
}

fn some_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    xml::child_text(node, name).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// CloudFormation over signed requests.
#[derive(Debug, Clone)]
pub struct AwsFormation {
    aws: AwsQuery,
    /// Sent with each operation that must not be done twice.
    run: String,
    /// The role with which CloudFormation works, if not with the credentials of the caller.
    role: Option<String>,
}

impl AwsFormation {
    /// With these credentials. `run` is a text of letters, digits and hyphens that no other run has. `role` is the ARN of a
    /// service role of CloudFormation, if it has one.
    pub fn new(aws: AwsQuery, run: impl Into<String>, role: Option<String>) -> Self {
        Self { aws, run: run.into(), role }
    }

    async fn call(&self, action: Action, place: &Place, form: Form) -> Result<String, DeployError> {
        Ok(self.aws.formation(action.name, &place.region, &form.0).await?)
    }

    fn with_role(&self, form: Form) -> Form {
        match &self.role {
            Some(role) => form.with("RoleARN", role),
            None => form,
        }
    }

    /// A token that is the same if the transport repeats a request, and another one in the next run.
    fn token(&self, place: &Place, what: &str) -> String {
        format!("{}-{what}-{}", self.run, place.stack)
    }
}

#[async_trait]
impl Formation for AwsFormation {
    async fn stack(&self, place: &Place) -> Result<Option<Stack>, DeployError> {
        let action = actions::STACKS;
        let answer = match self.aws.formation(action.name, &place.region, &Form::of(place).0).await {
            Err(error) if error.code == NO_STACK => return Ok(None),
            answer => answer?,
        };
        let (stacks, _) = page(action, &answer, "Stacks", &read_stack)?;
        Ok(stacks.into_iter().next())
    }

    async fn resources(&self, place: &Place) -> Result<Vec<StackResource>, DeployError> {
        let list = "StackResourceSummaries";
        members(&self.aws, actions::STACK_RESOURCES, &place.region, &Form::of(place), list, |node| {
            StackResource {
                logical_id: text(node, "LogicalResourceId"),
                physical_id: text(node, "PhysicalResourceId"),
                kind: text(node, "ResourceType"),
                status: text(node, "ResourceStatus"),
            }
        })
        .await
    }

    async fn template(&self, place: &Place) -> Result<String, DeployError> {
        let action = actions::STACK_TEMPLATE;
        let answer = self.call(action, place, Form::of(place).with("TemplateStage", "Original")).await?;
        let document = xml::parse(action.name, &answer)?;
        let body =
            xml::find(document.root(), "TemplateBody").ok_or_else(|| QueryError::unreadable(action.name))?;
        Ok(body.text().unwrap_or_default().to_owned())
    }

    async fn failures(&self, place: &Place, stack_id: &str) -> Result<Vec<String>, DeployError> {
        let action = actions::STACK_EVENTS;
        let form = Form::default().with("StackName", stack_id);
        // The first page has the newest hundred events.
        let answer = self.call(action, place, form).await?;
        let (events, _) = page(action, &answer, "StackEvents", &read_event)?;
        Ok(failures_of(events))
    }

    async fn change_sets(&self, place: &Place, prefix: &str) -> Result<Vec<String>, DeployError> {
        let read = |node: Node<'_, '_>| {
            let [id, name, stack] =
                ["ChangeSetId", "ChangeSetName", "StackName"].map(|part| text(node, part));
            (name.starts_with(prefix) && stack == place.stack).then_some(id)
        };
        let form = Form::of(place);
        let all = members(&self.aws, actions::CHANGE_SETS, &place.region, &form, "Summaries", read).await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn create_change_set(
        &self,
        place: &Place,
        wanted: &ChangeSetRequest,
    ) -> Result<String, DeployError> {
        let action = actions::CREATE_CHANGE_SET;
        let form = self.with_role(change_set_form(place, wanted));
        let form = form.with("ClientToken", &self.token(place, &wanted.name));
        let answer = self.call(action, place, form).await?;
        let document = xml::parse(action.name, &answer)?;
        let result = xml::find(document.root(), "CreateChangeSetResult");
        let id = result.and_then(|result| some_text(result, "Id"));
        Ok(id.ok_or_else(|| QueryError::unreadable(action.name))?)
    }

    async fn change_set(&self, place: &Place, id: &str) -> Result<ChangeSet, DeployError> {
        let action = actions::CHANGE_SET;
        let form = Form::of(place).with("ChangeSetName", id);
        let mut pages = Paginator::new(action.name);
        let mut set = ChangeSet::default();
        while pages.has_next() {
            let answer = self.call(action, place, form.clone().with_token(pages.token())).await?;
            pages.advance(read_change_set(&answer, &mut set)?).map_err(QueryError::from)?;
        }
        Ok(set)
    }

    async fn execute(&self, place: &Place, id: &str) -> Result<(), DeployError> {
        let form = Form::of(place).with("ChangeSetName", id);
        let form = form.with("ClientRequestToken", &self.token(place, "execute"));
        self.call(actions::EXECUTE, place, form).await.map(drop)
    }

    async fn delete_change_set(&self, place: &Place, id: &str) -> Result<(), DeployError> {
        let form = Form::of(place).with("ChangeSetName", id);
        self.call(actions::DELETE_CHANGE_SET, place, form).await.map(drop)
    }

    async fn delete_stack(&self, place: &Place) -> Result<(), DeployError> {
        let form = self.with_role(Form::of(place));
        self.call(actions::DELETE_STACK, place, form).await.map(drop)
    }

    async fn roll_back(&self, place: &Place, how: RollBack) -> Result<(), DeployError> {
        let action = match how {
            RollBack::Again => actions::CONTINUE_ROLLBACK,
            RollBack::HalfUpdated => actions::ROLLBACK_STACK,
        };
        self.call(action, place, self.with_role(Form::of(place))).await.map(drop)
    }
}

fn change_set_form(place: &Place, wanted: &ChangeSetRequest) -> Form {
    let mut form = Form::of(place)
        .with("ChangeSetName", &wanted.name)
        .with("ChangeSetType", wanted.kind.as_str())
        .with("Capabilities.member.1", "CAPABILITY_NAMED_IAM");
    form = match &wanted.template {
        TemplateSource::Body(body) => form.with("TemplateBody", body),
        TemplateSource::Url(url) => form.with("TemplateURL", url),
        TemplateSource::Previous => form.with("UsePreviousTemplate", "true"),
    };
    for (number, (key, value)) in wanted.parameters.iter().enumerate() {
        let member = format!("Parameters.member.{}", number + 1);
        form = form.with(&format!("{member}.ParameterKey"), key);
        form = match value {
            Value::Is(value) => form.with(&format!("{member}.ParameterValue"), value),
            Value::Previous => form.with(&format!("{member}.UsePreviousValue"), "true"),
        };
    }
    for (number, (key, value)) in wanted.tags.iter().enumerate() {
        let member = format!("Tags.member.{}", number + 1);
        form = form.with(&format!("{member}.Key"), key).with(&format!("{member}.Value"), value);
    }
    with_triggers(form, wanted)
}

/// The alarms that roll an update back. CloudFormation would keep those of the last update, so an empty list is sent as well.
fn with_triggers(form: Form, wanted: &ChangeSetRequest) -> Form {
    if wanted.kind == ChangeKind::Create {
        return form;
    }
    let mut form = form;
    for (number, alarm) in wanted.alarms.iter().enumerate() {
        let trigger = format!("RollbackConfiguration.RollbackTriggers.member.{}", number + 1);
        form = form.with(&format!("{trigger}.Arn"), alarm);
        form = form.with(&format!("{trigger}.Type"), "AWS::CloudWatch::Alarm");
    }
    if wanted.alarms.is_empty() {
        return form.with("RollbackConfiguration.RollbackTriggers", "");
    }
    form.with("RollbackConfiguration.MonitoringTimeInMinutes", &wanted.minutes.to_string())
}

/// Adds a page of a change set, and returns the token of the next one.
fn read_change_set(answer: &str, set: &mut ChangeSet) -> Result<Option<String>, QueryError> {
    let action = actions::CHANGE_SET.name;
    let document = xml::parse(action, answer)?;
    let result = xml::find(document.root(), "DescribeChangeSetResult");
    let result = result.ok_or_else(|| QueryError::unreadable(action))?;
    (set.status, set.reason) = (text(result, "Status"), some_text(result, "StatusReason"));
    set.execution = text(result, "ExecutionStatus");
    set.changes.extend(xml::members(result, "Changes").filter_map(read_change));
    Ok(some_text(result, "NextToken"))
}

fn read_stack(node: Node<'_, '_>) -> Stack {
    let pairs = |list: &str, key: &str, value: &str| -> BTreeMap<String, String> {
        xml::members(node, list).map(|member| (text(member, key), text(member, value))).collect()
    };
    Stack {
        id: text(node, "StackId"),
        status: Status(text(node, "StackStatus")),
        reason: some_text(node, "StackStatusReason"),
        updated: some_text(node, "LastUpdatedTime"),
        parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
        outputs: pairs("Outputs", "OutputKey", "OutputValue"),
    }
}

/// An event of a stack: whose it is, its status and its reason.
struct Event {
    logical_id: String,
    kind: String,
    status: String,
    reason: String,
    of_the_stack: bool,
}

fn read_event(node: Node<'_, '_>) -> Event {
    let [logical_id, kind, status] =
        ["LogicalResourceId", "ResourceType", "ResourceStatus"].map(|name| text(node, name));
    let of_the_stack = text(node, "PhysicalResourceId") == text(node, "StackId");
    Event { logical_id, kind, status, reason: text(node, "ResourceStatusReason"), of_the_stack }
}

/// The failures of the last operation, from its events, the newest of which comes first.
fn failures_of(events: Vec<Event>) -> Vec<String> {
    // The operation began with this event of the stack itself.
    let begins = |event: &Event| {
        event.of_the_stack
            && ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"]
                .contains(&event.status.as_str())
    };
    let mut of_the_last = Vec::new();
    for event in events {
        let first = begins(&event);
        of_the_last.push(event);
        if first {
            break;
        }
    }
    let failed = of_the_last
        .into_iter()
        .rev()
        .filter(|event| event.status.ends_with("_FAILED") && !event.of_the_stack);
    // An operation that was running when another resource failed has failed for that reason only.
    let own = failed.filter(|event| !event.reason.contains("cancelled"));
    own.map(|event| format!("{} ({}) {}: {}", event.logical_id, event.kind, event.status, event.reason))
        .take(MAX_FAILURES)
        .collect()
}

fn read_change(node: Node<'_, '_>) -> Option<Change> {
    let change = xml::child(node, "ResourceChange")?;
    let action = match (text(change, "Action").as_str(), text(change, "Replacement").as_str()) {
        ("Add" | "Import", _) => ChangeAction::Add,
        ("Remove", _) => ChangeAction::Remove,
        (_, "True") => ChangeAction::Replace,
        (_, "Conditional") => ChangeAction::MayReplace,
        _ => ChangeAction::Modify,
    };
    let details = xml::members(change, "Details").filter_map(|detail| {
        let target = xml::child(detail, "Target")?;
        some_text(target, "Name").or_else(|| some_text(target, "Attribute"))
    });
    let mut properties: Vec<String> = details.collect();
    properties.sort();
    properties.dedup();
    Some(Change {
        action,
        kind: text(change, "ResourceType"),
        logical_id: text(change, "LogicalResourceId"),
        properties,
    })
}

#[cfg(test)]
mod tests;
