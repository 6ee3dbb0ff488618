//! The options that choose rows, times, and what makes a plan fail.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::region::region_pattern;
use crate::suggest::{hint, similar};
use clap::{Args, ValueEnum};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Where the help shows the options that choose rows.
const HEADING: &str = "Filters";

/// The resources that are shown, and that `apply` writes. Values of one option are alternatives; different options must all
/// match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct FilterArgs {
    /// Only resources of this owner. `*` is any text, case does not count
    #[arg(long, help_heading = HEADING, value_name = "NAME", value_delimiter = ',')]
    pub(crate) owner: Vec<String>,
    #[command(flatten)]
    pub(crate) shared: SharedFilterArgs,
    /// Only resources in this region: eu-west-1, or eu-*
    #[arg(long, help_heading = HEADING, value_name = "REGION", value_delimiter = ',', value_parser = region_pattern)]
    pub(crate) region: Vec<String>,
}

/// The filters of records that entries of the ledger have, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct SharedFilterArgs {
    /// Only resources in this account. May be repeated, or separated by commas, as all filters
    #[arg(long, help_heading = HEADING, value_name = "ID", value_delimiter = ',', value_parser = account)]
    pub(crate) account: Vec<String>,
    /// Only events of this service: ec2, or ec2.amazonaws.com
    #[arg(long, help_heading = HEADING, value_name = "SERVICE", value_delimiter = ',')]
    pub(crate) service: Vec<String>,
    /// Only resources of this type: AWS::EC2::VPC, EC2::VPC, or EC2::*
    #[arg(long = "type", help_heading = HEADING, value_name = "TYPE", value_delimiter = ',')]
    pub(crate) resource_type: Vec<String>,
    /// Only resources whose owner is this sure
    #[arg(long, help_heading = HEADING, value_enum, value_name = "PROOF", value_delimiter = ',')]
    pub(crate) proof: Vec<ProofArg>,
}

/// Options that `plan` has beside the filters: it writes nothing, so it can look at outcomes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CheckArgs {
    /// Only rows with this outcome, such as Skipped or NoRule. Implies --all
    #[arg(
        long,
        value_enum,
        value_name = "OUTCOME",
        value_delimiter = ',',
        ignore_case = true,
        help_heading = HEADING
    )]
    pub(crate) outcome: Vec<OutcomeArg>,
    /// Exit with 3 if more than N of these were found [default N: 0]: uncovered, name-only, claimed, derived, missing-tags,
    /// would-tag. May be repeated, or separated by commas
    #[arg(long, value_name = "WHAT[=N]", value_delimiter = ',', value_parser = plan_limit)]
    pub(crate) fail_on: Vec<PlanLimit>,
}

/// The proof of an owner: person, workload, service, or only a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProofArg {
    /// AWS or a known identity provider vouches for a person
    Person,
    /// AWS or a known identity provider vouches for a workload
    Workload,
    /// An AWS service called, and names the owner
    Service,
    /// Only a name that a caller chose
    NameOnly,
}

impl ProofArg {
    /// The name in rows.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Workload => "workload",
            Self::Service => "service",
            Self::NameOnly => "name-only",
        }
    }
}

/// The outcomes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutcomeArg {
    /// The tags of the row would be written
    #[value(name = "WouldTag")]
    WouldTag,
    /// The resource is found when tags are written
    #[value(name = "WouldLookUp")]
    WouldLookUp,
    /// Nothing has to be written
    #[value(name = "AlreadyTagged")]
    AlreadyTagged,
    /// The resource is not to be tagged
    #[value(name = "Skipped")]
    Skipped,
    /// No rule covers the event
    #[value(name = "NoRule", alias = "Uncovered")]
    NoRule,
    /// The call itself failed, so nothing was created
    #[value(name = "CallFailed")]
    CallFailed,
    /// The record does not say enough
    #[value(name = "Malformed")]
    Malformed,
}

impl OutcomeArg {
    /// The name in rows.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::WouldTag => "WouldTag",
            Self::WouldLookUp => "WouldLookUp",
            Self::AlreadyTagged => "AlreadyTagged",
            Self::Skipped => "Skipped",
            Self::NoRule => "NoRule",
            Self::CallFailed => "CallFailed",
            Self::Malformed => "Malformed",
        }
    }
}

/// A kind of row that a check can forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanCheck {
    Uncovered,
    NameOnly,
    Claimed,
    Derived,
    MissingTags,
    WouldTag,
}

impl PlanCheck {
    pub(crate) const ALL: [Self; 6] =
        [Self::Uncovered, Self::NameOnly, Self::Claimed, Self::Derived, Self::MissingTags, Self::WouldTag];

    /// The name on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Uncovered => "uncovered",
            Self::NameOnly => "name-only",
            Self::Claimed => "claimed",
            Self::Derived => "derived",
            Self::MissingTags => "missing-tags",
            Self::WouldTag => "would-tag",
        }
    }
}

/// How many of a kind are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanLimit {
    pub(crate) check: PlanCheck,
    /// More than these.
    pub(crate) most: u64,
}

