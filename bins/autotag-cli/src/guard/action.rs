//! The IAM actions of recorded calls, whose names sometimes differ.

use super::tags::NamedTags;
use autotag_model::record::{ParsedRecord, Record};
use serde_json::Value;

/// Services whose event source begins otherwise than their actions.
pub(super) const PREFIXES: [(&str, &str); 15] = [
    ("amazonmq", "mq"),
    ("applicationsignals", "application-signals"),
    ("chime-sdk-media-pipelines", "chime"),
    ("chime-sdk-voice", "chime"),
    ("iotsecuredtunneling", "iot"),
    ("monitoring", "cloudwatch"),
    ("multi-party-approval", "mpa"),
    ("partnercentral-account", "partnercentral"),
    ("partnercentral-benefits", "partnercentral"),
    ("partnercentral-channel", "partnercentral"),
    ("partnercentral-selling", "partnercentral"),
    ("pinpoint", "mobiletargeting"),
    ("servicecatalog-appregistry", "servicecatalog"),
    ("streams.dynamodb", "dynamodb"),
    ("tagging", "tag"),
];

/// The actions that a call needs.
pub(super) fn actions(record: &Record<'_>, parsed: &ParsedRecord, tags: &NamedTags) -> Vec<String> {
    let prefix = prefix(&record.event_source);
    let name = without_version(&record.event_name);
    let mut actions: Vec<String> = match prefix {
        "s3" => s3(name, parsed, tags).into_iter().map(|name| format!("s3:{name}")).collect(),
        _ => vec![format!("{prefix}:{name}")],
    };
    if record.event_source == "sts.amazonaws.com" && member(&parsed.request, "sourceIdentity").is_some() {
        actions.push("sts:SetSourceIdentity".to_owned());
    }
    actions
}

/// The prefix of a service's actions.
pub(super) fn prefix(event_source: &str) -> &str {
    let service = event_source.split(".amazonaws.").next().unwrap_or(event_source);
    let known = PREFIXES.iter().find(|(source, _)| *source == service);
    known.map_or_else(|| service.split('.').next().unwrap_or(service), |(_, prefix)| prefix)
}

/// The name of a call without the version that Lambda and `CloudFront` put behind it: `UpdateFunctionCode20150331v2`.
pub(super) fn without_version(name: &str) -> &str {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let base = digits.strip_suffix('v').unwrap_or(digits);
    for end in [digits, base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')] {
        let version = name.get(end.len()..).unwrap_or_default();
        let has_date = version.chars().filter(char::is_ascii_digit).count() >= 8;
        if has_date && !end.is_empty() {
            return end.trim_end_matches('_');
        }
    }
    name
}

/// The actions of a call to S3.
fn s3(name: &str, parsed: &ParsedRecord, tags: &NamedTags) -> Vec<String> {
    let has_version = member(&parsed.request, "versionId").is_some();
    let of_version =
        |name: &str| if has_version { name.replace("Object", "ObjectVersion") } else { name.to_owned() };
    match name {
        "CompleteMultipartUpload"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "PostObject"
        | "PutObject"
        | "UploadPart" => {
            let also = (!tags.written.is_empty()).then(|| "PutObjectTagging".to_owned());
            std::iter::once("PutObject".to_owned()).chain(also).collect()
        }
        "PutObjectTagging" | "DeleteObjectTagging" => vec![of_version(name)],
        "DeleteBucketTagging" => vec!["PutBucketTagging".to_owned()],
        _ => vec![name.to_owned()],
    }
}

/// A member of a request that has a value.
fn member<'v>(request: &'v Value, name: &str) -> Option<&'v Value> {
    request.get(name).filter(|value| !value.is_null() && *value != "")
}
