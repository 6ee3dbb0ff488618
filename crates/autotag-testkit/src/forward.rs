//! The way to the server behind a proxy.

use crate::call::{Call, Protocol};
use crate::errors;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::server::{Answered, Cut};
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

/// What belongs to one connection, not to the message; and what asks us, who have the whole body already.
const OF_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A server over plain HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    authority: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
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

    /// Passes the request on, and the answer back.
    pub(crate) async fn forward(&self, mut parts: Parts, body: Bytes) -> Answered {
        let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let uri =
            Uri::builder().scheme("http").authority(self.authority.clone()).path_and_query(path).build();
        parts.uri = uri.map_err(|_| Cut)?;
        without_connection(&mut parts.headers);
        // The body may be another by now.
        parts.headers.remove(CONTENT_LENGTH);
        match self.client.request(Request::from_parts(parts, Full::new(body))).await {
            Ok(answer) => {
                let (mut parts, body) = answer.into_parts();
                without_connection(&mut parts.headers);
                Ok(hyper::Response::from_parts(parts, Either::Right(body)))
            }
            Err(error) => {
                let why = format!("proxy: {} does not answer: {error}", self.authority);
                Ok(Reply::new(502, "text/plain", why).into_response())
            }
        }
    }

    /// The tagging API refuses some resources, and does the rest of the call.
    pub(crate) async fn forward_rest(&self, parts: Parts, call: &Call, partly: Partly) -> Answered {
        if partly.rest.is_empty() {
            return Ok(Reply::json(200, &json!({ "FailedResourcesMap": partly.refused })).into_response());
        }
        let mut body = call.json();
        if let Some(body) = body.as_object_mut() {
            body.insert(ARNS.to_owned(), json!(partly.rest));
        }
        let answer = self.forward(parts, body.to_string().into()).await?;
        let (mut parts, body) = answer.into_parts();
        let mut body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        if let Ok(Value::Object(mut said)) = serde_json::from_slice(&body) {
            if let Some(failed) = said.entry(FAILED).or_insert_with(|| json!({})).as_object_mut() {
                failed.extend(partly.refused);
            }
            body = Value::Object(said).to_string().into();
            parts.headers.remove(CONTENT_LENGTH);
        }
        Ok(hyper::Response::from_parts(parts, Either::Left(Full::new(body))))
    }
}

const ARNS: &str = "ResourceARNList";
const FAILED: &str = "FailedResourcesMap";

/// A call of the tagging API that goes wrong for some of its resources.
#[derive(Debug)]
pub(crate) struct Partly {
    /// By ARN: what the answer says of it.
    refused: Map<String, Value>,
    rest: Vec<String>,
}

impl Partly {
    /// If that is what this fault means for this call. In CBOR the whole call goes wrong: no client that we test uses it
    /// for the tagging API.
    pub(crate) fn read(call: &Call, fault: &Fault) -> Option<Self> {
        let of_tagging = call.service == "tagging" && call.protocol == Protocol::Json;
        if !of_tagging || !["TagResources", "UntagResources"].contains(&call.operation.as_str()) {
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
                Some(code) => (400, code.clone(), format!("{code}, as the test wants it")),
                None => missing(&arn),
            };
            let said = json!({ "StatusCode": status, "ErrorCode": code, "ErrorMessage": message });
            (arn, said)
        });
        Some(Self { refused: refused.collect(), rest })
    }
}

/// The tagging API passes on what the service says.
fn missing(arn: &str) -> (u16, String, String) {
    let service = arn.split(':').nth(2).unwrap_or_default();
    let id = if service == "ec2" { arn.rsplit('/').next().unwrap_or_default() } else { arn };
    let (status, code, message) = errors::missing(service, Protocol::Json, &[id.to_owned()]);
    (status, code.to_owned(), message)
}

fn without_connection(headers: &mut HeaderMap) {
    for name in OF_CONNECTION {
        headers.remove(name);
    }
}
