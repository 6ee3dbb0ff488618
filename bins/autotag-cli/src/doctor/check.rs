//! A check of one link of a deployment, and what it found.

use autotag_aws::query::QueryError;
use serde::Serialize;

/// One link of the chain from the trail to the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    /// A stable name, for scripts too.
    pub(crate) name: &'static str,
    /// The condition that must hold, as a question.
    pub(crate) question: &'static str,
    /// The remedy if it does not hold, in one line: a command. `{region}` and the other placeholders are filled by
    /// [`filled`](super::fixes::filled).
    pub(crate) fix: &'static str,
}

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// The condition holds.
    Ok,
    /// The condition does not hold.
    Broken,
    /// Doctor could not find out.
    Unknown,
}

/// The result of a check at one place. The field names are a contract: `--format json` prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    /// The region, account, queue or function that was checked.
    pub(crate) place: String,
    pub(crate) state: State,
    pub(crate) question: &'static str,
    /// The facts that doctor saw.
    pub(crate) seen: String,
    /// The remedy; `None` if the state is `Ok`.
    pub(crate) fix: Option<String>,
    /// The check that must succeed before this one can run, if that is why the state is unknown.
    #[serde(skip)]
    pub(crate) needs: Option<&'static str>,
}

/// The reason why a check did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckFailure {
    /// The condition does not hold. Carries what doctor saw; the fix is that of the check.
    Broken(String),
    /// The condition does not hold. Carries what doctor saw, and a fix for just this case.
    Fixable(String, String),
    /// Doctor could not find out. Carries what it saw, and a fix.
    Unknown(String, String),
    /// The check cannot run before another one succeeds. Carries the name of that one.
    Blocked(&'static str),
}

/// The result of a check: what doctor saw, or why the check did not succeed.
pub(crate) type CheckResult = Result<String, CheckFailure>;

impl Check {
    /// The finding of this check at a place.
    pub(crate) fn at(&self, place: &str, result: CheckResult) -> Finding {
        let needs = match &result {
            Err(CheckFailure::Blocked(other)) => Some(*other),
            _ => None,
        };
        let (state, seen, fix) = match result {
            Ok(seen) => (State::Ok, seen, None),
            Err(CheckFailure::Broken(seen)) => (State::Broken, seen, Some(self.fix.to_owned())),
            Err(CheckFailure::Fixable(seen, fix)) => (State::Broken, seen, Some(fix)),
            Err(CheckFailure::Unknown(seen, fix)) => (State::Unknown, seen, Some(fix)),
            Err(CheckFailure::Blocked(other)) => {
                let seen = format!("cannot be checked before `{other}` is ok");
                (State::Unknown, seen, Some(format!("repair `{other}` first")))
            }
        };
        Finding {
            check: self.name,
            place: place.to_owned(),
            state,
            question: self.question,
            seen,
            fix,
            needs,
        }
    }
}

impl CheckFailure {
    /// True if the condition is known not to hold.
    pub(crate) fn is_broken(&self) -> bool {
        !matches!(self, Self::Unknown(..) | Self::Blocked(_))
    }
}

impl From<QueryError> for CheckFailure {
    /// A query without an answer proves nothing, so the state is unknown for every error class.
    fn from(error: QueryError) -> Self {
        let fix = error.remedy();
        Self::Unknown(error.to_string(), fix)
    }
}

/// A failed check, with what doctor saw.
pub(crate) fn fail<T>(seen: impl Into<String>) -> Result<T, CheckFailure> {
    Err(CheckFailure::Broken(seen.into()))
}

/// A failed check, with what doctor saw and a fix for just this case.
pub(crate) fn fail_with<T>(seen: impl Into<String>, fix: impl Into<String>) -> Result<T, CheckFailure> {
    Err(CheckFailure::Fixable(seen.into(), fix.into()))
}

/// A check that cannot run before `other` succeeds.
pub(crate) fn blocked_by<T>(other: Check) -> Result<T, CheckFailure> {
    Err(CheckFailure::Blocked(other.name))
}
