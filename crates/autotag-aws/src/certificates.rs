//! Checks that there are certificates of authorities, before the first call needs them.

use crate::Accounts;

/// No certificates of authorities were found, so no answer of AWS can be trusted. The text is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no certificates of authorities, so AWS cannot be verified: install the package `ca-certificates`, or name a file with them in \
     SSL_CERT_FILE"
)]
pub struct NoCertificates;

impl Accounts {
    /// Looks for the certificates that calls need. Without this, each call fails after all its attempts, and its error does
    /// not name the reason.
    ///
    /// # Errors
    /// [`NoCertificates`]. Not if the endpoint of all calls is one without TLS, such as an emulator.
    pub fn check_certificates(&self) -> Result<(), NoCertificates> {
        let endpoint = self.ambient().endpoint_url();
        let without_tls = endpoint.is_some_and(|url| url.starts_with("http://"));
        if without_tls || has_certificates() { Ok(()) } else { Err(NoCertificates) }
    }
}

/// True if the system, or SSL_CERT_FILE or SSL_CERT_DIR, has certificates of authorities. Takes milliseconds.
pub(crate) fn has_certificates() -> bool {
    !rustls_native_certs::load_native_certs().certs.is_empty()
}
