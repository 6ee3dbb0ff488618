//! The stacks of a deployment: the names that `CloudFormation` gave to their resources.

use super::check::{CheckFailure, Finding, fail_with};
use super::checks::STACK;
use crate::output::plural;
use autotag_aws::paginate::Paginator;
use autotag_aws::query::xml;
use autotag_aws::query::{AwsQuery, QueryError, encoded};
use autotag_model::arn::Region;
use std::collections::BTreeMap;

/// `DescribeStackResources` answers with the first 100 resources only, and the templates have more.
const RESOURCES: &str = "cloudformation:ListStackResources";
const STACKS: &str = "cloudformation:DescribeStacks";

/// The output of the hub's stack with the name of a table that the stack does not create.
const TABLE_OUTPUT: &str = "SessionTableName";

/// The error code for a stack that does not exist.
const MISSING: &str = "ValidationError";

/// A stack. It has no resources if it does not exist or access is denied.
#[derive(Debug, Default, Clone)]
pub(super) struct Stack {
    pub(super) name: String,
    region: String,
    /// True if the stack exists, or the reason why that is unknown.
    exists: Option<Result<bool, QueryError>>,
    /// Values by the names of the parameters.
    parameters: BTreeMap<String, String>,
    /// Physical ids by logical id.
    physical_ids: BTreeMap<String, String>,
    /// Resources whose last operation failed, each with its status.
    failed: Vec<String>,
    /// `UPDATE_COMPLETE`, in the words of `CloudFormation`; empty if it is not known.
    status: String,
}

impl Stack {
    /// Reads the stack. It has no resources if it does not exist or access is denied.
    pub(super) async fn read(aws: &AwsQuery, region: &Region, name: &str) -> Self {
        let mut read = Self { name: name.to_owned(), region: region.to_string(), ..Self::default() };
        let described = aws.stack(STACKS, region, name).await;
        let described = described.and_then(|answer| read.add_stack(&answer));
        read.exists = Some(match described {
            Ok(()) => Ok(true),
            Err(error) if error.code == MISSING || error.is_missing() => Ok(false),
            Err(error) => Err(error),
        });
        if !read.is_missing() {
            // Names are the default ones without an answer, and the other checks tell whether these are right.
            let _ = read.read_resources(aws, region).await;
        }
        read
    }

    async fn read_resources(&mut self, aws: &AwsQuery, region: &Region) -> Result<(), QueryError> {
        let mut pages = Paginator::new(RESOURCES);
        while pages.has_next() {
            let token =
                pages.token().map_or(String::new(), |token| format!("&NextToken={}", encoded(&token)));
            let form = format!("StackName={}{token}", encoded(&self.name));
            let next = self.add_resources(&aws.formation(RESOURCES, region, &form).await?)?;
            pages.advance(next)?;
        }
        Ok(())
    }

