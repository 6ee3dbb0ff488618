//! Why a store could not keep or find sessions.

use std::error::Error;

/// What lies beneath a [`SessionStoreError`]; its text is in the chain of sources, not in the error's own.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a store could not keep or find sessions. `place` names the file or table; no text holds a whole access key id.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionStoreError {
    /// The store is out of reach or overloaded.
    #[error("the session store `{place}` did not answer, try again later")]
    Unavailable {
        /// The table or address.
        place: String,
        /// What the client says.
        source: BoxError,
    },
    /// Another process (or another handle in this one) holds the store.
    #[error(
        "the session store `{place}` is in use by another process, wait until that ends or name another file"
    )]
    InUse {
        /// The file.
        place: String,
    },
    /// The permission to read or write is missing.
    #[error(
        "no permission for the session store `{place}`, grant reading and writing to the user or role that runs this"
    )]
    Denied {
        /// The file or table.
        place: String,
        /// What the system or client says.
        source: BoxError,
    },
    /// There is something else at the place.
    #[error("`{place}` is no session store ({why}) and was left as it is, name another file")]
    NotAStore {
        /// The file or table.
        place: String,
        /// What it is instead.
        why: String,
    },
    /// A newer program, or one long gone, wrote the session.
    #[error(
        "the session store `{place}` holds a session in format version {found}, this program reads version {known}: \
         use the program that wrote it, or name another file"
    )]
    UnknownVersion {
        /// The file or table.
        place: String,
        /// The version found.
        found: u8,
        /// The version this program reads and writes.
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
        /// The role session id it is kept under.
        role_session: String,
        /// What is wrong with it.
        source: BoxError,
    },
    /// Anything else that trying again does not mend.
    #[error("the session store `{place}` cannot be used: {advice}")]
    Failed {
        /// The file or table.
        place: String,
        /// What to do.
        advice: &'static str,
        /// What the system or client says.
        source: BoxError,
    },
}

impl SessionStoreError {
    /// Whether the same operation may succeed later with nothing changed by hand.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::InUse { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_retryable() {
        let place = || "sessions".to_owned();
        assert!(SessionStoreError::Unavailable { place: place(), source: "timeout".into() }.is_retryable());
        assert!(SessionStoreError::InUse { place: place() }.is_retryable());
        assert!(!SessionStoreError::Denied { place: place(), source: "no".into() }.is_retryable());
        assert!(!SessionStoreError::UnknownVersion { place: place(), found: 9, known: 1 }.is_retryable());
    }
}
