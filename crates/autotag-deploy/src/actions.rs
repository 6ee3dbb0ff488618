//! The AWS actions that a deployment calls. Every call names its action by a constant of this module. The policy
//! that `autotag deploy iam-policy` prints consists of the same constants.

use crate::handlers;
use autotag_model::arn::Partition;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// When an action is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// By each mode, `--status` and `--plan` too. Reads only.
    Read,
    /// By `--plan`, for what an update would replace. Makes change sets and removes them, and writes the templates to the bucket
    /// for as long.
    Plan,
    /// By all that changes a deployment.
    Deploy,
    /// For an organization, besides the others.
    Organization,
}

/// The resources of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Any,
    Stacks,
    StackSets,
    CodeBuckets,
    CodeObjects,
    Tables,
    Queues,
}

impl Scope {
    fn arns(self, partition: &Partition, account: &str, name: &str) -> Vec<String> {
        match self {
            Self::Any => vec!["*".to_owned()],
            Self::Stacks => [name.to_owned(), format!("{name}-*")]
                .map(|stack| format!("arn:{partition}:cloudformation:*:{account}:stack/{stack}/*"))
                .to_vec(),
            Self::StackSets => {
                let set = format!("arn:{partition}:cloudformation:*:*:stackset/{name}-*:*");
                vec![set, format!("arn:{partition}:cloudformation:*:*:type/resource/*")]
            }
            Self::CodeBuckets => vec![format!("arn:{partition}:s3:::{name}-code-*")],
            Self::CodeObjects => vec![format!("arn:{partition}:s3:::{name}-code-*/*")],
            Self::Tables => vec![format!("arn:{partition}:dynamodb:*:{account}:table/{name}-*")],
            Self::Queues => vec![format!("arn:{partition}:sqs:*:{account}:{name}-*")],
        }
    }
}

/// An action of AWS that a deployment calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Action {
    /// In the words of IAM.
    pub(crate) name: &'static str,
    scope: Scope,
    need: Need,
}

macro_rules! actions {
    ($($constant:ident = $name:literal, $scope:ident, $need:ident;)*) => {
        $(pub(crate) const $constant: Action =
            Action { name: $name, scope: Scope::$scope, need: Need::$need };)*
        const ALL: &[Action] = &[$($constant),*];
    };
}

actions! {
    IDENTITY = "sts:GetCallerIdentity", Any, Read;
    REGIONS = "ec2:DescribeRegions", Any, Read;
    STACKS = "cloudformation:DescribeStacks", Stacks, Read;
    STACK_RESOURCES = "cloudformation:ListStackResources", Stacks, Read;
    STACK_EVENTS = "cloudformation:DescribeStackEvents", Stacks, Read;
    STACK_TEMPLATE = "cloudformation:GetTemplate", Stacks, Read;
    CHANGE_SETS = "cloudformation:ListChangeSets", Stacks, Read;
    CHANGE_SET = "cloudformation:DescribeChangeSet", Stacks, Read;
    TRAILS = "cloudtrail:DescribeTrails", Any, Read;
    TRAIL_STATUS = "cloudtrail:GetTrailStatus", Any, Read;
    TRAIL_SELECTORS = "cloudtrail:GetEventSelectors", Any, Read;
    TABLE = "dynamodb:DescribeTable", Tables, Read;
    QUEUE = "sqs:GetQueueAttributes", Queues, Read;
    BUCKETS = "s3:ListAllMyBuckets", Any, Read;
    BUCKET_TAGS = "s3:GetBucketTagging", CodeBuckets, Read;
    // Without it S3 denies what is not there.
    LIST_BUCKET = "s3:ListBucket", CodeBuckets, Read;
    GET_OBJECT = "s3:GetObject", CodeObjects, Read;
    CREATE_CHANGE_SET = "cloudformation:CreateChangeSet", Stacks, Plan;
    DELETE_CHANGE_SET = "cloudformation:DeleteChangeSet", Stacks, Plan;
    PUT_OBJECT = "s3:PutObject", CodeObjects, Plan;
    DELETE_OBJECT = "s3:DeleteObject", CodeObjects, Plan;
    EXECUTE = "cloudformation:ExecuteChangeSet", Stacks, Deploy;
    DELETE_STACK = "cloudformation:DeleteStack", Stacks, Deploy;
    CONTINUE_ROLLBACK = "cloudformation:ContinueUpdateRollback", Stacks, Deploy;
    ROLLBACK_STACK = "cloudformation:RollbackStack", Stacks, Deploy;
    CREATE_BUCKET = "s3:CreateBucket", CodeBuckets, Deploy;
    TAG_BUCKET = "s3:PutBucketTagging", CodeBuckets, Deploy;
    ENCRYPT_BUCKET = "s3:PutEncryptionConfiguration", CodeBuckets, Deploy;
    CLOSE_BUCKET = "s3:PutBucketPublicAccessBlock", CodeBuckets, Deploy;
    VERSION_BUCKET = "s3:PutBucketVersioning", CodeBuckets, Deploy;
    ORGANIZATION = "organizations:DescribeOrganization", Any, Organization;
    STACK_SET_OPERATIONS = "cloudformation:ListStackSetOperations", StackSets, Organization;
    STACK_INSTANCES = "cloudformation:ListStackInstances", StackSets, Organization;
}

