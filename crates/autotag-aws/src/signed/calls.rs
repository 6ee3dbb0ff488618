//! The calls that a program signs by hand, besides those that the catalogue declares and those of `backend::related` and of
//! `autotag-lambda`: each would need an SDK crate for one or
//! two operations. [Decision 31](https://github.com/example/autotag/blob/main/docs/decisions/0031-what-is-signed-by-hand.md) has the
//! price of each crate.
//!
//! | Program | Calls |
//! |---|---|
//! | `tag-handler` | `ssm:GetParameter`, once, for a policy in a parameter; `identitystore:DescribeUser`, once for each user |
//! | `org-metadata` | `ec2:DescribeRegions`, `resource-explorer-2:Search` |
//! | `autotag report --live` | `ec2:DescribeRegions`, `resource-explorer-2:GetIndex`, `GetDefaultView`, `GetView`, `ListResources` |
//! | `autotag redrive` | `cloudformation:ListStackInstances` |
//! | `autotag deploy` | stacks, change sets and stack sets of `CloudFormation`; single reads of STS, EC2, Lambda, SQS and `CloudTrail` |
//! | `autotag doctor` | single reads of Lambda, `EventBridge`, SQS, KMS, `CloudTrail`, `CloudWatch`, `CloudFormation`, `DynamoDB`, IAM, STS and SSM |

use super::Request;
use autotag_model::arn::{Partition, Region};
use serde_json::{Value, json};

/// An API that speaks JSON, with the operation in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonApi {
    /// The first part of the host name, and the service name of the signature.
    name: &'static str,
    /// The part of the `x-amz-target` header before the operation.
    target: &'static str,
    /// `1.0` or `1.1`.
    version: &'static str,
}

/// AWS Organizations.
pub const ORGANIZATIONS: JsonApi =
    JsonApi { name: "organizations", target: "AWSOrganizationsV20161128", version: "1.1" };

/// The Resource Groups Tagging API.
pub const TAGGING: JsonApi =
    JsonApi { name: "tagging", target: "ResourceGroupsTaggingAPI_20170126", version: "1.1" };

/// The directory of IAM Identity Center.
pub const IDENTITY_STORE: JsonApi =
    JsonApi { name: "identitystore", target: "AWSIdentityStore", version: "1.1" };

/// Amazon DynamoDB.
pub const DYNAMODB: JsonApi = JsonApi { name: "dynamodb", target: "DynamoDB_20120810", version: "1.0" };

/// Amazon SQS.
pub const SQS: JsonApi = JsonApi { name: "sqs", target: "AmazonSQS", version: "1.0" };

/// AWS Systems Manager.
pub const SSM: JsonApi = JsonApi { name: "ssm", target: "AmazonSSM", version: "1.1" };

/// AWS CloudTrail.
pub const CLOUDTRAIL: JsonApi = JsonApi {
    name: "cloudtrail",
    target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    version: "1.1",
};

/// Amazon EventBridge.
pub const EVENTS: JsonApi = JsonApi { name: "events", target: "AWSEvents", version: "1.1" };

/// Metrics, of Amazon `CloudWatch`.
pub const METRICS: JsonApi =
    JsonApi { name: "monitoring", target: "GraniteServiceVersion20100801", version: "1.0" };

/// AWS Key Management Service.
pub const KMS: JsonApi = JsonApi { name: "kms", target: "TrentService", version: "1.1" };

/// The region where AWS Organizations and the Account API of `region`'s partition are called. In China it is not the region
/// of the other global services.
pub fn organizations_region(region: &Region) -> Region {
    let partition = Partition::of_region(region).unwrap_or_default();
    let china = || Region::new("cn-northwest-1").filter(|_| partition.as_str() == "aws-cn");
    china().or_else(|| partition.global_region()).unwrap_or_else(|| region.clone())
}

impl Request {
    /// A request of an API that speaks JSON, in a region.
    pub fn json(api: JsonApi, operation: &str, region: &Region, body: &Value) -> Self {
        let headers = vec![
            ("content-type".to_owned(), format!("application/x-amz-json-{}", api.version)),
            ("x-amz-target".to_owned(), format!("{}.{operation}", api.target)),
        ];
        Self { headers, body: body.to_string(), ..Self::new(api.name, operation, region, "POST", "/") }
    }
}

/// `ssm:GetParameter`, decrypted.
pub fn parameter(region: &Region, name: &str) -> Request {
    Request::json(SSM, "GetParameter", region, &json!({"Name": name, "WithDecryption": true}))
}

/// `identitystore:DescribeUser`: a user of the directory `store`.
pub fn directory_user(region: &Region, store: &str, user: &str) -> Request {
    let body = json!({"IdentityStoreId": store, "UserId": user});
    Request::json(IDENTITY_STORE, "DescribeUser", region, &body)
}

