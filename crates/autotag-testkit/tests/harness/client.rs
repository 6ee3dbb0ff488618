//! A minimal HTTP client that shows the bytes on the wire.

use std::io::{self, Read, Write};
use std::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header. `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// Sends one request on its own connection.
pub(crate) fn send(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n")?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "content-length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let (head, rest) = all.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok(Answer { status, head, body: rest.iter().skip(4).copied().collect() })
}

/// An `Authorization` header that names `service`.
pub(crate) fn signed_for(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/{service}/aws4_request, Signature=0")
}

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

/// A call of a service whose requests are forms.
pub(crate) fn query(url: &str, service: &str, form: &str) -> io::Result<Answer> {
    send(url, "POST", "/", &[("authorization", &signed_for(service)), FORM], form.as_bytes())
}

/// A call of a service whose requests are JSON with a target.
pub(crate) fn json(url: &str, service: &str, operation: &str, body: &str) -> io::Result<Answer> {
    let target = format!("X.{operation}");
    let headers = [
        ("authorization", &*signed_for(service)),
        ("x-amz-target", &*target),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    send(url, "POST", "/", &headers, body.as_bytes())
}
