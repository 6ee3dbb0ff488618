//! One call of an AWS client, read without a model of the service.

use bytes::Bytes;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::borrow::Cow;

/// The protocol of a call. It decides the format of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Request: a form. Answer: XML. EC2.
    Ec2,
    /// Request: a form. Answer: XML. IAM, STS, RDS, SNS and others.
    Query,
    /// XML over paths, with S3's error format.
    S3,
    /// Other XML over paths: S3 Control, Route 53.
    RestXml,
    /// JSON with `X-Amz-Target`.
    Json,
    /// JSON over paths: Lambda, EKS, EFS.
    RestJson,
    /// Smithy RPC v2 with CBOR.
    Cbor,
}

/// One call of an AWS client.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service in the signature: `ec2`, `tagging`, `s3`. Empty if the request is not signed.
    pub service: String,
    /// The region in the signature. Empty if the request is not signed.
    pub region: String,
    /// The access key id in the signature.
    pub access_key: String,
    /// The operation: `CreateTags`. Protocols over paths have method and path instead: `POST /tags/arn%3Aaws...`. S3's
    /// tagging calls have their names: `PutBucketTagging`, `GetObjectTagging`.
    pub operation: String,
    /// The HTTP method, such as `POST`.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The body as sent.
    pub body: Bytes,
}

impl Call {
    pub(crate) fn read(parts: &Parts, body: Bytes) -> Self {
        let header =
            |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let (access_key, region, service) = signer(header("authorization"), &query);
        let form = header("content-type").starts_with("application/x-www-form-urlencoded");
        let mut call = Self {
            service,
            region,
            access_key,
            operation: String::new(),
            method: parts.method.to_string(),
            path,
            query,
            protocol: Protocol::RestJson,
            body,
        };
        let cbor = header("smithy-protocol") == "rpc-v2-cbor";
        (call.protocol, call.operation) = call.described(header("x-amz-target"), form, cbor);
        call
    }

    fn described(&self, target: &str, form: bool, cbor: bool) -> (Protocol, String) {
        if let (true, Some((_, operation))) = (cbor, self.path.rsplit_once("/operation/")) {
            return (Protocol::Cbor, operation.to_owned());
        }
        if let Some((_, operation)) = target.rsplit_once('.') {
            return (Protocol::Json, operation.to_owned());
        }
        if let Some(action) = (form || self.body.is_empty()).then(|| self.field("Action")).flatten() {
            return (if self.service == "ec2" { Protocol::Ec2 } else { Protocol::Query }, action);
        }
        let by_path = format!("{} {}", self.method, self.path);
        match self.service.as_str() {
            // S3 Control signs as S3.
            "s3" if self.path.starts_with("/v20180820/") => (Protocol::RestXml, by_path),
            "s3" => (Protocol::S3, self.s3_tagging().unwrap_or(by_path)),
            "cloudfront" | "route53" => (Protocol::RestXml, by_path),
            _ => (Protocol::RestJson, by_path),
        }
    }

    /// The name of S3's tagging operations, which tests count by name.
    fn s3_tagging(&self) -> Option<String> {
        self.query_values("tagging").next()?;
        let verb = match self.method.as_str() {
            "GET" => "Get",
            "PUT" => "Put",
            "DELETE" => "Delete",
            _ => return None,
        };
        let of = if self.path.trim_matches('/').contains('/') { "Object" } else { "Bucket" };
        Some(format!("{verb}{of}Tagging"))
    }

    /// The value of a form field, in the body or the query.
    pub fn field(&self, name: &str) -> Option<String> {
        self.form().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// All form fields of the body, then those of the query, in order.
    pub fn form(&self) -> impl Iterator<Item = (String, String)> {
        let body = String::from_utf8_lossy(&self.body);
        pairs(&body).chain(pairs(&self.query)).collect::<Vec<_>>().into_iter()
    }

    /// The values of the query parameter `name`.
    pub fn query_values(&self, name: &str) -> impl Iterator<Item = String> {
        pairs(&self.query).filter(move |(key, _)| key == name).map(|(_, value)| value)
    }

    /// The body as JSON. `Null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The ids, names or ARNs of the resources in the call, by the parameter names that AWS services commonly use.
    pub fn resources(&self) -> Vec<String> {
        let of_form = |names: &[&str]| -> Vec<String> {
            let named = |key: &str| names.iter().any(|name| key.split('.').next() == Some(*name));
            self.form().filter(|(key, _)| named(key)).map(|(_, value)| value).collect()
        };
        match self.protocol {
            Protocol::Ec2 => of_form(&["ResourceId", "InstanceId", "VolumeId", "NetworkInterfaceId"]),
            Protocol::Query => {
                of_form(&["ResourceName", "ResourceArn", "RoleName", "UserName", "LoadBalancerNames"])
            }
            Protocol::Json => {
                let body = self.json();
                let fields = body.as_object().into_iter().flatten();
                let named = fields.filter(|(key, _)| {
                    let key = key.to_ascii_lowercase();
                    ["arn", "arnlist", "resourceid", "queueurl", "keyid", "secretid", "tablename"]
                        .iter()
                        .any(|end| key.ends_with(end))
                });
                let values =
                    named.flat_map(|(_, value)| value.as_array().cloned().unwrap_or(vec![value.clone()]));
                values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Protocol::S3 => vec![decoded(self.path.trim_matches('/'), false)],
            Protocol::RestXml | Protocol::RestJson => {
                self.path.rsplit('/').next().map(|last| decoded(last, false)).into_iter().collect()
            }
            Protocol::Cbor => Vec::new(),
        }
    }

    /// True if the path, the query or the body contains `text` (an id, an ARN), plain or percent-encoded.
    pub fn mentions(&self, text: &str) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        [Cow::Borrowed(self.path.as_str()), Cow::Borrowed(self.query.as_str()), body]
            .iter()
            .any(|part| part.contains(text) || decoded(part, true).contains(text))
    }
}

/// The access key, region and service of a signature of version 4 or 4A. Version 4A has no region.
fn signer(authorization: &str, query: &str) -> (String, String, String) {
    let presigned = || pairs(query).find_map(|(key, value)| (key == "X-Amz-Credential").then_some(value));
    let credential = match authorization.split_once("Credential=") {
        Some((_, rest)) => Some(rest.split([',', ' ']).next().unwrap_or_default().to_owned()),
        None => presigned(),
    };
    let credential = credential.unwrap_or_default();
    let parts: Vec<&str> = credential.split('/').collect();
    let (key, region, service) = match parts.as_slice() {
        [key, _date, region, service, _end] => (*key, *region, *service),
        [key, _date, service, _end] => (*key, "", *service),
        _ => ("", "", ""),
    };
    (key.to_owned(), region.to_owned(), service.to_owned())
}

fn pairs(form: &str) -> impl Iterator<Item = (String, String)> {
    form.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key, true), decoded(value, true))
    })
}

