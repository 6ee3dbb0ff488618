//! The ownership class of a resource, with the reason and the next step.

use super::identity::Identity;
use autotag_handlers::owner::Proof;
use std::borrow::Cow;
use std::fmt;

/// How sure it is who owns a resource. The order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub(crate) enum Class {
    /// A person, and the trail proves it
    ProvenPerson,
    /// A workload, and the trail proves it
    ProvenWorkload,
    /// An owner tag that nothing proves
    DeclaredOnly,
    /// The owner tag names another one than the trail proves
    Disagree,
    /// A name that the caller chose
    NameOnly,
    /// An AWS service made it
    ServiceMade,
    /// Tags that autotag wrote were changed or taken off
    Tampered,
    /// Nothing says whose it is
    Unknown,
}

impl Class {
    pub(crate) const ALL: [Self; 8] = [
        Self::ProvenPerson,
        Self::ProvenWorkload,
        Self::DeclaredOnly,
        Self::Disagree,
        Self::NameOnly,
        Self::ServiceMade,
        Self::Tampered,
        Self::Unknown,
    ];

    /// The name, as programs see it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ProvenPerson => "proven-person",
            Self::ProvenWorkload => "proven-workload",
            Self::DeclaredOnly => "declared-only",
            Self::Disagree => "disagree",
            Self::NameOnly => "name-only",
            Self::ServiceMade => "service-made",
            Self::Tampered => "tampered",
            Self::Unknown => "unknown",
        }
    }

    /// The words, as people see them.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::ProvenPerson => "Proven person",
            Self::ProvenWorkload => "Proven workload",
            Self::DeclaredOnly => "Declared only",
            Self::Disagree => "Declared and proven disagree",
            Self::NameOnly => "Name only",
            Self::ServiceMade => "Made by a service",
            Self::Tampered => "Tampered",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The known facts about one resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The creation that the trail tells.
    pub(crate) maker: Option<Maker<'a>>,
    /// The value of the owner tag.
    pub(crate) declared: Option<&'a str>,
    /// The identity tags, compared with those that the policy has for the creation.
    pub(crate) identity: Identity,
    /// An AWS service made it, by what only AWS sets.
    pub(crate) by_service: bool,
    /// The principal that changed the identity tags last, if the ledger says that autotag has not written them
    /// again.
    pub(crate) changed_by: Option<&'a str>,
    /// The ledger says that the tags were refused.
    pub(crate) is_refused: bool,
    /// Why autotag writes no tags to it, if so.
    pub(crate) unwritten: Option<&'a str>,
    /// Why the trail tells no creation.
    pub(crate) gap: Gap<'a>,
}

/// The maker of a resource, by the trail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maker<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) proof: Option<Proof>,
    /// The name as a tag has it: not every character can be in one.
    pub(crate) written: Option<&'a str>,
    /// The service called for itself, and nothing says on whose behalf.
    pub(crate) is_service: bool,
    /// The account whose trail has the STS record that is missing, empty if it is not known; `None` if none is missing.
    pub(crate) missing_session: Option<&'a str>,
    /// The call also succeeds on a resource that exists.
    pub(crate) may_have_found: bool,
    /// Why the plan could not decide.
    pub(crate) undecided: Option<&'a str>,
}

