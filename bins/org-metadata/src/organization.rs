//! AWS Organizations: the organization, its accounts, their tags.

use crate::aws::{Aws, Failure, Place};
use crate::report::Listed;
use autotag_aws::signed::{ORGANIZATIONS, Request};
use autotag_model::arn::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What `DescribeOrganization` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Described {
    /// `o-...`
    pub(crate) id: String,
    pub(crate) management: AccountId,
}

/// Asks for the organization of a place.
pub(crate) async fn describe(aws: &Aws, place: &Place) -> Result<Described, Failure> {
    const OPERATION: &str = "DescribeOrganization";
    let answer = aws.json(place, request(aws, OPERATION, &json!({}))).await?;
    let organization = answer.get("Organization").unwrap_or(&Value::Null);
    let described = || {
        let management = AccountId::new(text(organization, "MasterAccountId")?)?;
        Some(Described { id: text(organization, "Id")?.to_owned(), management })
    };
    described().ok_or_else(|| unreadable(OPERATION))
}

/// The pages of a list, one by one; each is asked for when the one before has been seen.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    aws: &'a Aws,
    place: &'a Place,
    operation: &'static str,
    body: Value,
    /// Where the next page begins; none when there is none.
    next: Option<String>,
    seen: BTreeSet<String>,
}

impl<'a> Pages<'a> {
    /// The accounts of the organization.
    pub(crate) fn of_accounts(aws: &'a Aws, place: &'a Place) -> Self {
        Self::new(aws, place, "ListAccounts", json!({"MaxResults": 20}))
    }

    fn of_tags(aws: &'a Aws, place: &'a Place, account: &AccountId) -> Self {
        Self::new(aws, place, "ListTagsForResource", json!({"ResourceId": account}))
    }

    fn new(aws: &'a Aws, place: &'a Place, operation: &'static str, body: Value) -> Self {
        Self { aws, place, operation, body, next: Some(String::new()), seen: BTreeSet::new() }
    }

    /// The next page; none behind the last one, and none behind one that failed.
    ///
    /// A page may be empty and still not be the last. A token that comes again would never end.
    pub(crate) async fn next(&mut self) -> Option<Result<Value, Failure>> {
        let token = self.next.take()?;
        let mut body = self.body.clone();
        if let (false, Some(body)) = (token.is_empty(), body.as_object_mut()) {
            body.insert("NextToken".to_owned(), json!(token));
        }
        let page = match self.aws.json(self.place, request(self.aws, self.operation, &body)).await {
            Ok(page) => page,
            Err(failure) => return Some(Err(failure)),
        };
        if let Some(token) = text(&page, "NextToken").filter(|token| !token.is_empty()) {
            if !self.seen.insert(token.to_owned()) {
                return Some(Err(Failure::new(self.operation, "PagingDoesNotEnd", None)));
            }
            self.next = Some(token.to_owned());
        }
        Some(Ok(page))
    }
}

/// The accounts on a page. One without an id is left out: nothing can be said of it.
pub(crate) fn accounts(page: &Value) -> impl Iterator<Item = Listed> {
    let accounts = page.get("Accounts").and_then(Value::as_array).into_iter().flatten();
    accounts.filter_map(|account| {
        let kept = |name: &str| text(account, name).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Listed {
            id: AccountId::new(text(account, "Id")?)?,
            name: kept("Name").unwrap_or_default(),
            // `Status` was retired in favour of `State` on 9 September 2026.
            state: kept("State").or_else(|| kept("Status")),
            ou_path: account.get("Paths").and_then(|paths| path(paths.as_array()?.first()?.as_str()?)),
            joined_method: kept("JoinedMethod"),
            joined: account.get("JoinedTimestamp").and_then(time),
        })
    })
}

/// `o-1/r-1/ou-1/ou-2/111122223333/` is `r-1/ou-1/ou-2`: the organization and the account stand in columns of their own.
fn path(path: &str) -> Option<String> {
    let units: Vec<&str> =
        path.split('/').filter(|part| part.starts_with("r-") || part.starts_with("ou-")).collect();
    (!units.is_empty()).then(|| units.join("/"))
}

/// Seconds since 1970, as JSON services write times.
fn time(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is of no interest")]
    let seconds = value.as_f64()? as i64;
    Timestamp::from_second(seconds).ok()
}

/// The tags of an account, of which those are kept that are `wanted`.
pub(crate) async fn tags(
    aws: &Aws,
    place: &Place,
    account: &AccountId,
    wanted: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut pages = Pages::of_tags(aws, place, account);
    let mut tags = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page?;
        for tag in page.get("Tags").and_then(Value::as_array).into_iter().flatten() {
            let (key, value) = (text(tag, "Key"), text(tag, "Value").unwrap_or_default());
            if let Some(key) = key.filter(|key| wanted.contains(*key)) {
                tags.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    Ok(tags)
}

fn request(aws: &Aws, operation: &str, body: &Value) -> Request {
    Request::json(ORGANIZATIONS, operation, &aws.organizations_region(), body)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn unreadable(operation: &str) -> Failure {
    Failure::new(operation, "UnreadableAnswer", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(account: &Value) -> Vec<Listed> {
        accounts(&json!({"Accounts": [account]})).collect()
    }

    #[test]
    fn state_or_status_or_neither() {
        let state = |account: Value| listed(&account).first().unwrap().state.clone();
        let id = "111122223333";
        assert_eq!(state(json!({"Id": id, "State": "ACTIVE"})).as_deref(), Some("ACTIVE"));
        assert_eq!(state(json!({"Id": id, "Status": "SUSPENDED"})).as_deref(), Some("SUSPENDED"));
        let both = json!({"Id": id, "State": "CLOSED", "Status": "SUSPENDED"});
        assert_eq!(state(both).as_deref(), Some("CLOSED"));
        assert_eq!(state(json!({"Id": id})), None);
    }

    #[test]
    fn the_path_is_that_of_the_units() {
        let account = json!({"Id": "111122223333", "Paths": ["o-abcdefghij/r-ab12/ou-ab12-11111111/111122223333/"],
            "JoinedTimestamp": 1_772_452_800.25, "JoinedMethod": "CREATED"});
        let listed = listed(&account);
        let account = listed.first().unwrap();
        assert_eq!(account.ou_path.as_deref(), Some("r-ab12/ou-ab12-11111111"));
        assert_eq!(account.joined.unwrap().to_string(), "2026-03-02T12:00:00Z");
    }

    #[test]
    fn what_has_no_account_id_is_no_account() {
        assert_eq!(listed(&json!({"Id": "12", "Name": "short"})), []);
        assert_eq!(listed(&json!({"Name": "none"})), []);
        assert_eq!(accounts(&Value::Null).count(), 0);
    }
}
