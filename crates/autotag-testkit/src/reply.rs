//! HTTP answers made by the test kit.

use crate::connection_reset::ConnectionReset;
use crate::cut_body::CutBody;
use crate::server::{Body, Made};
use crate::slow_body::SlowBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::Response;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use serde_json::Value;
use std::time::Duration;

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers: names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// An answer with a body of type `content_type`.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// An answer without headers and body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/x-amz-json-1.1", body.to_string())
    }

    /// An answer with an XML body.
    pub fn xml(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/xml;charset=UTF-8", body)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Reads a whole answer. Leaves out `Content-Length`, because a rewrite may change the body.
    pub(crate) async fn read(response: Response<Body>) -> Result<Self, ConnectionReset> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| ConnectionReset)?.to_bytes();
        let headers = parts.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Self { status: parts.status.as_u16(), headers, body })
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = Full::new(self.body.clone());
        self.with_body(Either::Left(body))
    }

    /// The answer with one byte of the body after each pause.
    pub(crate) fn into_slow_response(self, pause: Duration) -> Response<Body> {
        let body = SlowBody::new(self.body.clone(), pause);
        self.with_body(Either::Right(Either::Left(body)))
    }

    /// The answer whose connection is reset after so many bytes of the body.
    pub(crate) fn into_cut_response(self, after: usize) -> Response<Body> {
        let body = CutBody::new(&self.body, after);
        self.with_body(Either::Right(Either::Right(body)))
    }

    fn with_body(self, body: Made) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        // A test's rule may have asked for a status or header that HTTP does not allow.
        response.body(Either::Left(body)).unwrap_or_else(|error| {
            let text = Full::new(Bytes::from(format!("bad reply: {error}")));
            let mut answer = Response::new(Either::Left(Either::Left(text)));
            *answer.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            answer
        })
    }
}

/// Escapes text for XML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
