//! The instances of a `StackSet`: the accounts and regions in which it has a stack.

use super::client::{AwsQuery, encoded};
use super::error::QueryError;
use super::xml;
use crate::paginate::paginate;
use crate::signed::calls;
use autotag_model::arn::{AccountId, Region};

/// One instance of a `StackSet`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackInstance {
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// `CURRENT`, `OUTDATED` or `INOPERABLE`.
    pub status: String,
    /// Why it has this status; empty if AWS gives no reason.
    pub reason: String,
}

const ACTION: &str = "cloudformation:ListStackInstances";

impl AwsQuery {
    /// All instances of a `StackSet`, whatever their status ([API reference][api]). Delegated administrators name themselves,
    /// outside of the management account.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    ///
    /// [api]: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackInstances.html
    pub async fn stack_instances(
        &self,
        region: &Region,
        stack_set: &str,
        delegated_admin: bool,
    ) -> Result<Vec<StackInstance>, QueryError> {
        let name = encoded(stack_set);
        paginate::<_, QueryError>(ACTION, async |token| {
            let token = token.map(|token: String| encoded(&token));
            let request = calls::stack_instances(region, &name, delegated_admin, token.as_deref());
            page(&self.send(ACTION, request).await?)
        })
        .await
    }
}

fn page(answer: &str) -> Result<(Vec<StackInstance>, Option<String>), QueryError> {
    let document = xml::parse(ACTION, answer)?;
    let unreadable = || QueryError::unreadable(ACTION);
    let result = xml::find(document.root(), "ListStackInstancesResult").ok_or_else(unreadable)?;
    let instance = |member| {
        Some(StackInstance {
            account: AccountId::new(xml::child_text(member, "Account")?)?,
            region: Region::new(xml::child_text(member, "Region")?)?,
            status: xml::child_text(member, "Status").unwrap_or_default().to_owned(),
            reason: xml::child_text(member, "StatusReason").unwrap_or_default().to_owned(),
        })
    };
    let all = xml::members(result, "Summaries").map(|member| instance(member).ok_or_else(unreadable));
    let next = xml::child_text(result, "NextToken").filter(|token| !token.is_empty());
    Ok((all.collect::<Result<_, _>>()?, next.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_instances_and_the_token_of_the_next() {
        let answer = "<ListStackInstancesResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
            <ListStackInstancesResult><NextToken>n&amp;1</NextToken><Summaries><member><Account>111122223333</Account>\
            <Region>eu-west-1</Region><Status>CURRENT</Status><StackInstanceStatus><DetailedStatus>SUCCEEDED\
            </DetailedStatus></StackInstanceStatus></member></Summaries></ListStackInstancesResult>\
            </ListStackInstancesResponse>";
        let (instances, token) = page(answer).unwrap();
        assert_eq!(token.as_deref(), Some("n&1"));
        assert_eq!(
            (instances[0].account.as_str(), instances[0].status.as_str()),
            ("111122223333", "CURRENT")
        );
    }

    #[test]
    fn an_instance_without_an_account_is_no_answer() {
        let answer = "<ListStackInstancesResult><Summaries><member><Region>eu-west-1</Region></member></Summaries>\
            </ListStackInstancesResult>";
        assert_eq!(page(answer).unwrap_err().code, "UnreadableAnswer");
    }
}
