//! The end of a command: everything done, or something left.

/// Tells if a command did everything that it was asked to do. Errors that ended it are `Err` instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Everything was done. Exit code 0.
    Complete,
    /// Something could not be read or done, and was reported; the rest was done. Exit code 1.
    Partial,
    /// Everything was done, and `--fail-on` found more than it allows. Exit code 3.
    Exceeded,
}