/// Why the trail tells no creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap<'a> {
    NoTrail,
    NoRule,
    /// It is older than the first creation of the trail, which is of this day.
    BeforeTrail(&'a str),
    OtherAccount(&'a str),
    /// The inventory says that it was created at another time than the creation in the trail.
    OtherTime,
    /// The ledger says that the resource of this name was deleted at this time.
    Deleted(&'a str),
    NotInLedger,
    /// The day of the first creation of the trail; `None` if it has no creation.
    NotFound(Option<&'a str>),
}

/// The class of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    pub(crate) reason: Cow<'static, str>,
    /// Empty if nothing is to be done.
    pub(crate) next: Cow<'static, str>,
}

impl Verdict {
    fn new(class: Class, reason: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Self {
        Self { class, reason: reason.into(), next: next.into() }
    }
}

const FIRST_PERSON: &str =
    "the trail proves which person made the first call for it; the call also succeeds if the resource exists";
const FIRST_WORKLOAD: &str = "the trail proves which workload made the first call for it; the call also succeeds if the resource exists";
const APPLY: &str = "run `autotag report --fix FILE`, then `autotag apply FILE`";
const REPLACE: &str = "an identity tag has another value: correct it, or run `autotag apply --replace`";
const CORRECT: &str = "ask both; correct the tag, or run `autotag apply --replace`";

const REFUSED: &str = "tag-handler was refused to write the tags: grant what its entry in the ledger names, then run `autotag reconcile`";

/// The class of a resource, by what is known about it. Every resource has exactly one.
pub(crate) fn classify(facts: &Facts<'_>) -> Verdict {
    let Some(maker) = facts.maker else { return without_creation(facts) };
    if facts.identity == Identity::Changed {
        return Verdict::new(
            Class::Tampered,
            "some identity tags are as autotag wrote them, and others were changed or taken off",
            "find the untag or tag call in the trail, then run `autotag apply --replace`",
        );
    }
    if let Some(by) = facts.changed_by.filter(|_| facts.identity != Identity::Intact) {
        return Verdict::new(
            Class::Tampered,
            format!("{by} changed the identity tags, and autotag has not written them again"),
            "ask them, then run `autotag apply --replace`",
        );
    }
    match (maker.name, maker.proof) {
        (Some(name), Some(proof @ (Proof::Person | Proof::Workload))) => proven(facts, maker, name, proof),
        (Some(_), Some(Proof::Service)) => by_service(facts, maker),
        (Some(name), _) => name_only(facts, maker, name),
        (None, _) => undecided(facts, maker),
    }
}

fn proven(facts: &Facts<'_>, maker: Maker<'_>, name: &str, proof: Proof) -> Verdict {
    if facts.declared.is_some_and(|declared| !names(maker, name, declared)) {
        return Verdict::new(
            Class::Disagree,
            "the owner tag names another one than the trail proves",
            if facts.unwritten.is_some() { "ask both, then correct the tag" } else { CORRECT },
        );
    }
    let next = match facts.identity {
        Identity::Intact => "",
        _ if facts.unwritten.is_some() => "",
        _ if facts.is_refused => REFUSED,
        Identity::Missing => APPLY,
        Identity::Other => REPLACE,
        Identity::NotCompared | Identity::Changed => "",
    };
    let (class, reason) = match (proof, maker.may_have_found) {
        (Proof::Person, false) => (Class::ProvenPerson, "the trail proves which person made it"),
        (Proof::Person, true) => (Class::ProvenPerson, FIRST_PERSON),
        (_, false) => (Class::ProvenWorkload, "the trail proves which workload made it"),
        (_, true) => (Class::ProvenWorkload, FIRST_WORKLOAD),
    };
    match facts.unwritten {
        Some(why) => Verdict::new(class, format!("{reason}; {why}"), next),
        None => Verdict::new(class, reason, next),
    }
}

fn by_service(facts: &Facts<'_>, maker: Maker<'_>) -> Verdict {
    if !maker.is_service {
        return Verdict::new(
            Class::ServiceMade,
            "an AWS service made it for the owner of its parent, or a requester",
            "",
        );
    }
    if facts.declared.is_some() {
        return Verdict::new(
            Class::DeclaredOnly,
            "an AWS service made it, and only the owner tag names somebody",
            "give its parent an owner",
        );
    }
    Verdict::new(
        Class::ServiceMade,
        "an AWS service made it, and nothing says on whose behalf",
        if facts.unwritten.is_some() {
            "give its parent an owner"
        } else {
            "give its parent an owner, or tag it by hand"
        },
    )
}

fn name_only(facts: &Facts<'_>, maker: Maker<'_>, name: &str) -> Verdict {
    let (reason, next): (Cow<'static, str>, Cow<'static, str>) = match maker.missing_session {
        Some("") => (
            "the STS record of the session is missing".into(),
            "add the trail with the AssumeRole record of the session, of all regions".into(),
        ),
        Some(account) => (
            "the STS record of the session is missing".into(),
            format!("add the trail of account {account}, of all regions: it has the AssumeRole record")
                .into(),
        ),
        None => (
            "the caller chose the name, and nothing proves it".into(),
            "require a source identity, or name the identity provider in `[trust]` of the policy".into(),
        ),
    };
    if facts.declared.is_some_and(|declared| !names(maker, name, declared)) {
        return Verdict::new(
            Class::DeclaredOnly,
            "an owner tag that nothing proves; the trail has only a session name",
            next,
        );
    }
    Verdict::new(Class::NameOnly, reason, next)
}

fn undecided(facts: &Facts<'_>, maker: Maker<'_>) -> Verdict {
    let reason = match maker.undecided {
        Some(why) => {
            Cow::Owned(format!("the creation is in the trail, and its owner cannot be decided: {why}"))
        }
        None => Cow::Borrowed("the creation is in the trail, and its record names no caller"),
    };
    let next = "see `autotag explain TRAIL --event ID`; for a record without an id, `--type TYPE`";
    match facts.declared {
        Some(_) => Verdict::new(Class::DeclaredOnly, reason, next),
        None => Verdict::new(Class::Unknown, reason, next),
    }
}

fn without_creation(facts: &Facts<'_>) -> Verdict {
    let (why, next) = gap(facts.gap);
    if facts.declared.is_some() {
        return Verdict::new(Class::DeclaredOnly, why, next);
    }
    if facts.by_service {
        let reason = "an AWS service made it: its ARN, or a tag that only AWS can set, says so";
        return Verdict::new(Class::ServiceMade, reason, "give its parent an owner, or tag it by hand");
    }
    Verdict::new(Class::Unknown, why, next)
}

fn gap(gap: Gap<'_>) -> (Cow<'static, str>, Cow<'static, str>) {
    match gap {
        Gap::NoTrail => ("no trail was read".into(), "add --trail".into()),
        Gap::NoRule => (
            "no rule for this type".into(),
            "write a rule (docs/adding-a-service.md), or tag it by hand".into(),
        ),
        Gap::BeforeTrail(first) => (
            format!("created before the first creation of the trail, which is of {first}").into(),
            "add the log files of its creation with --trail, or tag it by hand".into(),
        ),
        Gap::OtherAccount(account) => (
            "the trail has no creation in its account".into(),
            format!("add the trail of account {account}").into(),
        ),
        Gap::OtherTime => (
            "the trail has a creation of this name at another time: that was another resource".into(),
            "add the log files of its creation with --trail, or tag it by hand".into(),
        ),
        Gap::Deleted(time) => (
            format!(
                "the ledger says that it was deleted at {time}; the maker of the present resource of this name is unknown"
            )
            .into(),
            "run `autotag ledger import` over the log files since then, or tag it by hand".into(),
        ),
        Gap::NotInLedger => (
            "its creation is not in the ledger".into(),
            "run `autotag ledger import` over older log files of its account and region, or tag it by hand"
                .into(),
        ),
        Gap::NotFound(first) => (
            match first {
                Some(first) => {
                    format!("its creation is not in the trail, whose first creation is of {first}").into()
                }
                None => "its creation is not in the trail, which has no creation".into(),
            },
            "add older log files and all regions with --trail, or tag it by hand".into(),
        ),
    }
}

/// True if a tag names the maker.
fn names(maker: Maker<'_>, name: &str, declared: &str) -> bool {
    is_same(declared, name) || maker.written.is_some_and(|written| is_same(declared, written))
}

/// True if two names are the same text. Letters count without case, and spaces around them do not count. More is not guessed:
/// `mara` and `mara@example.com` may be two people.
fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