/// Decodes percent-encoding. In forms a plus is a space.
pub(crate) fn decoded(text: &str, form: bool) -> String {
    let text = if form { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn call(method: &str, uri: &str, service: &str, headers: &[(&str, &str)], body: &str) -> Call {
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/{service}/aws4_request, Signature=0"
        );
        let mut request = Request::builder().method(method).uri(uri).header("authorization", signed);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Call::read(&request.body(()).unwrap().into_parts().0, Bytes::from(body.to_owned()))
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn request_identifies_its_protocol() {
        let cases = [
            (call("POST", "/", "ec2", &[FORM], "Action=CreateTags&Version=1"), Protocol::Ec2, "CreateTags"),
            (call("POST", "/", "sts", &[FORM], "Version=1&Action=AssumeRole"), Protocol::Query, "AssumeRole"),
            (call("GET", "/?Action=GetRole", "iam", &[], ""), Protocol::Query, "GetRole"),
            (call("PUT", "/bucket?tagging", "s3", &[], "<T/>"), Protocol::S3, "PutBucketTagging"),
            (call("GET", "/bucket/?tagging=", "s3", &[], ""), Protocol::S3, "GetBucketTagging"),
            (call("PUT", "/bucket/a/b?tagging", "s3", &[], "<T/>"), Protocol::S3, "PutObjectTagging"),
            (call("GET", "/bucket?list-type=2", "s3", &[], ""), Protocol::S3, "GET /bucket"),
            (
                call("POST", "/v20180820/tags/x", "s3", &[], "<T/>"),
                Protocol::RestXml,
                "POST /v20180820/tags/x",
            ),
            (call("POST", "/tags/x", "eks", &[], "{}"), Protocol::RestJson, "POST /tags/x"),
            (
                call(
                    "POST",
                    "/",
                    "tagging",
                    &[("x-amz-target", "ResourceGroupsTaggingAPI_20170126.TagResources")],
                    "{}",
                ),
                Protocol::Json,
                "TagResources",
            ),
            (
                call(
                    "POST",
                    "/service/X/operation/TagResources",
                    "tagging",
                    &[("smithy-protocol", "rpc-v2-cbor")],
                    "\u{1}",
                ),
                Protocol::Cbor,
                "TagResources",
            ),
        ];
        for (call, protocol, operation) in cases {
            assert_eq!((call.protocol, call.operation.as_str()), (protocol, operation), "{call:?}");
            assert_eq!((call.access_key.as_str(), call.region.as_str()), ("AKID", "eu-west-1"), "{call:?}");
        }
    }

    #[test]
    fn signer_reads_presigned_multi_region_and_missing_signatures() {
        let presigned = "X-Amz-Credential=K%2F20260102%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(signer("", presigned), ("K".into(), "us-east-1".into(), "s3".into()));
        let multi_region = "AWS4-ECDSA-P256-SHA256 Credential=K/20260102/s3/aws4_request, Signature=0";
        assert_eq!(signer(multi_region, ""), ("K".into(), String::new(), "s3".into()));
        assert_eq!(signer("Bearer x", ""), (String::new(), String::new(), String::new()));
    }

    #[test]
    fn resources_and_mentions() {
        let ec2 = call(
            "POST",
            "/",
            "ec2",
            &[FORM],
            "Action=CreateTags&ResourceId.1=i-1&ResourceId.2=vol-2&Tag.1.Key=a%2Bb",
        );
        assert_eq!(ec2.resources(), ["i-1", "vol-2"]);
        assert!(ec2.mentions("a+b") && ec2.mentions("vol-2") && !ec2.mentions("vol-3"));
        let target = ("x-amz-target", "X.TagResources");
        let json = call(
            "POST",
            "/",
            "tagging",
            &[target],
            r#"{"ResourceARNList":["arn:a","arn:b"],"Tags":{"k":"v"}}"#,
        );
        assert_eq!(json.resources(), ["arn:a", "arn:b"]);
        let eks = call("POST", "/tags/arn%3Aaws%3Aeks%3Ax", "eks", &[], "{}");
        assert_eq!(eks.resources(), ["arn:aws:eks:x"]);
        assert!(eks.mentions("arn:aws:eks:x"));
    }
}