/// Calls of `CloudFormation` with the credentials of its caller when it makes, changes and removes stack sets.
const STACK_SET_HANDLER: &[&str] = &[
    "cloudformation:CreateStackInstances",
    "cloudformation:CreateStackSet",
    "cloudformation:DeleteStackInstances",
    "cloudformation:DeleteStackSet",
    "cloudformation:DescribeStackSet",
    "cloudformation:DescribeStackSetOperation",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "cloudformation:UpdateStackInstances",
    "cloudformation:UpdateStackSet",
    "organizations:ListDelegatedAdministrators",
];

/// The least policy with which a deployment called `name` can be made: a JSON document of IAM.
///
/// `account` is an account id, or `*`. `up_to` leaves out what is needed later: [`Need::Read`] has the rights of `--status`, [`Need::Plan`] those of `--plan`.
pub fn policy(partition: &Partition, account: &str, name: &str, up_to: Need) -> Value {
    let mut statements: BTreeMap<(Need, Scope), Vec<&str>> = BTreeMap::new();
    for action in ALL.iter().filter(|action| action.need <= up_to) {
        statements.entry((action.need, action.scope)).or_default().push(action.name);
    }
    let mut written: Vec<Value> = statements
        .into_iter()
        .map(|((need, scope), mut actions)| {
            actions.sort_unstable();
            statement(&format!("{need:?}{scope:?}"), &actions, &scope.arns(partition, account, name))
        })
        .collect();
    if up_to >= Need::Deploy {
        written.extend(handlers::HANDLERS.iter().map(|handler| {
            let arns: Vec<String> =
                handler.resources.iter().map(|arn| filled(arn, partition, account, name)).collect();
            statement(&format!("Make{}", handler.name), handler.actions, &arns)
        }));
    }
    if up_to >= Need::Organization {
        written.push(statement("MakeStackSets", STACK_SET_HANDLER, &["*".to_owned()]));
    }
    json!({"Version": "2012-10-17", "Statement": written})
}

fn statement(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
}

fn filled(arn: &str, partition: &Partition, account: &str, name: &str) -> String {
    arn.replace("PARTITION", partition.as_str()).replace("ACCOUNT", account).replace("NAME", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(up_to: Need) -> Value {
        policy(&Partition::new("aws-cn"), "111122223333", "autotag-test", up_to)
    }

    fn actions(policy: &Value) -> Vec<&str> {
        let statements = policy["Statement"].as_array().unwrap();
        statements
            .iter()
            .flat_map(|one| one["Action"].as_array().unwrap())
            .filter_map(Value::as_str)
            .collect()
    }

    #[test]
    fn rights_to_read_contain_no_action_that_writes() {
        let read = written(Need::Read);
        for action in actions(&read) {
            let (_, operation) = action.split_once(':').unwrap();
            assert!(["Describe", "Get", "List"].iter().any(|verb| operation.starts_with(verb)), "{action}");
        }
        assert!(!read.to_string().contains("CreateChangeSet"));
    }

    #[test]
    fn each_mode_adds_rights_and_removes_none() {
        let sizes = [Need::Read, Need::Plan, Need::Deploy, Need::Organization]
            .map(|need| actions(&written(need)).len());
        assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
    }

    #[test]
    fn names_limit_what_is_allowed() {
        let all = written(Need::Deploy);
        let text = all.to_string();
        assert!(text.contains("arn:aws-cn:cloudformation:*:111122223333:stack/autotag-test-*/*"), "{text}");
        assert!(text.contains("arn:aws-cn:iam::111122223333:role/*autotag-test-*"), "{text}");
        for placeholder in ["PARTITION", "ACCOUNT", "NAME"] {
            assert!(!text.contains(placeholder), "{placeholder} is not filled in: {text}");
        }
        assert!(!actions(&all).contains(&"*"), "{text}");
    }
}
