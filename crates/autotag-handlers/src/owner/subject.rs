//! Subjects of web identities, as owners.

use autotag_model::policy::Trust;
use autotag_model::subject::read_subject;

/// Who a web identity's subject is. `provider` is the OIDC provider's URL or ARN, or names a well-known one.
pub(super) fn readable(subject: &str, provider: Option<&str>) -> String {
    read_subject(subject, provider, &Trust::default()).owner
}
