//! IAM tags: all pages, one call for many who ask, and asked again after a while.

use crate::emulated::{Aws, HERE, failure, sorted, tags};
use autotag_handlers::backend::BackendReader as _;
use autotag_handlers::error::ErrorClass;
use autotag_testkit::{Fault, Reply};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;
use futures_util::future::join_all;
use std::time::Duration;

fn role(name: &str) -> String {
    format!("arn:aws:iam::{HERE}:role/{name}")
}

fn user(name: &str) -> String {
    format!("arn:aws:iam::{HERE}:user/{name}")
}

async fn make_role(aws: &Aws, name: &str, path: &str, tags: &[(&str, &str)]) {
    let create = Client::new(&aws.direct).create_role().role_name(name).path(path);
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap());
    create.assume_role_policy_document("{}").set_tags(Some(tags.collect())).send().await.unwrap();
}

fn count(aws: &Aws) -> u64 {
    aws.proxy.count("iam", "ListRoleTags")
}

#[tokio::test]
async fn tags_of_roles_and_users() {
    let aws = Aws::new().await;
    make_role(&aws, "plain", "/", &[("Team", "shop")]).await;
    // The path is not part of the name.
    make_role(&aws, "deep", "/a/b/", &[("Team", "deep & wide"), ("Cost", "")]).await;
    let tag = Tag::builder().key("Team").value("of mara").build().unwrap();
    Client::new(&aws.direct).create_user().user_name("mara").tags(tag).send().await.unwrap();
    make_role(&aws, "bare", "/", &[]).await;
    let backend = aws.backend();
    assert_eq!(backend.principal_tags(&role("plain")).await, Ok(tags(&[("Team", "shop")])));
    let deep = backend.principal_tags(&role("a/b/deep")).await;
    assert_eq!(deep.map(sorted), Ok(tags(&[("Cost", ""), ("Team", "deep & wide")])));
    assert_eq!(backend.principal_tags(&user("mara")).await, Ok(tags(&[("Team", "of mara")])));
    assert_eq!(backend.principal_tags(&role("bare")).await, Ok(Vec::new()));
}

/// A page of tags, and where the next one begins.
fn page(operation: &str, keys: &[&str], marker: Option<&str>) -> Reply {
    let tag = |key: &&str| format!("<member><Key>{key}</Key><Value>of {key}</Value></member>");
    let members: String = keys.iter().map(tag).collect();
    let marker = marker.map(|marker| format!("<Marker>{marker}</Marker>"));
    Reply::xml(
        200,
        format!(
            "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>\
             <IsTruncated>{}</IsTruncated><Tags>{members}</Tags>{}</{operation}Result></{operation}Response>",
            marker.is_some(),
            marker.unwrap_or_default(),
        ),
    )
}

#[tokio::test]
async fn all_pages_are_read() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        let operation = call.operation.as_str();
        ["ListRoleTags", "ListUserTags"].contains(&operation).then(|| match call.field("Marker").as_deref() {
            None => page(operation, &["a", "b"], Some("p/2+=")),
            Some("p/2+=") => page(operation, &[], Some("p/3")),
            Some(_) => page(operation, &["c"], None),
        })
    });
    let want = tags(&[("a", "of a"), ("b", "of b"), ("c", "of c")]);
    assert_eq!(aws.backend().principal_tags(&role("paged")).await, Ok(want.clone()));
    assert_eq!(aws.backend().principal_tags(&user("paged")).await, Ok(want));
    let markers = |operation| -> Vec<Option<String>> {
        aws.calls("iam", operation).iter().map(|call| call.field("Marker")).collect()
    };
    let want = [None, Some("p/2+=".to_owned()), Some("p/3".to_owned())];
    assert_eq!((markers("ListRoleTags"), markers("ListUserTags")), (want.to_vec(), want.to_vec()));
}

/// Half of the tags are not the tags.
#[tokio::test]
async fn a_later_page_that_fails_fails_all() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        (call.operation == "ListRoleTags").then(|| page("ListRoleTags", &["a"], Some("more")))
    });
    aws.proxy.rule(|call| call.field("Marker").map(|_| Fault::Throttled));
    let answer = aws.backend().principal_tags(&role("half")).await;
    assert_eq!(failure(&answer), (ErrorClass::Throttled, "Throttling"));
}

