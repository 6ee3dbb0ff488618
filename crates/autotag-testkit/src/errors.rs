//! Error answers in the format of the service and the protocol of the call.

use crate::call::{Call, Protocol};
use crate::reply::{Reply, escaped};
use serde_json::json;

/// Every AWS answer has a request id. Tests do not distinguish them.
const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// EC2's error for an unknown id, by the id's prefix: prefix, code, and the name of the resource in the message.
const EC2_UNKNOWN: &[(&str, &str, &str)] = &[
    ("acl-", "InvalidNetworkAclID.NotFound", "networkAcl ID"),
    ("ami-", "InvalidAMIID.NotFound", "image id"),
    ("eipalloc-", "InvalidAllocationID.NotFound", "allocation ID"),
    ("eni-", "InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
    ("i-", "InvalidInstanceID.NotFound", "instance ID"),
    ("igw-", "InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    ("lt-", "InvalidLaunchTemplateId.NotFound", "launch template ID"),
    ("nat-", "NatGatewayNotFound", "NAT gateway"),
    ("rtb-", "InvalidRouteTableID.NotFound", "routeTable ID"),
    ("sg-", "InvalidGroup.NotFound", "security group"),
    ("snap-", "InvalidSnapshot.NotFound", "snapshot"),
    ("subnet-", "InvalidSubnetID.NotFound", "subnet ID"),
    ("tgw-", "InvalidTransitGatewayID.NotFound", "transit gateway"),
    ("vol-", "InvalidVolume.NotFound", "volume"),
    ("vpc-", "InvalidVpcID.NotFound", "vpc ID"),
    ("vpce-", "InvalidVpcEndpointId.NotFound", "VPC endpoint"),
];

/// An error in the protocol of the call.
pub(crate) fn error(call: &Call, status: u16, code: &str, message: &str) -> Reply {
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let (code_xml, message_xml) = (escaped(code), escaped(message));
    let inner = format!("<Code>{code_xml}</Code><Message>{message_xml}</Message>");
    let start = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let reply = match call.protocol {
        Protocol::Ec2 => Reply::xml(
            status,
            format!(
                "{start}<Response><Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
        ),
        Protocol::Query | Protocol::RestXml => Reply::xml(
            status,
            format!(
                "{start}<ErrorResponse><Error><Type>{fault}</Type>{inner}</Error><RequestId>{REQUEST_ID}</RequestId>\
                 </ErrorResponse>"
            ),
        ),
        Protocol::S3 => {
            Reply::xml(status, format!("{start}<Error>{inner}<RequestId>{REQUEST_ID}</RequestId></Error>"))
        }
        Protocol::Json | Protocol::RestJson => {
            Reply::json(status, &json!({ "__type": code, "message": message }))
                .with_header("x-amzn-errortype", code)
        }
        Protocol::Cbor => {
            Reply::new(status, "application/cbor", cbor(&[("__type", code), ("message", message)]))
                .with_header("smithy-protocol", "rpc-v2-cbor")
        }
    };
    reply.with_header("x-amzn-requestid", REQUEST_ID)
}

pub(crate) fn throttled(call: &Call) -> Reply {
    let (status, code) = match (call.protocol, call.service.as_str()) {
        (Protocol::Ec2, _) => (503, "RequestLimitExceeded"),
        (Protocol::S3, _) => (503, "SlowDown"),
        (Protocol::Query | Protocol::RestXml, _) => (400, "Throttling"),
        (Protocol::RestJson, _) => (429, "TooManyRequestsException"),
        (Protocol::Json | Protocol::Cbor, "tagging") => (400, "ThrottledException"),
        (Protocol::Json | Protocol::Cbor, _) => (400, "ThrottlingException"),
    };
    error(call, status, code, "Rate exceeded")
}

pub(crate) fn unavailable(call: &Call) -> Reply {
    let code = match call.protocol {
        Protocol::Ec2 => "Unavailable",
        Protocol::S3 | Protocol::Query | Protocol::RestXml => "ServiceUnavailable",
        Protocol::Json | Protocol::RestJson | Protocol::Cbor => "ServiceUnavailableException",
    };
    error(call, 503, code, "The service is unavailable. Please try again.")
}

pub(crate) fn not_found(call: &Call, ids: &[String]) -> Reply {
    let ids = if ids.is_empty() { call.resources().into_iter().take(1).collect() } else { ids.to_vec() };
    let (status, code, message) = missing(&call.service, call.protocol, &ids);
    error(call, status, code, &message)
}

/// A service's error for unknown resources: status, code, message.
pub(crate) fn missing(service: &str, protocol: Protocol, ids: &[String]) -> (u16, &'static str, String) {
    let named = ids.join(", ");
    let (status, code) = match (protocol, service) {
        (_, "ec2") => return missing_in_ec2(ids),
        (Protocol::S3, _) if named.contains('/') => (404, "NoSuchKey"),
        (Protocol::S3, _) => (404, "NoSuchBucket"),
        (_, "elasticache") => (404, "CacheClusterNotFound"),
        (_, "elasticloadbalancing") => (400, "LoadBalancerNotFound"),
        (_, "iam") => (404, "NoSuchEntity"),
        (_, "rds") => (404, "DBInstanceNotFound"),
        (_, "route53") => (404, "NoSuchHostedZone"),
        (_, "sns") => (404, "NotFound"),
        (_, "sqs") => (400, "QueueDoesNotExist"),
        (_, "ssm") => (400, "InvalidResourceId"),
        (Protocol::Query, _) => (404, "ResourceNotFound"),
        (Protocol::RestXml, _) => (404, "NoSuchResource"),
        (Protocol::RestJson, _) => (404, "ResourceNotFoundException"),
        (Protocol::Ec2 | Protocol::Json | Protocol::Cbor, _) => (400, "ResourceNotFoundException"),
    };
    (status, code, format!("Requested resource not found: {named}"))
}

/// EC2 has one code for each kind of resource, and its message names the missing ids of one kind only.
fn missing_in_ec2(ids: &[String]) -> (u16, &'static str, String) {
    let first = ids.first().map_or("", String::as_str);
    let Some((start, code, what)) = EC2_UNKNOWN.iter().find(|(start, ..)| first.starts_with(start)) else {
        return (400, "InvalidID", format!("The ID '{first}' is not valid"));
    };
    let alike: Vec<&str> = ids.iter().map(String::as_str).filter(|id| id.starts_with(start)).collect();
    let message = match alike.as_slice() {
        [one] => format!("The {what} '{one}' does not exist"),
        several => format!("The {what}s '{}' do not exist", several.join(", ")),
    };
    (400, code, message)
}

/// A CBOR map of text to text.
fn cbor(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    head(&mut out, 5, fields.len());
    for text in fields.iter().flat_map(|(key, value)| [key, value]) {
        head(&mut out, 3, text.len());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The head of a CBOR item: its type and length (RFC 8949, section 3).
fn head(out: &mut Vec<u8>, kind: u8, length: usize) {
    let kind = kind << 5;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < 24 => out.push(kind | length),
        (Ok(length), _) => out.extend([kind | 0x18, length]),
        (_, Ok(length)) => {
            out.push(kind | 0x19);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(kind | 0x1b);
            out.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cbor_lengths() {
        let expected: &[u8] = b"\xa1\x66__type\x63abc";
        assert_eq!(cbor(&[("__type", "abc")]), expected);
        for (length, start) in [(23, 1), (24, 2), (255, 2), (256, 3), (65_535, 3), (65_536, 9)] {
            let mut out = Vec::new();
            head(&mut out, 3, length);
            assert_eq!(out.len(), start, "length {length}");
        }
    }

    #[test]
    fn ec2_id_prefixes_are_unambiguous() {
        for (at, (start, ..)) in EC2_UNKNOWN.iter().enumerate() {
            let id = format!("{start}0");
            let found = EC2_UNKNOWN.iter().position(|(start, ..)| id.starts_with(start));
            assert_eq!(found, Some(at), "{id}");
        }
    }
}
