//! Reads names of Identity Center users from the identity store: one call for each user, kept for a while.

use super::AwsBackend;
use crate::errors;
use crate::signed::calls;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::arn::{Arn, Region};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, Scope};
use serde_json::{Map, Value};

impl AwsBackend {
    /// The name of an Identity Center user.
    pub(super) async fn cached_user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        let Some(region) = &self.identity_store else { return Ok(None) };
        let store = match user.identity_store_arn.as_deref() {
            Some(arn) => arn.parse::<Arn>().ok(),
            None => self.only_store(),
        };
        let Some(arn) = store else { return Ok(None) };
        if !self.is_trusted_store(&arn).await? {
            return Ok(None);
        }
        let question = format!("{} {arn}", user.user_id);
        self.users.get(&question, Box::pin(self.describe_user(user, &arn, region.clone()))).await
    }

    /// The one store that the operator lists: that of users whose record names no store (account access manager).
    fn only_store(&self) -> Option<Arn> {
        let mut stores = self.trusted_stores.iter();
        stores.next().filter(|_| stores.next().is_none()).cloned()
    }

    /// True if the users of a store have names that count. Records name stores of any account, and an account instance of
    /// Identity Center names its users freely.
    async fn is_trusted_store(&self, store: &Arn) -> Result<bool, BackendError> {
        if !self.trusted_stores.is_empty() {
            return Ok(self.trusted_stores.contains(store));
        }
        let own = self.accounts.own().await.map_err(|error| errors::of_account(&error))?;
        Ok(store.account().as_ref() == Some(own))
    }

    /// `DescribeUser`, in the account that the ARN of the store names.
    async fn describe_user(
        &self,
        user: &OnBehalfOf,
        store: &Arn,
        region: Region,
    ) -> Result<Option<String>, BackendError> {
        let place =
            Scope { partition: store.partition().clone(), region: Some(region), account: store.account() };
        let id = store.resource().rsplit('/').next().unwrap_or_default();
        let store = Resource::new("AWS::IdentityStore::IdentityStore", id, None, &place);
        let answer = self.ask_identity_store(&store, &user.user_id).await;
        match answer {
            Ok(name) => Ok(name.filter(|name| !name.is_empty())),
            // The user was deleted from the directory: fall back to the user id.
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            // The account of the directory is out of scope: fall back to the user id.
            Err(error) if errors::is_closed_account(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name of a user in the identity store `store`.
    async fn ask_identity_store(
        &self,
        store: &Resource,
        user_id: &str,
    ) -> Result<Option<String>, BackendError> {
        let request = calls::directory_user(&self.region(store)?, &store.id, user_id);
        let body = self.send(store, request).await?;
        name_in(&body)
    }
}

/// The name in an answer, if the user has one. AWS documents that each answer has the id of the user.
fn name_in(answer: &str) -> Result<Option<String>, BackendError> {
    let unreadable = || errors::unreadable("DescribeUser");
    let user: Map<String, Value> = serde_json::from_str(answer).map_err(|_| unreadable())?;
    user.get("UserId").and_then(Value::as_str).ok_or_else(unreadable)?;
    match user.get("UserName") {
        None | Some(Value::Null) => Ok(None),
        Some(name) => name.as_str().map(|name| Some(name.to_owned())).ok_or_else(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_aws_does_not_document_is_not_a_user_without_a_name() {
        assert_eq!(name_in(r#"{"UserId": "u-1", "UserName": "ana"}"#), Ok(Some("ana".to_owned())));
        assert_eq!(name_in(r#"{"UserId": "u-1"}"#), Ok(None));
        for answer in ["", "[]", "null", "{}", "<html>", r#"{"UserId": "u-1", "UserName": 7}"#] {
            assert_eq!(name_in(answer), Err(errors::unreadable("DescribeUser")), "{answer}");
        }
    }
}