#[tokio::test]
async fn many_who_ask_at_once_cost_one_call() {
    let aws = Aws::new().await;
    make_role(&aws, "asked-by-many", "/", &[("Team", "shop")]).await;
    let (backend, arn) = (aws.backend(), role("asked-by-many"));
    let answers = join_all((0..50).map(|_| backend.principal_tags(&arn))).await;
    assert_eq!(answers, vec![Ok(tags(&[("Team", "shop")])); 50]);
    assert_eq!(count(&aws), 1);
    assert_eq!(backend.principal_tags(&arn).await, Ok(tags(&[("Team", "shop")])));
    assert_eq!(count(&aws), 1, "it is still known");
}

/// Moves Tokio's clock forward.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn tags_are_cached_for_five_minutes() {
    let aws = Aws::new().await;
    make_role(&aws, "changing", "/", &[("Team", "old")]).await;
    let (backend, arn) = (aws.backend(), role("changing"));
    let old = Ok(tags(&[("Team", "old")]));
    assert_eq!(backend.principal_tags(&arn).await, old);
    let tag = Tag::builder().key("Team").value("new").build().unwrap();
    Client::new(&aws.direct).tag_role().role_name("changing").tags(tag).send().await.unwrap();
    pass(Duration::from_secs(280)).await;
    assert_eq!(backend.principal_tags(&arn).await, old);
    pass(Duration::from_secs(20)).await;
    assert_eq!(backend.principal_tags(&arn).await, Ok(tags(&[("Team", "new")])));
    assert_eq!(count(&aws), 2);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let aws = Aws::new().await;
    make_role(&aws, "throttled", "/", &[("Team", "shop")]).await;
    let (backend, arn) = (aws.backend(), role("throttled"));
    aws.proxy.rule(|call| (call.operation == "ListRoleTags").then_some(Fault::Throttled));
    assert_eq!(failure(&backend.principal_tags(&arn).await).0, ErrorClass::Throttled);
    aws.proxy.repair();
    assert_eq!(backend.principal_tags(&arn).await, Ok(tags(&[("Team", "shop")])));
}

#[tokio::test]
async fn a_role_that_is_gone_is_not_found() {
    let aws = Aws::new().await;
    let answer = aws.backend().principal_tags(&role("never-was")).await;
    assert_eq!(failure(&answer), (ErrorClass::NotFound, "NoSuchEntity"));
}

#[tokio::test]
async fn who_has_no_iam_tags_is_not_asked_for() {
    let aws = Aws::new().await;
    let backend = aws.backend();
    for arn in [
        format!("arn:aws:iam::{HERE}:root"),
        format!("arn:aws:sts::{HERE}:federated-user/mara"),
        "AIDAEXAMPLE".to_owned(),
        String::new(),
    ] {
        assert_eq!(backend.principal_tags(&arn).await, Ok(Vec::new()), "{arn}");
    }
    let asked: Vec<_> = aws.proxy.counts().into_keys().filter(|(service, _)| service == "iam").collect();
    assert_eq!(asked, []);
}

/// Their resource is still tagged.
#[tokio::test]
async fn principals_of_closed_accounts_have_no_tags_for_us() {
    let aws = Aws::new().await;
    let answer = aws.backend().principal_tags("arn:aws:iam::444455556666:role/plain").await;
    assert_eq!(answer, Ok(Vec::new()));
    assert_eq!(count(&aws), 0, "our own role of that name would be asked for");
}

/// IAM is signed for the partition's global region, wherever we are.
#[tokio::test]
async fn iam_is_asked_in_the_global_region() {
    let aws = Aws::new().await;
    make_role(&aws, "global", "/", &[]).await;
    aws.backend().principal_tags(&role("global")).await.unwrap();
    assert_eq!(aws.calls("iam", "ListRoleTags")[0].region, "us-east-1");
}
