//! The stacks of a deployment: what `CloudFormation` has called the things in them.

use super::ask::between;
use super::{Ask, Check, Finding, Trouble, broken};
use autotag_model::arn::Region;
use std::collections::BTreeMap;

/// Where `CloudFormation` has put it.
const STACK: Check = Check {
    name: "stack",
    question: "has the stack come to a good end?",
    fix: "look at the stack's events, and deploy it again",
};

/// A stack's things, by logical id; none where it was not deployed by this stack.
#[derive(Debug)]
pub(super) struct Stack {
    name: String,
    things: BTreeMap<String, String>,
    failed: Vec<String>,
    /// `UPDATE_COMPLETE`, as CloudFormation says; empty where it says nothing.
    status: String,
}

impl Stack {
    /// Asks; whoever may not, or has no such stack, knows no names.
    pub(super) async fn read(ask: &Ask, region: &Region, name: &str) -> Self {
        let (answer, outputs) = tokio::join!(
            ask.stack("cloudformation:DescribeStackResources", region, name),
            ask.stack("cloudformation:DescribeStacks", region, name),
        );
        Self::of(name, &answer.unwrap_or_default(), &outputs.unwrap_or_default())
    }

    /// From what `CloudFormation` says of the resources and of the stack.
    fn of(name: &str, resources: &str, stack: &str) -> Self {
        let (mut things, mut failed) = (BTreeMap::new(), Vec::new());
        // A table that the stack does not make has its name there.
        for output in stack.split("<OutputKey>SessionTableName</OutputKey>").skip(1) {
            let name = between(output, "OutputValue").unwrap_or_default();
            things.insert("SessionTable".to_owned(), name.to_owned());
        }
        for member in resources.split("<member>").skip(1) {
            let part = |name: &str| between(member, name).unwrap_or_default().to_owned();
            let (logical, physical, status) =
                (part("LogicalResourceId"), part("PhysicalResourceId"), part("ResourceStatus"));
            if status.ends_with("FAILED") {
                failed.push(format!("{logical} is {status}"));
            }
            if !logical.is_empty() && !physical.is_empty() {
                things.insert(logical, physical);
            }
        }
        let status = between(stack, "StackStatus").unwrap_or_default().to_owned();
        Self { name: name.to_owned(), things, failed, status }
    }

    /// The physical id; where the stack does not say, the default name.
    pub(super) fn name(&self, logical: &str, default: &str) -> String {
        self.things.get(logical).map_or(default, String::as_str).to_owned()
    }

    /// The physical id of a queue is its URL.
    pub(super) fn queue(&self, logical: &str, default: &str) -> String {
        let id = self.name(logical, default);
        id.rsplit('/').next().unwrap_or(&id).to_owned()
    }

    /// Nothing of a stack that is not there, or may not be read: names are the default ones then, and the other checks say
    /// whether they are right.
    pub(super) fn finding(&self) -> Vec<Finding> {
        if self.things.is_empty() {
            return Vec::new();
        }
        let Self { status, .. } = self;
        let verdict = match self.failed.as_slice() {
            [] if status.contains("ROLLBACK") || status.contains("FAILED") => {
                broken(format!("it is {status}: what was deployed last is not there"))
            }
            [] if status.ends_with("IN_PROGRESS") => Err(Trouble::Unknown(
                format!("it is {status}"),
                "run doctor again when it is done".to_owned(),
            )),
            [] => Ok(format!("{} resources", self.things.len())),
            failed => broken(failed.join(", ")),
        };
        vec![STACK.at(&self.name, verdict)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn thing(logical: &str, physical: &str, status: &str) -> String {
        format!(
            "<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}\
             </PhysicalResourceId><ResourceStatus>{status}</ResourceStatus></member>"
        )
    }

    #[test]
    fn names_are_those_of_the_stack_or_of_the_templates() {
        let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/ours-tag";
        let resources =
            [thing("Bus", "ours", "CREATE_COMPLETE"), thing("TagQueue", queue, "UPDATE_COMPLETE")];
        let outputs =
            "<member><OutputKey>SessionTableName</OutputKey><OutputValue>ours</OutputValue></member>";
        let stack = Stack::of("hub", &resources.concat(), outputs);
        assert_eq!(
            (stack.name("Bus", "autotag"), stack.queue("TagQueue", "autotag-tag")),
            ("ours".to_owned(), "ours-tag".to_owned())
        );
        assert_eq!(stack.name("SessionTable", "autotag-sessions"), "ours");
        assert_eq!(stack.name("TagHandler", "autotag-tag-handler"), "autotag-tag-handler");
        assert_eq!(stack.finding()[0].state, State::Ok);
        assert_eq!(Stack::of("hub", "", "").finding(), Vec::new());
    }

    #[test]
    fn what_has_failed_is_named() {
        let failed = Stack::of("hub", &thing("TagHandler", "f", "UPDATE_FAILED"), "").finding();
        assert_eq!(
            (failed[0].state, failed[0].seen.as_str()),
            (State::Broken, "TagHandler is UPDATE_FAILED")
        );
        let stands = |status: &str| {
            let stack = format!("<StackStatus>{status}</StackStatus>");
            Stack::of("hub", &thing("TagHandler", "f", "UPDATE_COMPLETE"), &stack).finding()[0].state
        };
        assert_eq!(stands("UPDATE_COMPLETE"), State::Ok);
        assert_eq!(stands("UPDATE_ROLLBACK_COMPLETE"), State::Broken);
        assert_eq!(stands("UPDATE_IN_PROGRESS"), State::Unknown);
    }
}
