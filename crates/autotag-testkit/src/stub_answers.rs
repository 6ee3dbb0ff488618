//! Success answers in each protocol, for a proxy without a server.

use crate::call::{Call, Protocol};
use crate::reply::{Reply, escaped};
use serde_json::json;

/// The shortest success answer that the service's clients accept.
pub(crate) fn answer(call: &Call) -> Reply {
    let operation = call.operation.as_str();
    match call.protocol {
        // EC2's actions without a result return `true`.
        Protocol::Ec2 => {
            let body = format!(
                "<{operation}Response><requestId>stub</requestId><return>true</return></{operation}Response>"
            );
            Reply::xml(200, body)
        }
        Protocol::Query => {
            let result = result(call);
            let body = format!(
                "<{operation}Response><{operation}Result>{result}</{operation}Result><ResponseMetadata><RequestId>stub\
                 </RequestId></ResponseMetadata></{operation}Response>"
            );
            Reply::xml(200, body)
        }
        Protocol::S3 if operation.starts_with("Get") && operation.ends_with("Tagging") => {
            Reply::xml(200, "<Tagging><TagSet></TagSet></Tagging>")
        }
        Protocol::S3 | Protocol::RestXml => Reply::empty(200),
        Protocol::Json
            if call.service == "tagging" && ["TagResources", "UntagResources"].contains(&operation) =>
        {
            Reply::json(200, &json!({ "FailedResourcesMap": {} }))
        }
        Protocol::Json | Protocol::RestJson => Reply::json(200, &json!({})),
        // An empty CBOR map.
        Protocol::Cbor => {
            Reply::new(200, "application/cbor", vec![0xa0]).with_header("smithy-protocol", "rpc-v2-cbor")
        }
    }
}

/// The content of the result element of the query protocol.
fn result(call: &Call) -> String {
    match call.operation.as_str() {
        "ListRoleTags" | "ListUserTags" => "<IsTruncated>false</IsTruncated><Tags></Tags>".to_owned(),
        "AssumeRole" => {
            let role = call.field("RoleArn").unwrap_or_default();
            let session = call.field("RoleSessionName").unwrap_or_default();
            let account = role.split(':').nth(4).unwrap_or_default();
            let name = role.rsplit('/').next().unwrap_or_default();
            let [account, name, session] = [account, name, &session].map(escaped);
            format!(
                "<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{session}</AssumedRoleId>\
                 <Arn>arn:aws:sts::{account}:assumed-role/{name}/{session}</Arn></AssumedRoleUser>\
                 <Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>stub</SecretAccessKey>\
                 <SessionToken>stub</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
            )
        }
        "GetCallerIdentity" => "<Account>123456789012</Account><UserId>AIDAEXAMPLE</UserId>\
             <Arn>arn:aws:iam::123456789012:user/stub</Arn>"
            .to_owned(),
        _ => String::new(),
    }
}