    /// True if the stack certainly does not exist.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.exists, Some(Ok(false)))
    }

    /// True if the stack has this resource.
    pub(super) fn has(&self, logical: &str) -> bool {
        self.physical_ids.contains_key(logical)
    }

    /// The value of a parameter; `None` if the stack does not have it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Adds the answer of `DescribeStacks`.
    fn add_stack(&mut self, answer: &str) -> Result<(), QueryError> {
        let document = xml::parse(STACKS, answer)?;
        let Some(result) = xml::find(document.root(), "DescribeStacksResult") else { return Ok(()) };
        let Some(stack) = xml::members(result, "Stacks").next() else { return Ok(()) };
        xml::child_text(stack, "StackStatus").unwrap_or_default().clone_into(&mut self.status);
        for parameter in xml::members(stack, "Parameters") {
            let part = |name: &str| xml::child_text(parameter, name).unwrap_or_default().to_owned();
            self.parameters.insert(part("ParameterKey"), part("ParameterValue"));
        }
        let mut outputs = xml::members(stack, "Outputs");
        let table = outputs.find(|output| xml::child_text(*output, "OutputKey") == Some(TABLE_OUTPUT));
        if let Some(name) = table.and_then(|output| xml::child_text(output, "OutputValue")) {
            self.physical_ids.insert("SessionTable".to_owned(), name.to_owned());
        }
        Ok(())
    }

    /// Adds a page of `ListStackResources`, and answers with the token of the next one.
    fn add_resources(&mut self, answer: &str) -> Result<Option<String>, QueryError> {
        let document = xml::parse(RESOURCES, answer)?;
        let Some(result) = xml::find(document.root(), "ListStackResourcesResult") else { return Ok(None) };
        for member in xml::members(result, "StackResourceSummaries") {
            let part = |name: &str| xml::child_text(member, name).unwrap_or_default().to_owned();
            let (logical, physical, status) =
                (part("LogicalResourceId"), part("PhysicalResourceId"), part("ResourceStatus"));
            if status.ends_with("FAILED") {
                self.failed.push(format!("{logical} is {status}"));
            }
            if !logical.is_empty() && !physical.is_empty() {
                self.physical_ids.insert(logical, physical);
            }
        }
        Ok(xml::child_text(result, "NextToken").filter(|token| !token.is_empty()).map(str::to_owned))
    }

    /// The physical id of a resource; the default name if the stack does not have it.
    pub(super) fn name(&self, logical: &str, default: &str) -> String {
        self.physical_ids.get(logical).map_or(default, String::as_str).to_owned()
    }

    /// The physical ids of all resources.
    pub(super) fn physical_ids(&self) -> impl Iterator<Item = &str> {
        self.physical_ids.values().map(String::as_str)
    }

    /// The name of a queue, whose physical id is its URL.
    pub(super) fn queue(&self, logical: &str, default: &str) -> String {
        let id = self.name(logical, default);
        id.rsplit('/').next().unwrap_or(&id).to_owned()
    }

    /// The finding about the stack. A missing one is not a fault here: resources of the templates may be deployed
    /// without it.
    pub(super) fn finding(&self) -> Finding {
        let Self { status, name, region, .. } = self;
        let events =
            format!("aws cloudformation describe-stack-events --stack-name {name} --region {region}");
        let result = match (self.exists.as_ref(), self.failed.as_slice()) {
            (Some(Err(error)), _) => Err(CheckFailure::from(error.clone())),
            (Some(Ok(false)), _) => {
                Ok(format!("there is no such stack in {region}; the names are those of the templates"))
            }
            (_, []) if status.contains("ROLLBACK") || status.contains("FAILED") => {
                fail_with(format!("it is {status}: the last deployment was not applied"), events)
            }
            (_, []) if status.ends_with("IN_PROGRESS") => Err(CheckFailure::Unknown(
                format!("it is {status}"),
                format!(
                    "aws cloudformation wait stack-update-complete --stack-name {name} --region {region}"
                ),
            )),
            (_, []) => Ok(plural(self.physical_ids.len(), "resource")),
            (_, failed) => fail_with(failed.join(", "), events),
        };
        STACK.at(name, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    /// A stack of these resources (logical id, physical id, status), with a status and outputs.
    fn stack(resources: &[(&str, &str, &str)], status: &str, outputs: &[(&str, &str)]) -> Stack {
        let resource = |(logical, physical, status): &(&str, &str, &str)| {
            format!(
                "<member><Timestamp/><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}\
                 </PhysicalResourceId><ResourceStatus>{status}</ResourceStatus><DriftInformation>\
                 <StackResourceDriftStatus>NOT_CHECKED</StackResourceDriftStatus></DriftInformation></member>"
            )
        };
        let output = |(key, value): &(&str, &str)| {
            format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
        };
        let namespace = "xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"";
        let resources: String = resources.iter().map(resource).collect();
        let outputs: String = outputs.iter().map(output).collect();
        let mut stack = Stack { name: "hub".to_owned(), ..Stack::default() };
        stack
            .add_resources(&format!(
                "<ListStackResourcesResponse {namespace}><ListStackResourcesResult><StackResourceSummaries>{resources}\
                 </StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"
            ))
            .unwrap();
        stack
            .add_stack(&format!(
                "<DescribeStacksResponse {namespace}><DescribeStacksResult><Stacks><member><Outputs>{outputs}</Outputs>\
                 <StackStatus>{status}</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            ))
            .unwrap();
        stack
    }

    #[test]
    fn names_are_those_of_the_stack_or_of_the_templates() {
        let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/ours-tag";
        let resources = [("Bus", "ours", "CREATE_COMPLETE"), ("TagQueue", queue, "UPDATE_COMPLETE")];
        let stack = stack(&resources, "", &[("Other", "x"), ("SessionTableName", "ours")]);
        assert_eq!(
            (stack.name("Bus", "autotag"), stack.queue("TagQueue", "autotag-tag")),
            ("ours".to_owned(), "ours-tag".to_owned())
        );
        assert_eq!(stack.name("SessionTable", "autotag-sessions"), "ours");
        assert_eq!(stack.name("TagHandler", "autotag-tag-handler"), "autotag-tag-handler");
        assert_eq!(stack.finding().state, State::Ok);
    }

    #[test]
    fn a_missing_stack_is_told_from_one_that_may_not_be_read() {
        let stack = |exists| Stack { exists: Some(exists), ..Stack::default() };
        assert!(stack(Ok(false)).is_missing());
        assert_eq!(stack(Ok(false)).finding().state, State::Ok);
        let denied = stack(Err(QueryError::unreadable(STACKS)));
        assert!(!denied.is_missing());
        assert_eq!(denied.finding().state, State::Unknown);
    }

    #[test]
    fn failed_resources_and_operations_are_broken() {
        let failed = stack(&[("TagHandler", "f", "UPDATE_FAILED")], "", &[]).finding();
        assert_eq!((failed.state, failed.seen.as_str()), (State::Broken, "TagHandler is UPDATE_FAILED"));
        let state =
            |status: &str| stack(&[("TagHandler", "f", "UPDATE_COMPLETE")], status, &[]).finding().state;
        assert_eq!(state("UPDATE_COMPLETE"), State::Ok);
        assert_eq!(state("UPDATE_ROLLBACK_COMPLETE"), State::Broken);
        assert_eq!(state("UPDATE_IN_PROGRESS"), State::Unknown);
    }
}
