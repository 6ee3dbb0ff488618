//! Refuses successful answers whose body is not the documented one, if the SDK crates do not read the body.
//!
//! The SDK ignores the body of an answer without members: `CreateTags` succeeds with `<return>false</return>`, with HTML of a
//! captive portal, and with nothing. An empty body counts as `{}` for it. Other bodies are read by the SDK, which fails with
//! them, and S3's tags are read again after they are written.

use super::declared_calls::{is_json_object, is_xml_of};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Fails a call that AWS answers with success and another body than AWS documents. The code of the failure is
/// `UnreadableAnswer`.
#[derive(Debug)]
pub(super) struct DocumentedAnswer;

impl Intercept for DocumentedAnswer {
    fn name(&self) -> &'static str {
        "DocumentedAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let response = context.response();
        let operation = config.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        let body = response.body().bytes().unwrap_or_default();
        if response.status().is_success() && !is_documented(operation, body) {
            return Err(format!("the answer to {operation} is not the documented one").into());
        }
        Ok(())
    }
}

/// True if a body may be the answer to a successful call of one of the backend's SDK clients.
fn is_documented(operation: &str, body: &[u8]) -> bool {
    match operation {
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
        // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html
        "CreateTags" | "AddTagsToResource" => is_xml_of(operation, body),
        // "an HTTP 200 response with an empty HTTP body":
        // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html
        "TagResource" => body.is_empty() || is_json_object(body),
        // The SDK reads these, but takes nothing for an empty object.
        "GetResources" | "ListTagsOfResource" | "TagResources" => !body.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_body_is_a_success() {
        let created = "<CreateTagsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                       <requestId>r</requestId><return>true</return></CreateTagsResponse>";
        let added = "<AddTagsToResourceResponse><ResponseMetadata/></AddTagsToResourceResponse>";
        for (operation, body, expected) in [
            ("CreateTags", created, true),
            ("CreateTags", "<CreateTagsResponse><return>false</return></CreateTagsResponse>", false),
            ("CreateTags", "<Response><return>true</return></Response>", false),
            ("CreateTags", "<html><body>log in</body></html>", false),
            ("CreateTags", "", false),
            ("AddTagsToResource", added, true),
            ("AddTagsToResource", "<html/>", false),
            ("AddTagsToResource", "", false),
            ("TagResource", "", true),
            ("TagResource", "{}", true),
            ("TagResource", "<html/>", false),
            ("TagResources", "{\"FailedResourcesMap\":{}}", true),
            ("TagResources", "", false),
            ("GetResources", "", false),
            ("DescribeInstances", "", true),
        ] {
            assert_eq!(is_documented(operation, body.as_bytes()), expected, "{operation} {body}");
        }
    }
}