fn plan_limit(text: &str) -> Result<PlanLimit, String> {
    let (name, most) = match text.split_once('=') {
        Some((name, most)) => (name, most.parse().map_err(|_| format!("`{most}`: expected a number"))?),
        None => (text, 0),
    };
    let names = || PlanCheck::ALL.iter().map(|check| check.as_str());
    let unknown = || {
        let all = names().collect::<Vec<_>>().join(", ");
        format!("expected one of {all}{}", did_you_mean(name, names()))
    };
    let check = PlanCheck::ALL.into_iter().find(|check| check.as_str() == name).ok_or_else(unknown)?;
    Ok(PlanLimit { check, most })
}

fn account(text: &str) -> Result<String, String> {
    let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { Ok(text.to_owned()) } else { Err("expected an account id of 12 digits".to_owned()) }
}

/// `; did you mean ...?` with the known name that is most like `text`; empty if none is.
pub(crate) fn did_you_mean<'n>(text: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    hint(similar(text, known))
}

/// A time on the command line, in UTC.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    #[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
    time_before(text, Timestamp::now())
}

/// A time as text. Spans, `today` and `yesterday` count from `now`, and their days are those of UTC.
fn time_before(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let today = now.to_zoned(TimeZone::UTC).date();
    let midnight = |date: jiff::civil::Date| date.to_zoned(TimeZone::UTC).map(|time| time.timestamp());
    let of_day = match text.to_ascii_lowercase().as_str() {
        "now" => return Ok(now),
        "today" => Some(today),
        "yesterday" => Some(today.yesterday().map_err(|error| error.to_string())?),
        _ => None,
    };
    if let Some(day) = of_day {
        return midnight(day).map_err(|error| error.to_string());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    // A date, or a date and a time without an offset. The name of a time zone, as in `[Asia/Tokyo]`, would be ignored.
    if !text.contains('[')
        && let Ok(time) = text.parse::<DateTime>()
    {
        let time = time.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        return Ok(time.timestamp());
    }
    if let Some(day) = month(text) {
        return midnight(day).map_err(|error| error.to_string());
    }
    let expected = || {
        "expected 7d, 12h, yesterday, 2026-03, 2026-03-02 or 2026-03-02T09:00:00Z (dates and times are in UTC)"
            .to_owned()
    };
    let span: Span = text.parse().map_err(|_| expected())?;
    // `7 days ago` is a negative span.
    let before = now.to_zoned(TimeZone::UTC).checked_sub(span.abs());
    before.map(|time| time.timestamp()).map_err(|_| format!("`{text}` is too long ago"))
}

/// The first day of a month: `2026-03`.
fn month(text: &str) -> Option<jiff::civil::Date> {
    let (year, month) = text.split_once('-')?;
    let is_month = year.len() == 4 && month.len() == 2;
    is_month.then(|| jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_spans_before_now_days_and_dates_of_utc() {
        let now = at("2026-03-15T10:30:00Z");
        for (text, time) in [
            ("7d", "2026-03-08T10:30:00Z"),
            ("7 days", "2026-03-08T10:30:00Z"),
            ("7 days ago", "2026-03-08T10:30:00Z"),
            ("2w", "2026-03-01T10:30:00Z"),
            ("12h", "2026-03-14T22:30:00Z"),
            ("1d12h", "2026-03-13T22:30:00Z"),
            ("90m", "2026-03-15T09:00:00Z"),
            ("1mo", "2026-02-15T10:30:00Z"),
            ("P7D", "2026-03-08T10:30:00Z"),
            ("today", "2026-03-15T00:00:00Z"),
            ("Yesterday", "2026-03-14T00:00:00Z"),
            ("now", "2026-03-15T10:30:00Z"),
            ("2026-03", "2026-03-01T00:00:00Z"),
            ("2026-03-02", "2026-03-02T00:00:00Z"),
            ("2026-03-02T09:00", "2026-03-02T09:00:00Z"),
            ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z"),
            ("2026-03-02T09:00:00+02:00", "2026-03-02T07:00:00Z"),
        ] {
            assert_eq!(time_before(text, now), Ok(at(time)), "{text}");
        }
        let zoned = "2026-03-02T09:00[Asia/Tokyo]";
        for text in ["", "soon", "7", "7x", "2026-13-01", "2026-13", "d7", "100000y", zoned] {
            let refused = time_before(text, now).unwrap_err();
            assert!(refused.contains("expected 7d") || refused.contains("too long ago"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_limit_has_a_known_name_and_a_number() {
        assert_eq!(plan_limit("uncovered"), Ok(PlanLimit { check: PlanCheck::Uncovered, most: 0 }));
        assert_eq!(plan_limit("name-only=5"), Ok(PlanLimit { check: PlanCheck::NameOnly, most: 5 }));
        assert!(plan_limit("name-only=some").is_err());
        let refused = plan_limit("uncoverd").unwrap_err();
        assert!(refused.contains("did you mean `uncovered`?"), "{refused}");
        assert!(!plan_limit("x").unwrap_err().contains("did you mean"));
    }
}
