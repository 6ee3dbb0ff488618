//! Names of Identity Center users, from the identity store: one call a user, kept for a while.

use super::AwsPorts;
use crate::errors;
use crate::signed::{IDENTITY_STORE, Request};
use autotag_handlers::outcome::{BackendError, ErrorClass};
use autotag_handlers::ports::People;
use autotag_model::arn::{Arn, Region};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, Scope};
use serde_json::{Value, json};
use session_store::SessionStore;

impl<S: SessionStore> People for AwsPorts<S> {
    async fn person(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        let Some(region) = &self.identity_store else { return Ok(None) };
        let Some(arn) = user.identity_store_arn.as_deref().and_then(|arn| arn.parse::<Arn>().ok()) else {
            return Ok(None);
        };
        let question = format!("{} {arn}", user.user_id);
        self.people.at((self.now)()).get(&question, self.user_name(user, &arn, region.clone())).await
    }
}

impl<S: SessionStore> AwsPorts<S> {
    /// `DescribeUser`, in the account that the ARN of the store names.
    async fn user_name(
        &self,
        user: &OnBehalfOf,
        store: &Arn,
        region: Region,
    ) -> Result<Option<String>, BackendError> {
        let place = Scope {
            partition: store.partition().clone(),
            region: Some(region.clone()),
            account: store.account(),
        };
        let id = store.resource().rsplit('/').next().unwrap_or_default();
        let store = Resource::new("AWS::IdentityStore::IdentityStore", id, None, &place);
        let input = json!({"IdentityStoreId": id, "UserId": user.user_id});
        let answer = self.send(&store, Request::json(IDENTITY_STORE, "DescribeUser", &region, &input)).await;
        let answer = match answer {
            Ok(answer) => answer,
            // Who has left the company has made the call all the same; his id stays.
            Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
            // A store of an account that is not ours: the resource is our business, the name is not.
            Err(error) if errors::is_closed_account(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let answer: Value = serde_json::from_str(&answer)
            .map_err(|_| BackendError::new(ErrorClass::Transport, "DescribeUser", "UnreadableAnswer"))?;
        let name = answer.get("UserName").and_then(Value::as_str);
        Ok(name.filter(|name| !name.is_empty()).map(str::to_owned))
    }
}
