//! All checks, in the order of the chain. The names are a contract: scripts read them.

use super::check::Check;

macro_rules! checks {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $question:literal, $fix:literal;)*) => {
        $(
            $(#[$doc])*
            pub(super) const $constant: Check = Check { name: $name, question: $question, fix: $fix };
        )*

        #[cfg(test)]
        const ALL: &[Check] = &[$($constant),*];
    };
}

checks! {
    CREDENTIALS = "credentials",
        "which identity runs doctor?",
        "aws sts get-caller-identity: use unexpired credentials of the deployment's account, for example with AWS_PROFILE; if AWS cannot be reached, check region, proxy and AWS_ENDPOINT_URL";
    STACK = "stack",
        "did the last operation on the stack succeed?",
        "aws cloudformation describe-stack-events --stack-name {hub-stack} --region {hub}";

    /// By default all enabled regions are looked at.
    REGIONS = "regions",
        "does every region in which something is created forward events?",
        "{deploy-region}{new-region}";

    /// Creations are management events that write.
    TRAIL = "trail",
        "does a trail log management events that write?",
        "aws cloudtrail describe-trails --region {region}; if there is none, make one as docs/deploy.md says (The trail)";
    /// `AssumeRole` counts as a read.
    TRAIL_SESSIONS = "trail.sessions",
        "does it log management events that read? AssumeRole is one",
        "aws cloudtrail describe-trails --region {region}, then aws cloudtrail put-event-selectors with ReadWriteType=All";

    RULE_CREATIONS = "rule.creations",
        "are there rules for creations, and are they enabled?",
        "{deploy-region}{new-region}";
    RULE_CREATIONS_PATTERN = "rule.creations.pattern",
        "do they match every event of this catalogue?",
        "{deploy-region}";
    RULE_CREATIONS_TARGET = "rule.creations.target",
        "do they send to the hub's bus?",
        "{deploy-region}";
    RULE_CREATIONS_ROLE = "rule.creations.role",
        "may the rules' role put events on the hub's bus?",
        "{deploy-region}";
    RULE_DELETIONS = "rule.deletions",
        "are there rules in the region for deletions, which the ledger needs, and are they enabled?",
        "{deploy-region} {parameter} ForwardDeletions=true";
    RULE_DELETIONS_PATTERN = "rule.deletions.pattern",
        "do they match every such event of this catalogue?",
        "{deploy-region}";
    RULE_DELETIONS_TARGET = "rule.deletions.target",
        "do they send to a bus or queue of autotag?",
        "{deploy-region}";
    RULE_TAG_CHANGES = "rule.tag-changes",
        "are there rules in the region for calls that change tags, which the watch needs, and are they enabled?",
        "{deploy-region} {parameter} ForwardTagChanges=true";
    RULE_TAG_CHANGES_PATTERN = "rule.tag-changes.pattern",
        "do they match every such event of this catalogue?",
        "{deploy-region}";
    RULE_TAG_CHANGES_TARGET = "rule.tag-changes.target",
        "do they send to a bus or queue of autotag?",
        "{deploy-region}";
    RULE_TAG_EVENTS = "rule.tag-events",
        "is there a rule in the region for changes of identity tags by whatever call?",
        "{deploy-region}";
    RULE_SESSIONS = "rule.sessions",
        "is there a rule for STS records, and is it enabled?",
        "{deploy-region}{new-region}";
    RULE_SESSIONS_PATTERN = "rule.sessions.pattern",
        "does it match every call that begins a session?",
        "{deploy-region}";
    RULE_SESSIONS_TARGET = "rule.sessions.target",
        "does it send to a bus or queue of autotag?",
        "{deploy-region}";
    RULE_SESSIONS_ROLE = "rule.sessions.role",
        "may the rule's role put events on that bus?",
        "{deploy-region}";
    RULE_INVOCATIONS = "rule.invocations",
        "do the events that the rules match reach their targets?",
        "{deploy-region}";
    RULE_DEAD_LETTERS = "rule.dead-letters",
        "is there a queue for events that a rule could not deliver, and does nothing new come into it?",
        "{deploy-region}";
    RULE_DEAD_LETTERS_POLICY = "rule.dead-letters.policy",
        "may EventBridge send to that queue?",
        "{deploy-region}";

    BUS = "bus",
        "does the hub's bus exist?",
        "{deploy-hub}; if the bus has another name, name its stack with --stack";
    BUS_POLICY = "bus.policy",
        "may every account whose events are expected put events on the bus?",
        "{deploy-hub}";
    BUS_CREATIONS = "bus.creations",
        "are there rules for creations on the hub's bus, and are they enabled?",
        "{deploy-hub}";
    BUS_CREATIONS_PATTERN = "bus.creations.pattern",
        "do they match every event of this catalogue?",
        "{deploy-hub}";
    BUS_CREATIONS_TARGET = "bus.creations.target",
        "do they send to the queue of tag-handler?",
        "{deploy-hub}";
    BUS_DELETIONS = "bus.deletions",
        "are there rules on the hub's bus for deletions, which the ledger needs, and are they enabled?",
        "{deploy-hub} {parameter} CreateLedger=true";
    BUS_DELETIONS_PATTERN = "bus.deletions.pattern",
        "do they match every such event of this catalogue?",
        "{deploy-hub}";
    BUS_DELETIONS_TARGET = "bus.deletions.target",
        "do they send to the queue of tag-handler?",
        "{deploy-hub}";
    BUS_TAG_CHANGES = "bus.tag-changes",
        "are there rules on the hub's bus for calls that change tags, which the watch needs, and are they enabled?",
        "{deploy-hub} {parameter} WatchTags=true";
    BUS_TAG_CHANGES_PATTERN = "bus.tag-changes.pattern",
        "do they match every such event of this catalogue?",
        "{deploy-hub}";
    BUS_TAG_CHANGES_TARGET = "bus.tag-changes.target",
        "do they send to the queue of tag-handler?",
        "{deploy-hub}";
    BUS_TAG_EVENTS = "bus.tag-events",
        "is there a rule on the hub's bus for changes of identity tags by whatever call?",
        "{deploy-hub}";
    BUS_INVOCATIONS = "bus.invocations",
        "do the events that the rules on the hub's bus match reach the queues?",
        "{deploy-hub}";
    BUS_SESSIONS = "bus.sessions",
        "is there a rule for STS records on the hub's bus, and is it enabled?",
        "{deploy-hub}";
    BUS_SESSIONS_PATTERN = "bus.sessions.pattern",
        "does it match every call that begins a session?",
        "{deploy-hub}";
    BUS_SESSIONS_TARGET = "bus.sessions.target",
        "does it send to the queue of session-handler?",
        "{deploy-hub}";

    QUEUE = "queue",
        "does the queue exist?",
        "{deploy-hub}; if the queue has another name, name its stack with --stack or --session-stack";
    QUEUE_POLICY = "queue.policy",
        "may the rules of EventBridge send to the queue?",
        "{deploy-hub}";
    QUEUE_KEY = "queue.key",
        "may EventBridge encrypt with the queue's key?",
        "{deploy-hub}; the policy of the queue's own key must allow kms:GenerateDataKey and kms:Decrypt for events.amazonaws.com";
    QUEUE_REDRIVE = "queue.redrive",
        "do messages that fail repeatedly go to the dead-letter queue?",
        "{deploy-hub}; dead letters of {queue-url} go to {dead-arn}, with a maxReceiveCount of at least 5";
    QUEUE_VISIBILITY = "queue.visibility",
        "is the visibility timeout at least six times the function's timeout?",
        "aws sqs set-queue-attributes --queue-url {queue-url} --attributes VisibilityTimeout=360 --region {region}";
    QUEUE_AGE = "queue.age",
        "does the function keep up with the queue?",
        "aws logs tail /aws/lambda/{function} --since 1h --region {region}; if the function is ok, raise MaximumConcurrency of stack {stack}";
    DEAD_LETTERS = "dead-letters",
        "does the dead-letter queue exist, and does nothing new come into it?",
        "autotag redrive {dead-url}";

    FUNCTION = "function",
        "does the function exist, and can it run?",
        "{deploy-hub}; if the function has another name, name its stack";
    FUNCTION_ALIAS = "function.alias",
        "does the alias `live` point to a published version?",
        "{deploy-hub}; the alias `live` of {function} points to a published version";
    FUNCTION_SOURCE = "function.source",
        "does an enabled event source mapping deliver the queue's messages to the alias?",
        "{deploy-hub}";
    FUNCTION_ANSWERS = "function.answers",
        "does Lambda read which messages of a batch failed?",
        "{deploy-hub}";
    FUNCTION_ENVIRONMENT = "function.environment",
        "does the environment name the deployment's table, queues and role?",
        "{deploy-hub}; the environment of {function} must name what stack {stack} has";
    FUNCTION_RECEIVES = "function.receives",
        "does the function know which receive is the last?",
        "{deploy-hub}; AUTOTAG_MAX_RECEIVES of {function} must be the maxReceiveCount of its queue";
    FUNCTION_CONCURRENCY = "function.concurrency",
        "may the function run as often at once as its mapping asks for?",
        "aws lambda get-function-concurrency --function-name {function} --region {region}";
    FUNCTION_ERRORS = "function.errors",
        "does the live version run without errors?",
        "aws logs tail /aws/lambda/{function} --since 1h --region {region}";

    TABLE = "table",
        "is the table of sessions active, with the keys role_session and issued?",
        "{deploy-hub}; a table with other keys must be replaced (docs/operations.md, the table)";
    TABLE_EXPIRY = "table.expiry",
        "does the table delete expired sessions?",
        "aws dynamodb update-time-to-live --table-name {table} --time-to-live-specification Enabled=true,AttributeName=expires_at --region {table-region}";

    LEDGER = "ledger",
        "is the table of the ledger active and protected, with its keys and indexes?",
        "{deploy-hub} {parameter} CreateLedger=true";
    LEDGER_RECOVERY = "ledger.recovery",
        "can the ledger be recovered to a point in time?",
        "{deploy-hub} {parameter} CreateLedger=true";

    ALARMS = "alarms",
        "are there alarms?",
        "{deploy-hub} {parameter} AlarmTopicArn=$TOPIC";
    ALARMS_ACTIONS = "alarms.actions",
        "does each alarm do something?",
        "{deploy-hub} {parameter} AlarmTopicArn=$TOPIC";
    ALARMS_TOPIC = "alarms.topic",
        "do the alarms reach somebody?",
        "{deploy-hub} {parameter} AlarmTopicArn=$TOPIC";
    ALARMS_STATE = "alarms.state",
        "are all alarms quiet?",
        "aws cloudwatch describe-alarms --alarm-name-prefix {prefix}- --state-value ALARM --region {hub}";

    PERMISSION_TAGGING = "permission.tagging",
        "may the role of tag-handler write tags in every service of the catalogue?",
        "{deploy-hub}; if an organization's policy denies them, see `organization.policy`";
    PERMISSION_READING = "permission.reading",
        "may it read tags, and the details that a record lacks?",
        "{deploy-hub}";
    PERMISSION_WORKING = "permission.working",
        "may the function use its queues, its table, and the roles of other accounts?",
        "{deploy-hub}";

    STACK_SETS = "stack-sets",
        "is every instance of the deployment's stack sets current?",
        "aws cloudformation list-stack-set-operations --stack-set-name {prefix}-region --region {hub}";
    MEMBERS = "members",
        "are the other accounts and the role in them known?",
        "{deploy-hub} {parameter} MemberRoleName=autotag-member, and ExternalId in the same way, or pass --member-role and --external-id";
    MEMBER_ROLE = "member.role",
        "may tag-handler assume the role in this account?",
        "aws cloudformation deploy --template-file deploy/member.yaml --stack-name {prefix}-member --region {hub} --capabilities CAPABILITY_NAMED_IAM --parameter-overrides HubRoleArns={tag-role} ExternalId=$EXTERNAL_ID";
    MEMBER_TAGGING = "member.tagging",
        "may that role write tags in every service of the catalogue?",
        "aws cloudformation deploy --template-file deploy/member.yaml --stack-name {prefix}-member --region {hub} --capabilities CAPABILITY_NAMED_IAM; if an organization's policy denies it, see `organization.policy`";
    MEMBER_READING = "member.reading",
        "may that role read tags, and the details that a record lacks?",
        "aws cloudformation deploy --template-file deploy/member.yaml --stack-name {prefix}-member --region {hub} --capabilities CAPABILITY_NAMED_IAM";

    ORGANIZATION_POLICY = "organization.policy",
        "do the organization's policies allow the role to write tags?",
        "aws organizations list-policies-for-target --target-id {account} --filter SERVICE_CONTROL_POLICY";

    ORGANIZATION_RESOURCES = "organization.resources",
        "do the organization's policies of resources allow what autotag calls?",
        "aws organizations list-policies-for-target --target-id {account} --filter RESOURCE_CONTROL_POLICY";
    ORGANIZATION_TAGS = "organization.tags",
        "do the organization's tag policies accept the tags of autotag?",
        "aws organizations list-policies-for-target --target-id {account} --filter TAG_POLICY";

    /// The function reads the text when it starts.
    POLICY_PARAMETER = "policy.parameter",
        "is the policy in the parameter valid, and is its version pinned?",
        "autotag policy check names the fault; aws ssm put-parameter --overwrite with the right text, and pin its version";
    /// Needs no question to AWS.
    POLICY_KEYS = "policy.keys",
        "do the permissions of AWS's services hold on what this policy tags?",
        "autotag policy check lists the conditions; rename the named keys in the policy";
    POLICY_COPIES = "policy.copies",
        "does no policy in sight decide by a tag that is copied from sessions and roles?",
        "name the keys in copy.deny of the policy, or set policy.copy = \"strict\" and list what is copied";

    CANARY = "canary",
        "do the tags of a new resource arrive?",
        "aws logs tail /aws/lambda/{function} --since 1h --region {hub}; repair the links above first, and check that the policy does not ignore the identity that runs doctor";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = ALL.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn every_check_is_documented() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/doctor.md");
        let page = std::fs::read_to_string(path).unwrap();
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        for Check { name, .. } in ALL {
            // A row names a check as `queue.policy`, or as `queue` with `.policy`.
            let named = |row: &&str| {
                row.contains(&format!("`{name}`"))
                    || name.rmatch_indices('.').any(|(dot, _)| {
                        let (family, part) = name.split_at(dot);
                        row.contains(&format!("`{family}`")) && row.contains(&format!("`{part}`"))
                    })
            };
            assert!(rows.iter().any(named), "docs/doctor.md does not describe the check `{name}`");
        }
    }
}
