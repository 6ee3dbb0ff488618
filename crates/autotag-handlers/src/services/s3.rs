//! S3: a bucket is in the region that the call names, an object in the account of its bucket.

use super::handler::{RecordContext, ServiceHandler, TagTarget};
use autotag_model::arn::Region;

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
                    // Written across accounts, both have a record; only `resources` says whose bucket it is.
                    let bucket = bucket_arn(target);
                    if let Some(account) = bucket.and_then(|bucket| context.parsed.account_of(&bucket)) {
                        target.resource.account = Some(account);
                    }
                }
                _ => {}
            }
        }
    }
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

fn bucket_arn(target: &TagTarget) -> Option<String> {
    let arn = target.resource.arn.as_ref()?.to_string();
    arn.split_once('/').map(|(bucket, _)| bucket.to_owned())
}
