//! Forwards calls to the server behind a proxy.

use crate::call::{Call, Protocol};
use crate::connection_reset::ConnectionReset;
use crate::errors;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::server::HandlerResult;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::http::{HeaderMap, uri};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value, json};
use std::io;

/// Headers of one connection rather than of the message, and `Expect`: the proxy already has the whole body.
const CONNECTION_HEADERS: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A server that is reached over plain HTTP.
#[derive(Debug, Clone)]
pub(crate) struct HttpUpstream {
    authority: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpUpstream {
    pub(crate) fn new(url: &str) -> io::Result<Self> {
        let wrong =
            |why: String| io::Error::new(io::ErrorKind::InvalidInput, format!("upstream `{url}`: {why}"));
        let url: Uri = url.parse().map_err(|error: uri::InvalidUri| wrong(error.to_string()))?;
        match (url.scheme_str(), url.authority()) {
            (Some("http"), Some(authority)) => {
                let client = Client::builder(TokioExecutor::new()).build_http();
                Ok(Self { authority: authority.clone(), client })
            }
            _ => Err(wrong("not http://host:port".to_owned())),
        }
    }

    /// Forwards the request and returns the answer.
    pub(crate) async fn forward(&self, mut parts: Parts, body: Bytes) -> HandlerResult {
        let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let uri =
            Uri::builder().scheme("http").authority(self.authority.clone()).path_and_query(path).build();
        parts.uri = uri.map_err(|_| ConnectionReset)?;
        remove_connection_headers(&mut parts.headers);
        // The body may have changed.
        parts.headers.remove(CONTENT_LENGTH);
        match self.client.request(Request::from_parts(parts, Full::new(body))).await {
            Ok(answer) => {
                let (mut parts, body) = answer.into_parts();
                remove_connection_headers(&mut parts.headers);
                Ok(hyper::Response::from_parts(parts, Either::Right(body)))
            }
            Err(error) => {
                let why = format!("proxy: {} does not answer: {error}", self.authority);
                Ok(Reply::new(502, "text/plain", why).into_response())
            }
        }
    }

    /// Forwards a call of the tagging API without the refused resources, and adds the refusals to the answer.
    pub(crate) async fn forward_rest(
        &self,
        parts: Parts,
        call: &Call,
        refusal: PartialRefusal,
    ) -> HandlerResult {
        if refusal.rest.is_empty() {
            return Ok(Reply::json(200, &json!({ "FailedResourcesMap": refusal.refused })).into_response());
        }
        let mut body = call.json();
        if let Some(body) = body.as_object_mut() {
            body.insert(ARNS.to_owned(), json!(refusal.rest));
        }
        let answer = self.forward(parts, body.to_string().into()).await?;
        let (mut parts, body) = answer.into_parts();
        let mut body = body.collect().await.map_err(|_| ConnectionReset)?.to_bytes();
        if let Ok(Value::Object(mut answered)) = serde_json::from_slice(&body) {
            if let Some(failed) = answered.entry(FAILED).or_insert_with(|| json!({})).as_object_mut() {
                failed.extend(refusal.refused);
            }
            body = Value::Object(answered).to_string().into();
            parts.headers.remove(CONTENT_LENGTH);
        }
        Ok(hyper::Response::from_parts(parts, Either::Left(Either::Left(Full::new(body)))))
    }
}

const ARNS: &str = "ResourceARNList";
const FAILED: &str = "FailedResourcesMap";

/// A call of the tagging API of which some resources are refused.
#[derive(Debug)]
pub(crate) struct PartialRefusal {
    /// The answer's entry for each refused ARN.
    refused: Map<String, Value>,
    /// The ARNs that are not refused.
    rest: Vec<String>,
}

impl PartialRefusal {
    /// The partial refusal that `fault` means for `call`. `None` if the fault concerns the whole call, or the call is not one
    /// of the tagging API. Calls in CBOR fail as a whole: no tested client uses CBOR for the tagging API.
    pub(crate) fn read(call: &Call, fault: &Fault) -> Option<Self> {
        let is_tagging = call.service == "tagging" && call.protocol == Protocol::Json;
        if !is_tagging || !["TagResources", "UntagResources"].contains(&call.operation.as_str()) {
            return None;
        }
        let (named, code) = match fault {
            Fault::NotFound(named) => (named, None),
            Fault::RefusedFor { resources, code } => (resources, Some(code)),
            _ => return None,
        };
        let arns = call.resources();
        let first = arns.first().cloned();
        let meant = |arn: &String| match named.as_slice() {
            [] => Some(arn) == first.as_ref(),
            named => named.iter().any(|name| arn.ends_with(name.as_str())),
        };
        let (refused, rest): (Vec<_>, Vec<_>) = arns.into_iter().partition(meant);
        let refused = refused.into_iter().map(|arn| {
            let (status, code, message) = match code {
                Some(code) => (400, code.clone(), format!("{code}, injected by the test")),
                None => missing(&arn),
            };
            let entry = json!({ "StatusCode": status, "ErrorCode": code, "ErrorMessage": message });
            (arn, entry)
        });
        Some(Self { refused: refused.collect(), rest })
    }
}

/// The refusal of an unknown resource. The tagging API returns the error of the resource's service.
fn missing(arn: &str) -> (u16, String, String) {
    let service = arn.split(':').nth(2).unwrap_or_default();
    let id = if service == "ec2" { arn.rsplit('/').next().unwrap_or_default() } else { arn };
    let (status, code, message) = errors::missing(service, Protocol::Json, &[id.to_owned()]);
    (status, code.to_owned(), message)
}

fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in CONNECTION_HEADERS {
        headers.remove(name);
    }
}
