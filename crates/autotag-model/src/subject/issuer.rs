//! The issuer of a web identity: the URL of an IAM OIDC provider.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::fmt;

/// The URL of an OIDC issuer without `https://`: a host in lower case and, for some, a path.
///
/// A URL with a port, user name, query, fragment, trailing dot or trailing slash is none: AWS's providers have none of
/// these ([Create an OIDC identity provider][create]).
///
/// [create]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssuerUrl {
    host: String,
    path: String,
}

impl IssuerUrl {
    /// The issuer in `provider`, as AWS logs it: `https://host/path`, `host/path` or
    /// `arn:aws:iam::111122223333:oidc-provider/host/path`. `None` if it is not of that form.
    pub fn of_provider(provider: &str) -> Option<Self> {
        if provider.starts_with("arn:") {
            return of_arn(provider);
        }
        Self::new(provider.strip_prefix("https://").unwrap_or(provider))
    }

    /// `host` or `host/path`.
    fn new(text: &str) -> Option<Self> {
        let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
        let segment = |segment: &str| !segment.is_empty() && segment.bytes().all(is_path_byte);
        let valid = is_host(host) && path.is_none_or(|path| path.split('/').all(segment));
        valid.then(|| Self { host: host.to_owned(), path: path.unwrap_or_default().to_owned() })
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path without the slash before it; empty if there is none.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn of_arn(arn: &str) -> Option<IssuerUrl> {
    let mut fields = arn.splitn(6, ':');
    let (_, partition, service) = (fields.next()?, fields.next()?, fields.next()?);
    let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
    let account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let iam = partition.starts_with("aws") && service == "iam" && region.is_empty() && account;
    IssuerUrl::new(resource.strip_prefix("oidc-provider/").filter(|_| iam)?)
}

/// True if `host` is a DNS name of two labels or more in lower case.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    host.contains('.') && host.split('.').all(label)
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

impl<'de> Deserialize<'de> for IssuerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text.strip_prefix("https://").unwrap_or(&text)).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not an OIDC issuer: expected a host in lower case and perhaps a path, `gitlab.example.com`"
            ))
        })
    }
}
