//! Errors of session stores.

use std::error::Error;

/// The source of a [`SessionStoreError`]. Its text is in the chain of sources, not in the text of the error itself.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An error of a session store. `place` is the file or table. No text of it holds a whole access key id.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionStoreError {
    /// The store cannot be reached or is overloaded.
    #[error("the session store `{place}` did not answer, try again later")]
    Unavailable {
        /// The table.
        place: String,
        /// The client's error.
        source: BoxError,
    },
    /// Another process, or another handle in this one, has opened the store.
    #[error(
        "the session store `{place}` is in use by another process; wait until that ends or name another file"
    )]
    InUse {
        /// The file.
        place: String,
    },
    /// The permission to read or write is missing.
    #[error(
        "no permission for the session store `{place}`; grant reading and writing to the user or role that runs this"
    )]
    Denied {
        /// The file or table.
        place: String,
        /// The error of the system or the client.
        source: BoxError,
    },
    /// The file or table is something else than a session store.
    #[error("`{place}` is not a session store ({why}) and was left unchanged; name another file")]
    NotAStore {
        /// The file or table.
        place: String,
        /// The kind of change.
        why: String,
    },
    /// Another version of the program wrote the session, in a format that this one does not read.
    #[error(
        "the session store `{place}` holds a session in format version {found}, this program reads version {known}: \
         use the program that wrote it, or name another file"
    )]
    UnknownVersion {
        /// The file or table.
        place: String,
        /// The version of the session.
        found: u8,
        /// The version that this program reads and writes.
        known: u8,
    },
    /// A stored session is damaged.
    #[error(
        "the session store `{place}` holds a session of {role_session:?} that cannot be read: \
         restore it from a copy, or start an empty one and read the trail again"
    )]
    Damaged {
        /// The file or table.
        place: String,
        /// The role session id of the session.
        role_session: String,
        /// The fault of the session.
        source: BoxError,
    },
    /// There are more sessions than the store returns at once.
    #[error(
        "the session store `{place}` holds more sessions of {role_session:?} than are read at once \
         ({max}, of 4 KiB each on average)"
    )]
    TooMany {
        /// The table.
        place: String,
        /// The role session id.
        role_session: String,
        /// The most sessions that are returned.
        max: usize,
    },
    /// Any other error that does not end by itself.
    #[error("the session store `{place}` cannot be used: {advice}")]
    Failed {
        /// The file or table.
        place: String,
        /// The advice.
        advice: &'static str,
        /// The error of the system or the client.
        source: BoxError,
    },
}

impl SessionStoreError {
    /// True if the same operation can succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::InUse { .. })
    }

    /// The same failure again, for several callers that waited for one answer. Of the source only its text is kept.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let text = |source: &BoxError| BoxError::from(source.to_string());
        match self {
            Self::Unavailable { place, source } => {
                Self::Unavailable { place: place.clone(), source: text(source) }
            }
            Self::InUse { place } => Self::InUse { place: place.clone() },
            Self::Denied { place, source } => Self::Denied { place: place.clone(), source: text(source) },
            Self::NotAStore { place, why } => Self::NotAStore { place: place.clone(), why: why.clone() },
            Self::UnknownVersion { place, found, known } => {
                Self::UnknownVersion { place: place.clone(), found: *found, known: *known }
            }
            Self::Damaged { place, role_session, source } => Self::Damaged {
                place: place.clone(),
                role_session: role_session.clone(),
                source: text(source),
            },
            Self::TooMany { place, role_session, max } => {
                Self::TooMany { place: place.clone(), role_session: role_session.clone(), max: *max }
            }
            Self::Failed { place, advice, source } => {
                Self::Failed { place: place.clone(), advice, source: text(source) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_end_by_themselves_are_retryable() {
        let place = || "sessions".to_owned();
        assert!(SessionStoreError::Unavailable { place: place(), source: "timeout".into() }.is_retryable());
        assert!(SessionStoreError::InUse { place: place() }.is_retryable());
        assert!(!SessionStoreError::Denied { place: place(), source: "no".into() }.is_retryable());
        assert!(!SessionStoreError::UnknownVersion { place: place(), found: 9, known: 1 }.is_retryable());
    }
}
