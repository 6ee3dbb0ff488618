//! What `autotag doctor` looks at: the links of a deployment's chain, from the trail to the tags.
//!
//! A [`Check`] is a value: a name, a question, and what to do where the answer is no. A family of checks asks AWS what it
//! needs and judges what was seen; the judging is pure. Nothing here changes anything, but for [`canary`].

mod ask;
mod bus;
pub(crate) mod canary;
mod consumer;
mod expected;
mod functions;
mod guardrails;
mod members;
mod pattern;
mod permissions;
mod policy;
mod queues;
mod rule;
mod rules;
mod stack;
mod table;
mod trail;
mod world;

pub(crate) use ask::{Ask, NoAnswer};
pub(crate) use expected::Expected;
pub(crate) use world::{Aim, World};

use serde::Serialize;

/// A link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    /// Names it, for programs too.
    pub(crate) name: &'static str,
    /// What has to be so.
    pub(crate) question: &'static str,
    /// What to do where it is not, in one line.
    pub(crate) fix: &'static str,
}

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Broken,
    /// It cannot be told from here.
    Unknown,
}

/// What was found of a link. The names are a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    /// Where: region, account, queue, function.
    pub(crate) place: String,
    pub(crate) state: State,
    pub(crate) question: &'static str,
    /// What was seen.
    pub(crate) seen: String,
    /// What to do; nothing where all is well.
    pub(crate) fix: Option<String>,
}

/// Why a check does not say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is not as it should be: what was seen.
    Broken(String),
    /// It cannot be told: what was seen, and what would help.
    Unknown(String, String),
}

/// What a check says: what was seen, or the trouble.
pub(crate) type Verdict = Result<String, Trouble>;

impl Check {
    /// The finding of this check at a place.
    pub(crate) fn at(&self, place: &str, verdict: Verdict) -> Finding {
        let (state, seen, fix) = match verdict {
            Ok(seen) => (State::Ok, seen, None),
            Err(Trouble::Broken(seen)) => (State::Broken, seen, Some(self.fix.to_owned())),
            Err(Trouble::Unknown(seen, fix)) => (State::Unknown, seen, Some(fix)),
        };
        Finding { check: self.name, place: place.to_owned(), state, question: self.question, seen, fix }
    }
}

impl From<NoAnswer> for Trouble {
    /// No answer proves nothing, whatever the reason.
    fn from(none: NoAnswer) -> Self {
        let fix = none.remedy();
        Self::Unknown(none.to_string(), fix)
    }
}

/// Broken: what was seen.
pub(crate) fn broken<T>(seen: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Broken(seen.into()))
}

/// Not to be told, because of another check that says what is to be done.
pub(crate) fn hangs_on<T>(other: Check) -> Result<T, Trouble> {
    let seen = format!("cannot be looked at without `{}`", other.name);
    Err(Trouble::Unknown(seen, format!("mend `{}` first", other.name)))
}

/// All links, in the order of the chain.
pub(crate) async fn examine(world: &World) -> Vec<Finding> {
    let (trail, rules, bus, queues, functions) = tokio::join!(
        trail::examine(world),
        rules::examine(world),
        bus::examine(world),
        queues::examine(world),
        functions::examine(world),
    );
    let (table, permissions, members, guardrails) = tokio::join!(
        table::examine(world),
        permissions::examine(world),
        members::examine(world),
        guardrails::examine(world),
    );
    [trail, rules, bus, queues, functions, table, permissions, members, guardrails].concat()
}
