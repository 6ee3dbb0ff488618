//! Checks that there are certificates of authorities, before the first call needs them.

/// No certificates of authorities were found, so no answer of AWS can be trusted. The text is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no certificates of authorities, so AWS cannot be verified: install the package `ca-certificates`, or name a file with them in \
     SSL_CERT_FILE"
)]
pub struct NoCertificates;

/// Looks for the certificates that calls need, unless the endpoint of all calls is one without TLS.
pub(crate) fn check(endpoint: Option<&str>) -> Result<(), NoCertificates> {
    let without_tls = endpoint.is_some_and(|url| url.starts_with("http://"));
    if without_tls || has_certificates() { Ok(()) } else { Err(NoCertificates) }
}

/// True if the system, or `SSL_CERT_FILE` or `SSL_CERT_DIR`, has certificates of authorities. Takes milliseconds.
pub(crate) fn has_certificates() -> bool {
    !rustls_native_certs::load_native_certs().certs.is_empty()
}
