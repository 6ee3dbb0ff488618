//! Names of Identity Center users, from the identity store.

use crate::emulated::{HERE, World, failure};
use autotag_handlers::backend::BackendReader as _;
use autotag_handlers::error::ErrorClass;
use autotag_model::arn::Region;
use autotag_model::identity::{OnBehalfOf, Principal};
use autotag_testkit::{Fault, Reply};
use serde_json::json;

const OPERATION: &str = "DescribeUser";

fn somebody(id: &str) -> OnBehalfOf {
    let store = format!("arn:aws:identitystore::{HERE}:identitystore/d-1234567890");
    let identity = json!({"onBehalfOf": {"userId": id, "identityStoreArn": store}});
    Principal::from_value(&identity).on_behalf_of.unwrap()
}

fn stockholm() -> Region {
    Region::new("eu-north-1").unwrap()
}

#[tokio::test]
async fn a_user_has_the_name_that_the_store_knows_and_is_asked_for_once() {
    let world = World::new().await;
    world.proxy.route("/", |call| {
        let body = call.json();
        (call.operation == OPERATION
            && body["UserId"] == "user-1"
            && body["IdentityStoreId"] == "d-1234567890")
            .then(|| Reply::json(200, &json!({"UserName": "ana@example.com", "UserId": "user-1"})))
    });
    let backend = world.backend().with_identity_store(stockholm());
    for _ in 0..3 {
        assert_eq!(backend.user_name(&somebody("user-1")).await, Ok(Some("ana@example.com".to_owned())));
    }
    let calls = world.calls("identitystore", OPERATION);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].region, "eu-north-1", "the store is asked where it is");
}

#[tokio::test]
async fn nobody_is_asked_who_is_not_configured() {
    let world = World::new().await;
    assert_eq!(world.backend().user_name(&somebody("user-1")).await, Ok(None));
    let backend = world.backend().with_identity_store(stockholm());
    let mut nowhere = somebody("user-1");
    nowhere.identity_store_arn = None;
    assert_eq!(backend.user_name(&nowhere).await, Ok(None));
    assert!(world.calls("identitystore", OPERATION).is_empty());
}

#[tokio::test]
async fn who_has_left_is_no_failure_and_a_refusal_is_one() {
    let world = World::new().await;
    let backend = world.backend().with_identity_store(stockholm());
    world.proxy.rule(|call| {
        let code =
            if call.mentions("user-gone") { "ResourceNotFoundException" } else { "AccessDeniedException" };
        (call.operation == OPERATION).then(|| Fault::refused(code))
    });
    assert_eq!(backend.user_name(&somebody("user-gone")).await, Ok(None));
    let refused = backend.user_name(&somebody("user-1")).await;
    assert_eq!(failure(&refused), (ErrorClass::Denied, "AccessDeniedException"));
}

/// The store of another organization: whose names it has is none of our business, what his call has made is.
#[tokio::test]
async fn a_store_of_an_account_that_may_not_be_entered_names_nobody() {
    let world = World::new().await;
    let backend = world.backend().with_identity_store(stockholm());
    let mut stranger = somebody("user-1");
    stranger.identity_store_arn =
        Some("arn:aws:identitystore::444455556666:identitystore/d-0987654321".to_owned());
    assert_eq!(backend.user_name(&stranger).await, Ok(None));
    assert!(world.calls("identitystore", OPERATION).is_empty());
}
