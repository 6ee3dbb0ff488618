//! The progress of a deployment, for people who wait.

use std::fmt;

/// One step of a stack, a package or a stack set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The region; empty for what has none.
    pub region: String,
    /// The subject: the name of a stack or stack set, a key in the bucket.
    pub subject: String,
    /// The event: `CREATE_IN_PROGRESS`, `uploaded`.
    pub what: String,
    /// True if this is the last step of the subject.
    pub ended: bool,
}

/// Is told each step. Implementations print it; they must not wait.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Takes a step. A subject has the same step several times while it waits.
    fn step(&self, step: &Step);
}

/// An observer that prints nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn step(&self, _: &Step) {}
}

/// Tells a step that is not the last of its subject.
pub fn goes_on(observer: &dyn Observer, region: &str, subject: &str, what: &str) {
    observer.step(&step(region, subject, what, false));
}

/// Tells the last step of a subject.
pub fn ends(observer: &dyn Observer, region: &str, subject: &str, what: &str) {
    observer.step(&step(region, subject, what, true));
}

fn step(region: &str, subject: &str, what: &str, ended: bool) -> Step {
    Step { region: region.to_owned(), subject: subject.to_owned(), what: what.to_owned(), ended }
}
