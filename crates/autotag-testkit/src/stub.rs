//! A stand-in for AWS that says yes: for benchmarks, where an emulator would be what is measured.

use crate::call::{Call, Protocol};
use crate::proxy::Proxy;
use crate::reply::{Reply, escaped};
use serde_json::json;
use std::io;
use std::ops::Deref;
use std::time::Duration;

/// Answers every call with success after a delay, and knows nothing. Counts, rules and faults are those of [`Proxy`].
///
/// Tag calls get the answer of their service, look-ups an empty one; `AssumeRole` gives keys that begin with `ASIA` and the
/// account of the role.
#[derive(Debug)]
pub struct Stub {
    proxy: Proxy,
}

impl Stub {
    /// A stub that takes `delay` for each call, whether it answers itself or a route does; calls do not wait for each other.
    /// Faults are answered at once.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(delay: Duration) -> io::Result<Self> {
        Ok(Self { proxy: Proxy::stub(delay)? })
    }
}

impl Deref for Stub {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        &self.proxy
    }
}

/// Success, as little of it as the service's clients accept.
pub(crate) fn answer(call: &Call) -> Reply {
    let operation = call.operation.as_str();
    match call.protocol {
        // Actions of EC2 that only do something say so.
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
