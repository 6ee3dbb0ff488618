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
        "use unexpired credentials of the deployment's account, for example with AWS_PROFILE; if AWS cannot be reached, check region, proxy and AWS_ENDPOINT_URL";
    STACK = "stack",
        "did the last operation on the stack succeed?",
        "read the stack's events, and deploy it again";

    /// Creations are management events that write.
    TRAIL = "trail",
        "does a trail log management events that write?",
        "create a trail for all regions that logs management events, read and write, and start its logging";
    /// `AssumeRole` counts as a read.
    TRAIL_SESSIONS = "trail.sessions",
        "does it log management events that read? AssumeRole is one",
        "make the trail log read management events too (ReadWriteType `All`)";

    RULE_CREATIONS = "rule.creations",
        "are there rules for creations, and are they enabled?",
        "deploy region.yaml there; enable rules with aws events enable-rule --name NAME";
    RULE_CREATIONS_PATTERN = "rule.creations.pattern",
        "do they match every event of this catalogue?",
        "run `autotag generate`, and update the stack with the new region.yaml";
    RULE_CREATIONS_TARGET = "rule.creations.target",
        "do they send to the hub's bus?",
        "update the stack with region.yaml, whose parameter names the hub's bus";
    RULE_CREATIONS_ROLE = "rule.creations.role",
        "may the rules' role put events on the hub's bus?",
        "allow events:PutEvents on the hub's bus for the role of the rules (ForwardRole of region.yaml)";
    RULE_SESSIONS = "rule.sessions",
        "is there a rule for STS records, and is it enabled?",
        "deploy region.yaml there; enable it with aws events enable-rule --name autotag-sessions";
    RULE_SESSIONS_PATTERN = "rule.sessions.pattern",
        "does it match every call that begins a session?",
        "run `autotag generate`, and update the stack with the new region.yaml";
    RULE_SESSIONS_TARGET = "rule.sessions.target",
        "does it send to a bus or queue of autotag?",
        "update the stack with region.yaml, whose parameter names the bus";
    RULE_SESSIONS_ROLE = "rule.sessions.role",
        "may the rule's role put events on that bus?",
        "allow events:PutEvents on the bus for the role of the rule (ForwardRole of region.yaml)";
    RULE_DEAD_LETTERS = "rule.dead-letters",
        "is there a queue for events that a rule could not deliver, and is it empty?",
        "give each target a dead-letter queue, as the templates do; list its messages with `autotag redrive QUEUE_URL`";
    RULE_DEAD_LETTERS_POLICY = "rule.dead-letters.policy",
        "may EventBridge send to that queue?",
        "allow sqs:SendMessage for events.amazonaws.com in its policy, for the ARNs of the rules";

    BUS = "bus",
        "does the hub's bus exist?",
        "deploy the stack again; if the bus has another name, name its stack with --stack";
    BUS_POLICY = "bus.policy",
        "may every account whose events are expected put events on the bus?",
        "allow events:PutEvents for the account, or the organization, in the bus's policy (parameters of hub.yaml)";
    BUS_CREATIONS = "bus.creations",
        "are there rules for creations on the hub's bus, and are they enabled?",
        "update the stack with hub.yaml; enable rules with aws events enable-rule --event-bus-name BUS --name NAME";
    BUS_CREATIONS_PATTERN = "bus.creations.pattern",
        "do they match every event of this catalogue?",
        "run `autotag generate`, and update the stack with the new hub.yaml";
    BUS_CREATIONS_TARGET = "bus.creations.target",
        "do they send to the queue of tag-handler?",
        "update the stack with hub.yaml";
    BUS_SESSIONS = "bus.sessions",
        "is there a rule for STS records on the hub's bus, and is it enabled?",
        "deploy session.yaml; enable it with aws events enable-rule --event-bus-name BUS --name autotag-sessions";
    BUS_SESSIONS_PATTERN = "bus.sessions.pattern",
        "does it match every call that begins a session?",
        "run `autotag generate`, and update the stack with the new session.yaml";
    BUS_SESSIONS_TARGET = "bus.sessions.target",
        "does it send to the queue of session-handler?",
        "update the stack with session.yaml";

    QUEUE = "queue",
        "does the queue exist?",
        "deploy the stack again; if the queue has another name, name its stack with --stack or --session-stack";
    QUEUE_POLICY = "queue.policy",
        "may the rules of EventBridge send to the queue?",
        "allow sqs:SendMessage for events.amazonaws.com in the queue's policy, for the ARNs of the rules";
    QUEUE_KEY = "queue.key",
        "may EventBridge encrypt with the queue's key?",
        "allow kms:GenerateDataKey and kms:Decrypt for events.amazonaws.com in the policy of the queue's own key";
    QUEUE_REDRIVE = "queue.redrive",
        "do messages that fail repeatedly go to the dead-letter queue?",
        "set the queue's redrive policy: its dead-letter queue, and a maxReceiveCount of at least 5";
    QUEUE_VISIBILITY = "queue.visibility",
        "is the visibility timeout at least six times the function's timeout?",
        "raise the queue's visibility timeout to six times the function's timeout";
    QUEUE_AGE = "queue.age",
        "does the function keep up with the queue?",
        "check the function and its event source mapping; if both are ok, raise MaximumConcurrency";
    DEAD_LETTERS = "dead-letters",
        "does the dead-letter queue exist, and is it empty?",
        "read the reasons with `autotag redrive QUEUE_URL`, repair the cause, and send the messages back with --yes";

    FUNCTION = "function",
        "does the function exist, and can it run?",
        "deploy the stack again, with the package of the function's processor; if it has another name, name its stack";
    FUNCTION_ALIAS = "function.alias",
        "does the alias `live` point to a published version?",
        "point the alias to a version: aws lambda update-alias --function-name F --name live --function-version N";
    FUNCTION_SOURCE = "function.source",
        "does an enabled event source mapping deliver the queue's messages to the alias?",
        "enable the mapping: aws lambda update-event-source-mapping --uuid ID --enabled; if there is none, deploy again";
    FUNCTION_ANSWERS = "function.answers",
        "does Lambda read which messages of a batch failed?",
        "set FunctionResponseTypes of the mapping to ReportBatchItemFailures: without it, failed messages are lost";
    FUNCTION_ENVIRONMENT = "function.environment",
        "does the environment name the deployment's table, queues and role?",
        "correct the function's environment, publish a version, and point the alias to it";
    FUNCTION_RECEIVES = "function.receives",
        "does the function know which receive is the last?",
        "set AUTOTAG_MAX_RECEIVES of the function to the maxReceiveCount of its queue";
    FUNCTION_ERRORS = "function.errors",
        "did the function run without errors in the last hour?",
        "read the function's log group: aws logs tail /aws/lambda/F --since 1h";

    TABLE = "table",
        "is the table of sessions active, with the keys role_session and issued?",
        "deploy the stack again; a table with other keys must be replaced (docs/operations.md, the table)";
    TABLE_EXPIRY = "table.expiry",
        "does the table delete expired sessions?",
        "aws dynamodb update-time-to-live --table-name T --time-to-live-specification Enabled=true,AttributeName=expires_at";

    PERMISSION_TAGGING = "permission.tagging",
        "may the role of tag-handler write tags in every service of the catalogue?",
        "allow the named actions for the role (hub.yaml of `autotag generate` has all of them); if an organization's policy denies them, see `organization.policy`";
    PERMISSION_READING = "permission.reading",
        "may it read tags, and the details that a record lacks?",
        "allow the named actions for the role (hub.yaml of `autotag generate` has all of them)";
    PERMISSION_WORKING = "permission.working",
        "may the function use its queues, its table, and the roles of other accounts?",
        "allow the named actions on the named resources for the role (the stack's template has all of them)";

    MEMBERS = "members",
        "are the other accounts and the role in them known?",
        "set AUTOTAG_MEMBER_ROLE and AUTOTAG_EXTERNAL_ID of tag-handler, or pass --member-role and --external-id";
    MEMBER_ROLE = "member.role",
        "may tag-handler assume the role in this account?",
        "deploy member.yaml there, with the ARN of the hub's role and the function's external id";
    MEMBER_TAGGING = "member.tagging",
        "may that role write tags in every service of the catalogue?",
        "update member.yaml there; if an organization's policy denies it, see `organization.policy`";
    MEMBER_READING = "member.reading",
        "may that role read tags, and the details that a record lacks?",
        "update member.yaml there";

    ORGANIZATION_POLICY = "organization.policy",
        "do the organization's policies allow the role to write tags?",
        "exempt the role from the named statement, by a condition on aws:PrincipalArn";

    /// Needs no question to AWS.
    POLICY_KEYS = "policy.keys",
        "do the permissions of AWS's services hold on what this policy tags?",
        "rename the named keys in the policy; `autotag policy check` lists the conditions on them";
    POLICY_COPIES = "policy.copies",
        "does no policy in sight decide by a tag that is copied from sessions and roles?",
        "name the keys in copy.deny of the policy, or set policy.copy = \"strict\" and list what is copied";

    CANARY = "canary",
        "do the tags of a new resource arrive?",
        "repair the links above, then read the logs of tag-handler; check that the policy does not ignore the identity that runs doctor";
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
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
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
            assert!(rows.iter().any(named), "docs/operations.md does not describe the check `{name}`");
        }
    }
}