/// `ec2:DescribeRegions`: the regions that the account has enabled. The answer is XML.
pub fn enabled_regions(region: &Region) -> Request {
    Request::query("ec2", "DescribeRegions", region, "Version=2016-11-15")
}

/// `resource-explorer-2:Search` with the default view of a region; one page, the first one without a token.
pub fn search_resources(region: &Region, query: &str, token: Option<String>) -> Request {
    let mut body = json!({"QueryString": query, "MaxResults": 1000});
    if let (Some(token), Some(body)) = (token, body.as_object_mut()) {
        body.insert("NextToken".to_owned(), json!(token));
    }
    Request::rest_json("resource-explorer-2", "Search", region, "/Search", &body)
}

/// `resource-explorer-2:GetIndex`: the index of a region.
pub fn explorer_index(region: &Region) -> Request {
    Request::rest_json("resource-explorer-2", "GetIndex", region, "/GetIndex", &json!({}))
}

/// `resource-explorer-2:GetDefaultView`: the view that is used where none is named.
pub fn explorer_default_view(region: &Region) -> Request {
    Request::rest_json("resource-explorer-2", "GetDefaultView", region, "/GetDefaultView", &json!({}))
}

/// `resource-explorer-2:GetView`: what a view shows.
pub fn explorer_view(region: &Region, view: &str) -> Request {
    Request::rest_json("resource-explorer-2", "GetView", region, "/GetView", &json!({"ViewArn": view}))
}

/// `resource-explorer-2:ListResources` with a view; one page, the first one without a token. `Search` ends after 1,000 resources, and
/// so does this call for pages of 1,000.
pub fn explored_resources(region: &Region, view: &str, filter: &str, token: Option<String>) -> Request {
    let mut body = json!({"ViewArn": view, "MaxResults": 500, "Filters": {"FilterString": filter}});
    if let (Some(token), Some(body)) = (token, body.as_object_mut()) {
        body.insert("NextToken".to_owned(), json!(token));
    }
    Request::rest_json("resource-explorer-2", "ListResources", region, "/ListResources", &body)
}

/// A GET request to Lambda. `target` is path and query, percent-encoded.
pub fn lambda(operation: &str, region: &Region, target: &str) -> Request {
    Request::new("lambda", operation, region, "GET", target)
}

/// A request to IAM, which has one endpoint for each partition and answers in XML. `form` is percent-encoded. `None` if the
/// region of the partition is not known.
pub fn iam(operation: &str, partition: &Partition, form: &str) -> Option<Request> {
    let region = partition.global_region()?;
    let suffix = partition.info().map_or("amazonaws.com", |info| info.dns_suffix);
    let host = match partition.as_str() {
        "aws" => format!("iam.{suffix}"),
        "aws-us-gov" => format!("iam.us-gov.{suffix}"),
        _ => format!("iam.{region}.{suffix}"),
    };
    Some(Request { host, ..Request::query("iam", operation, &region, &format!("Version=2010-05-08&{form}")) })
}

/// A request to STS without parameters. The answer is XML.
pub fn sts(operation: &str, region: &Region) -> Request {
    Request::query("sts", operation, region, "Version=2011-06-15")
}

/// A request to `CloudFormation`. `form` is percent-encoded. The answer is XML.
pub fn formation(operation: &str, region: &Region, form: &str) -> Request {
    Request::query("cloudformation", operation, region, &format!("Version=2010-05-15&{form}"))
}

/// `sns:ListSubscriptionsByTopic`: one page, which has up to 100 subscriptions. `topic` is percent-encoded. The answer is XML.
pub fn subscriptions(region: &Region, topic: &str) -> Request {
    let form = format!("Version=2010-03-31&TopicArn={topic}");
    Request::query("sns", "ListSubscriptionsByTopic", region, &form)
}

/// A request to `CloudFormation` about a stack. `stack` is percent-encoded. The answer is XML.
pub fn stack(operation: &str, region: &Region, stack: &str) -> Request {
    Request::query("cloudformation", operation, region, &format!("Version=2010-05-15&StackName={stack}"))
}

/// `cloudformation:ListStackInstances`: a page of the instances of a `StackSet`, with tokens and names percent-encoded. The answer is
/// XML.
pub fn stack_instances(
    region: &Region,
    stack_set: &str,
    delegated_admin: bool,
    token: Option<&str>,
) -> Request {
    let call_as = if delegated_admin { "&CallAs=DELEGATED_ADMIN" } else { "" };
    let token = token.map(|token| format!("&NextToken={token}")).unwrap_or_default();
    let form = format!("Version=2010-05-15&MaxResults=100&StackSetName={stack_set}{call_as}{token}");
    Request::query("cloudformation", "ListStackInstances", region, &form)
}
