//! Both functions: STS records go to `session-handler`, creations to `tag-handler`, in any order. Each resource gets the tags
//! of the session that created it, and of no other session.
#![expect(clippy::print_stdout, reason = "with --nocapture the tests print the tags of each resource")]

mod common;

use autotag_testkit::Fault;
use autotag_testkit::records::{ACCOUNT, batch, session, sts, time, user, volume};
use common::{BothFunctions, TABLE};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn tags(tags: &[(&str, &str)]) -> Value {
    Value::Array(tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect())
}

fn map(tags: &[(&str, &str)]) -> Value {
    Value::Object(tags.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect())
}

/// The expected tags: the owner, the identity's names, and its session tags over the tags of its role.
fn expected(owner: &str, identity: &Value, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([("CostCenter", "42"), ("Team", "platform")]);
    tags.extend(more.iter().copied());
    let text = |name: &str| identity[name].as_str().unwrap_or_default();
    tags.extend([("Owner", owner), ("PrincipalId", text("principalId")), ("CreatedBy", text("arn"))]);
    tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Prints a line of the table of results.
fn line(what: &str, tags: &BTreeMap<String, String>) {
    println!("| {what} | Owner={} Team={} |", tags["Owner"], tags.get("Team").map_or("-", String::as_str));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sts_operation_leads_to_its_owner() {
    let functions = BothFunctions::start(&[]).await;
    let issued = time(minutes(5));
    let of = |role: &str, key: &str| session(role, "build", key, &issued);
    let plain = of("deploy", "ASIAPLAIN");
    let saml = of("federated", "ASIASAML");
    let web = of("pipeline", "ASIAWEB");
    let root = json!({"type": "Root", "principalId": ACCOUNT, "accountId": ACCOUNT,
        "accessKeyId": "ASIAROOT", "arn": format!("arn:aws:iam::{}:root", ACCOUNT),
        "sessionContext": {"attributes": {"creationDate": issued}, "assumedRoot": "true"}});
    let federated = json!({"type": "FederatedUser", "principalId": format!("{}:dana", ACCOUNT),
        "accountId": ACCOUNT, "accessKeyId": "ASIAFED",
        "arn": format!("arn:aws:sts::{}:federated-user/dana", ACCOUNT),
        "sessionContext": {"attributes": {"creationDate": issued}, "sessionIssuer": {"type": "IAMUser",
            "principalId": "AIDAMARA", "userName": "mara", "arn": format!("arn:aws:iam::{}:user/mara", ACCOUNT)}}});
    let (saml_user, web_user) = (
        json!({"type": "SAMLUser", "userName": "ana@example.com", "principalId": "x:ana@example.com"}),
        json!({"type": "WebIdentityUser", "userName": "repo:example/shop:ref:refs/heads/main", "principalId": "x"}),
    );
    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    functions
        .keep(&[
            sts(&plain, "AssumeRole", &user("mara"), &json!({"tags": tags(&[("Team", "shop")])}), &json!({})),
            sts(
                &saml,
                "AssumeRoleWithSAML",
                &saml_user,
                &json!({"principalTags": map(&[("Team", "data"), ("Owner", "victor")])}),
                &json!({"subject": "ana@example.com", "issuer": "https://idp.example.com"}),
            ),
            sts(
                &web,
                "AssumeRoleWithWebIdentity",
                &web_user,
                &json!({"principalTags": map(&[("team", "ci")])}),
                &json!({"subjectFromWebIdentityToken": "repo:example/shop:ref:refs/heads/main", "provider": provider}),
            ),
            json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRoot", "eventID": "sts-root",
                "eventTime": issued, "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT,
                "userIdentity": user("mara"), "requestParameters": {"targetPrincipal": ACCOUNT},
                "responseElements": {"credentials": {"accessKeyId": "ASIAROOT"}}}),
            json!({"eventSource": "sts.amazonaws.com", "eventName": "GetFederationToken", "eventID": "sts-fed",
                "eventTime": issued, "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT,
                "userIdentity": user("mara"), "requestParameters": {"name": "dana", "tags": tags(&[("Team", "ops")])},
                "responseElements": {"credentials": {"accessKeyId": "ASIAFED"},
                    "federatedUser": {"federatedUserId": format!("{}:dana", ACCOUNT)}}}),
        ])
        .await;
    for (what, identity, owner, session_tags) in [
        ("AssumeRole", &plain, "mara", &[("Team", "shop")][..]),
        ("AssumeRoleWithSAML", &saml, "ana@example.com", &[("Team", "data")]),
        ("AssumeRoleWithWebIdentity", &web, "repo:example/shop@main", &[]),
    ] {
        let id = functions.new_volume().await;
        functions.tag(&[volume(&id, identity, NOW)]).await;
        let found = functions.tags(&id).await;
        let mut wanted = expected(owner, identity, session_tags);
        if what == "AssumeRoleWithWebIdentity" {
            // Session tags ignore case: `team` replaces the role's `Team`.
            wanted.remove("Team");
            wanted.insert("team".to_owned(), "ci".to_owned());
        }
        assert_eq!(found, wanted, "{what}");
        line(what, &found);
    }
    for (what, identity, team) in
        [("AssumeRoot", &root, None), ("GetFederationToken", &federated, Some("ops"))]
    {
        let id = functions.new_volume().await;
        functions.tag(&[volume(&id, identity, NOW)]).await;
        let found = functions.tags(&id).await;
        assert_eq!(found["Owner"], "mara", "{what}: {found:?}");
        assert_eq!(found.get("Team").map(String::as_str), team, "{what}: {found:?}");
        line(what, &found);
    }
    assert_eq!(functions.recheck().await, 0, "every session is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn transitive_tags_come_down_two_hops() {
    let functions = BothFunctions::start(&[]).await;
    let (first, second, third) = (time(minutes(9)), time(minutes(6)), time(minutes(3)));
    let one = session("hub", "mara", "ASIAONE", &first);
    let two = session("spoke", "mara", "ASIATWO", &second);
    let three = session("leaf", "mara", "ASIATHREE", &third);
    let passed =
        json!({"tags": tags(&[("Project", "moon"), ("Team", "shop")]), "transitiveTagKeys": ["Project"]});
    let came =
        json!({"incomingTransitiveTags": map(&[("Project", "moon")]), "tags": tags(&[("Stage", "dev")])});
    let came_again = json!({"incomingTransitiveTags": map(&[("Project", "moon")])});
    functions
        .keep(&[
            sts(&three, "AssumeRole", &two, &came_again, &json!({})),
            sts(&two, "AssumeRole", &one, &came, &json!({})),
            sts(&one, "AssumeRole", &user("mara"), &passed, &json!({})),
        ])
        .await;
    for (what, identity, session_tags) in [
        ("first session of a chain", &one, &[("Project", "moon"), ("Team", "shop")][..]),
        ("transitive, one hop on", &two, &[("Project", "moon"), ("Stage", "dev")]),
        ("transitive, two hops on", &three, &[("Project", "moon")]),
    ] {
        let id = functions.new_volume().await;
        functions.tag(&[volume(&id, identity, NOW)]).await;
        let found = functions.tags(&id).await;
        assert_eq!(found, expected("mara", identity, session_tags), "{what}");
        line(what, &found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_two_people() {
    let functions = BothFunctions::start(&[]).await;
    let (early, late) = (time(minutes(7)), time(minutes(2)));
    let anna = session("deploy", "build", "ASIAANNA", &early);
    let ben = session("deploy", "build", "ASIABEN", &late);
    let of = |identity: &Value, who: &str, team: &str| {
        sts(identity, "AssumeRole", &user(who), &json!({"tags": tags(&[("Team", team)])}), &json!({}))
    };
    functions.keep(&[of(&anna, "anna", "shop"), of(&ben, "ben", "data")]).await;
    let mut forwarded = anna.clone();
    forwarded.as_object_mut().unwrap().remove("accessKeyId");
    forwarded["invokedBy"] = json!("rds.amazonaws.com");
    // A session that is found by its time alone gives its tags at the recheck: the record of another one may be late.
    for (what, identity, owner, team, rechecks) in [
        ("same name twice, the earlier", &anna, "anna", "shop", 0),
        ("same name twice, the later", &ben, "ben", "data", 0),
        ("the same without an access key", &forwarded, "anna", "shop", 1),
    ] {
        let id = functions.new_volume().await;
        functions.tag(&[volume(&id, identity, NOW)]).await;
        assert_eq!(functions.recheck().await, rechecks, "{what}");
        let found = functions.tags(&id).await;
        assert_eq!(found, expected(owner, identity, &[("Team", team)]), "{what}");
        line(what, &found);
    }
    // A third session of the same name, without an STS record, gets no other session's tags.
    let carl = session("deploy", "build", "ASIACARL", &time(minutes(4)));
    let id = functions.new_volume().await;
    functions.tag(&[volume(&id, &carl, NOW)]).await;
    assert_eq!(functions.recheck().await, 1);
    assert_eq!(functions.recheck().await, 0, "a second recheck");
    let found = functions.tags(&id).await;
    assert_eq!(found, expected("build", &carl, &[]));
    line("same name, own record lost", &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_key_of_the_same_session() {
    let functions = BothFunctions::start(&[]).await;
    let issued = time(minutes(5));
    let first = session("federated", "ana@example.com", "ASIAFIRST", &issued);
    let further = session("federated", "ana@example.com", "ASIAFURTHER", &issued);
    let saml = json!({"type": "SAMLUser", "userName": "ana@example.com"});
    let request = json!({"principalTags": map(&[("Team", "data")])});
    functions
        .keep(&[sts(&first, "AssumeRoleWithSAML", &saml, &request, &json!({"subject": "ana@example.com"}))])
        .await;
    let id = functions.new_volume().await;
    functions.tag(&[volume(&id, &further, NOW)]).await;
    let at_once = functions.tags(&id).await;
    assert_eq!(at_once["Owner"], "ana@example.com");
    assert_ne!(at_once["Team"], "data", "the record of a session of this key may be late");
    assert_eq!(functions.recheck().await, 1);
    let found = functions.tags(&id).await;
    assert_eq!(found, expected("ana@example.com", &further, &[("Team", "data")]));
    line("another key, the same creation time", &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_creation_comes_before_the_session() {
    let functions = BothFunctions::start(&[]).await;
    for (number, late) in [0, 1, 5, 10, 15].into_iter().enumerate() {
        let issued = time(minutes(late));
        let identity = session("deploy", &format!("late-{late}"), &format!("ASIALATE{number}"), &issued);
        let id = functions.new_volume().await;
        functions.tag(&[volume(&id, &identity, minutes(late))]).await;
        let at_once = functions.tags(&id).await;
        assert_eq!(
            at_once,
            expected(&format!("late-{late}"), &identity, &[]),
            "the known tags are not written at once"
        );
        let request = json!({"tags": tags(&[("Team", "shop"), ("Stage", "dev")])});
        functions.keep(&[sts(&identity, "AssumeRole", &user("mara"), &request, &json!({}))]).await;
        assert_eq!(functions.recheck().await, 1);
        let found = functions.tags(&id).await;
        assert_eq!(
            found,
            expected("mara", &identity, &[("Team", "shop"), ("Stage", "dev")]),
            "{late} minutes"
        );
        line(&format!("creation {late} min before its STS record"), &found);
        assert_eq!(functions.recheck().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recheck_is_delayed_and_keeps_changes_of_users() {
    let functions = BothFunctions::start(&[("AUTOTAG_POLICY", "[identity]\nOwner = \"{owner}\"\n")]).await;
    let identity = session("deploy", "build", "ASIAONE", &time(minutes(1)));
    let id = functions.new_volume().await;
    functions.proxy().keep_bodies();
    functions.tag(&[volume(&id, &identity, NOW)]).await;
    let sent: Vec<Value> = functions.proxy().calls().iter().map(autotag_testkit::Call::json).collect();
    let sent = sent.iter().find_map(|call| call["Entries"].as_array()).unwrap();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["DelaySeconds"], 0, "not the configured delay");
    let tag = aws_sdk_ec2::types::Tag::builder().key("Team").value("mine").build();
    functions.ec2().create_tags().resources(&id).tags(tag).send().await.unwrap();
    let request = json!({"tags": tags(&[("Team", "shop"), ("Stage", "dev")])});
    functions.keep(&[sts(&identity, "AssumeRole", &user("mara"), &request, &json!({}))]).await;
    assert_eq!(functions.recheck().await, 1);
    let found = functions.tags(&id).await;
    assert_eq!(
        (found["Team"].as_str(), found["Stage"].as_str(), found["Owner"].as_str()),
        ("mine", "dev", "mara")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_ten_times_and_in_both_accounts() {
    let functions = BothFunctions::start(&[]).await;
    let identity = session("deploy", "build", "ASIAONE", &time(minutes(5)));
    let request = json!({"tags": tags(&[("Team", "shop")])});
    let mut rich = sts(&identity, "AssumeRole", &user("mara"), &request, &json!({}));
    rich["sharedEventID"] = json!("shared");
    let account = json!({"type": "AWSAccount", "accountId": "111122223333", "principalId": "AIDAMARA"});
    let mut poor = sts(&identity, "AssumeRole", &account, &json!({}), &json!({}));
    poor["sharedEventID"] = json!("shared");
    poor["eventID"] = json!("sts-other-copy");
    for turn in 0..10 {
        let copies = if turn % 2 == 0 { [poor.clone(), rich.clone()] } else { [rich.clone(), poor.clone()] };
        for copy in copies {
            functions.keep(&[copy]).await;
        }
    }
    functions.keep(&vec![rich.clone(); 10]).await;
    let entries = functions.sessions.table().scan().table_name(TABLE).send().await.unwrap();
    assert_eq!(entries.count, 1);
    let id = functions.new_volume().await;
    for _ in 0..10 {
        functions.tag(&[volume(&id, &identity, NOW)]).await;
    }
    let found = functions.tags(&id).await;
    assert_eq!(found, expected("mara", &identity, &[("Team", "shop")]));
    line("STS record ten times and in two accounts' copies", &found);
    functions.sessions.function.process.kill();
    assert!(
        functions.sessions.function.process.logs().contains("\"kept\":1"),
        "{}",
        functions.sessions.function.process.logs()
    );
    assert!(!functions.sessions.function.process.logs().contains("CANARY"));
    assert!(
        !functions.sessions.function.process.logs().contains("ASIAONE"),
        "{}",
        functions.sessions.function.process.logs()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_that_names_the_caller_comes_after_the_creation() {
    let functions = BothFunctions::start(&[]).await;
    let identity = session("deploy", "build", "ASIAONE", &time(minutes(5)));
    let account = json!({"type": "AWSAccount", "accountId": "111122223333", "principalId": "AIDAMARA"});
    functions.keep(&[sts(&identity, "AssumeRole", &account, &json!({}), &json!({}))]).await;
    let id = functions.new_volume().await;
    functions.tag(&[volume(&id, &identity, NOW)]).await;
    assert_eq!(functions.tags(&id).await["Owner"], "build");
    let request = json!({"tags": tags(&[("Team", "shop")])});
    functions.keep(&[sts(&identity, "AssumeRole", &user("mara"), &request, &json!({}))]).await;
    assert_eq!(functions.recheck().await, 1);
    let found = functions.tags(&id).await;
    assert_eq!(found, expected("mara", &identity, &[("Team", "shop")]));
    line("across accounts, the caller's copy last", &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_without_tags_needs_one_query_and_no_recheck() {
    let functions = BothFunctions::start(&[]).await;
    let identity = session("deploy", "build", "ASIAONE", &time(minutes(5)));
    functions.keep(&[sts(&identity, "AssumeRole", &user("mara"), &json!({}), &json!({}))]).await;
    assert_eq!(
        (functions.proxy().count("dynamodb", "PutItem"), functions.proxy().count("dynamodb", "Query")),
        (1, 0)
    );
    functions.proxy().forget_calls();
    let (one, other) = (functions.new_volume().await, functions.new_volume().await);
    functions.tag(&[volume(&one, &identity, NOW), volume(&other, &user("ana"), NOW)]).await;
    assert_eq!(functions.proxy().count("dynamodb", "Query"), 1, "a query for an IAM user");
    assert_eq!(functions.recheck().await, 0);
    assert_eq!(functions.tags(&one).await, expected("mara", &identity, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_of_the_table_is_not_a_missing_session() {
    let functions = BothFunctions::start(&[]).await;
    let identity = session("deploy", "build", "ASIAONE", &time(minutes(5)));
    let record =
        sts(&identity, "AssumeRole", &user("mara"), &json!({"tags": tags(&[("Team", "shop")])}), &json!({}));
    let id = functions.new_volume().await;
    let creation = volume(&id, &identity, NOW);
    functions.proxy().rule(|call| (call.service == "dynamodb").then_some(Fault::Unavailable));
    assert_eq!(functions.sessions.function.returned(&batch(std::slice::from_ref(&record))).await.len(), 1);
    assert_eq!(functions.tagging.returned(&batch(std::slice::from_ref(&creation))).await.len(), 1);
    assert!(functions.tags(&id).await.is_empty());
    functions.proxy().repair();
    functions.keep(&[record]).await;
    functions.tag(&[creation]).await;
    assert_eq!(functions.tags(&id).await, expected("mara", &identity, &[("Team", "shop")]));
}

/// Otherwise a provisional owner would stay. The message is returned instead, and the session may be known by then.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_its_recheck_is_queued() {
    let functions = BothFunctions::start(&[]).await;
    let identity = session("deploy", "build", "ASIAONE", &time(minutes(1)));
    let id = functions.new_volume().await;
    let creation = volume(&id, &identity, NOW);
    functions.proxy().rule(|call| (call.service == "sqs").then(|| Fault::refused("AccessDenied")));
    let returned = functions.tagging.returned(&batch(std::slice::from_ref(&creation))).await;
    assert_eq!(returned.len(), 1);
    assert!(functions.tags(&id).await.is_empty());
    functions.proxy().repair();
    functions.keep(&[sts(&identity, "AssumeRole", &user("mara"), &json!({}), &json!({}))]).await;
    functions.tag(&[creation]).await;
    assert_eq!(functions.tags(&id).await, expected("mara", &identity, &[]));
    assert_eq!(functions.recheck().await, 0);
}
