//! DynamoDB: the service itself creates the replicas of a global table, on behalf of the requester.

use super::handler::{RecordContext, ServiceHandler, TagTarget};

#[derive(Debug)]
pub(super) struct DynamoDb;

/// The role under which DynamoDB creates replica tables in other regions.
const REPLICATION_ROLE: &str = "AWSServiceRoleForDynamoDBReplication";

impl ServiceHandler for DynamoDb {
    fn event_source(&self) -> &'static str {
        "dynamodb.amazonaws.com"
    }

    fn refine(&self, context: &RecordContext<'_>, targets: &mut Vec<TagTarget>) {
        // The person's own call (UpdateTable, CreateGlobalTable) names the replica too. The two records come in any
        // order, so the role never overwrites the person, and the person always overwrites the role.
        let principal = context.principal;
        let by_replication = principal.is_service_linked() && principal.role_name() == Some(REPLICATION_ROLE);
        for target in targets {
            if by_replication {
                target.may_have_existed = true;
            }
            if target.rule.event == "UpdateTable" {
                target.may_have_existed = false;
            }
        }
    }
}
