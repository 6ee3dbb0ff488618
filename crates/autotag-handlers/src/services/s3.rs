//! S3: a bucket is in the region that the call names, an object in the account of its bucket.

use super::handler::{RecordContext, ServiceHandler, TagTarget};
use autotag_model::arn::{AccountId, Region};
use autotag_model::rule::Resource;

#[derive(Debug)]
pub(super) struct S3;

impl ServiceHandler for S3 {
    fn event_source(&self) -> &'static str {
        "s3.amazonaws.com"
    }

    fn refine(&self, context: &RecordContext<'_>, targets: &mut Vec<TagTarget>) {
        for target in targets {
            match target.resource.resource_type.as_str() {
                "AWS::S3::Bucket" => {
                    if let Some(region) = location(context) {
                        target.resource.region = Some(region);
                    }
                }
                "AWS::S3::Object" => {
                    target.new_each_time = true;
                    target.resource.version = version(context);
                    target.resource.account = account(context, &target.resource);
                }
                _ => {}
            }
        }
    }
}

/// Completes a deleted object: the version that the call names, and the account of its bucket.
pub(super) fn refine_deleted(context: &RecordContext<'_>, resource: &mut Resource) {
    if resource.resource_type != "AWS::S3::Object" {
        return;
    }
    let version = context.parsed.request.get("versionId").and_then(|version| version.as_str());
    resource.version = version.filter(|version| !matches!(*version, "" | "null")).map(str::to_owned);
    resource.account = account(context, resource);
}

/// The account of the object's bucket; `None` if the record does not tell it.
///
/// Written across accounts, both have a record with the same `sharedEventID`, and `resources` says whose bucket it is.
/// Without `resources`, the copy of an account in which the caller is a stranger is the one of the bucket's owner; the
/// copy of the caller's own account says nothing. A record that went to one account only is of its own bucket.
fn account(context: &RecordContext<'_>, object: &Resource) -> Option<AccountId> {
    let listed = bucket_arn(object).and_then(|bucket| context.parsed.account_of(&bucket));
    // The call succeeds only if this is the owner.
    let expected = || AccountId::new(context.parsed.request.get("x-amz-expected-bucket-owner")?.as_str()?);
    let across = context.record.shared_event_id.is_some();
    let is_callers = |account: &AccountId| context.principal.account_id().as_ref() == Some(account);
    listed
        .or_else(expected)
        .or_else(|| context.scope.account.clone().filter(|account| !(across && is_callers(account))))
}

/// `createBucketConfiguration.locationConstraint`; `EU` is an old name of `eu-west-1`.
fn location(context: &RecordContext<'_>) -> Option<Region> {
    let request = context.parsed.request.as_object()?;
    let (_, configuration) =
        request.iter().find(|(key, _)| key.eq_ignore_ascii_case("createBucketConfiguration"))?;
    let (_, location) =
        configuration.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case("locationConstraint"))?;
    match location.as_str()? {
        "EU" => Region::new("eu-west-1"),
        code => Region::new(code),
    }
}

/// The version that the call has made; where versions are not kept it is `null`, which names the one there is.
fn version(context: &RecordContext<'_>) -> Option<String> {
    let version = context.parsed.response.get("x-amz-version-id")?.as_str()?;
    (version != "null").then(|| version.to_owned())
}

fn bucket_arn(object: &Resource) -> Option<String> {
    let arn = object.arn.as_ref()?.to_string();
    arn.split_once('/').map(|(bucket, _)| bucket.to_owned())
}
