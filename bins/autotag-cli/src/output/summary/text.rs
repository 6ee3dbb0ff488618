//! The summary for people: at most 15 lines, unless everything is to be listed.

use super::{Summary, by_count, plural};
use crate::completion::Completion;
use crate::output::problems::{ProblemGroup, Problems};
use crate::output::screen::Screen;
use crate::output::terminal::without_end;
use crate::output::text::{printable, styled};
use anstyle::Style;
use autotag_handlers::catalog::Catalog;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How much a summary lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The most frequent of each kind.
    Short,
    /// At most [`LISTED`] of each kind.
    Listed,
}

/// How much of each kind is listed.
const LISTED: usize = 50;

/// How many owners and kinds of events a short summary names.
const NAMED: usize = 5;

/// The most columns of the name of an owner. Callers choose some names, as long as they like.
const LONGEST_NAME: usize = 60;

/// Where the texts begin, behind their names.
const INDENT: usize = 13;

/// Outcomes in the order in which they are told.
const ORDER: [&str; 9] = [
    "WouldTag",
    "Tagged",
    "WouldLookUp",
    "AlreadyTagged",
    "Skipped",
    "Gone",
    "Deferred",
    "Refused",
    "Malformed",
];

/// How many reasons a short summary names.
const REASONS: usize = 2;

impl Summary {
    /// Writes the summary.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(crate) fn write(&self, out: &mut Screen<impl Write>, detail: Detail) -> io::Result<()> {
        self.write_resources(out)?;
        self.write_filter(out)?;
        self.write_owners(out, detail)?;
        self.write_read(out, detail)?;
        self.write_exceeded(out)?;
        if !self.plans_tags() {
            return Ok(());
        }
        self.write_next(out)
    }

    /// The commands that follow, each in one line, so that it can be copied.
    fn write_next(&self, out: &mut Screen<impl Write>) -> io::Result<()> {
        let count = |text: &str| text.chars().count();
        let width = self.next.iter().map(|(command, _)| count(command)).max().unwrap_or_default();
        let what = self.next.iter().map(|(_, what)| count(what)).max().unwrap_or_default();
        let is_beside = out.fits(INDENT + width + 2 + what);
        for (number, (command, what)) in self.next.iter().enumerate() {
            let head = head(styled::HEAD, if number == 0 { "next" } else { "" });
            if is_beside {
                writeln!(out, "{head}{}", printable(&format!("{command:<width$}  {what}")))?;
            } else {
                writeln!(out, "{head}{}", printable(command))?;
                continued(out, &format!("  {what}"))?;
            }
        }
        Ok(())
    }

    /// How many resources have each outcome.
    fn write_resources(&self, out: &mut Screen<impl Write>) -> io::Result<()> {
        let is_plan = self.is_plan || self.outcomes.keys().any(|name| name.starts_with("Would"));
        let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
        let mut outcomes: Vec<(&str, u64)> =
            self.outcomes.iter().map(|(name, count)| (*name, *count)).collect();
        outcomes.sort_by_key(|(name, _)| rank(name));
        let mut parts: Vec<String> =
            outcomes.into_iter().map(|(name, count)| in_words(name, count)).collect();
        if self.duplicates > 0 {
            parts.push(format!("{} named twice", self.duplicates));
        }
        let parts = if parts.is_empty() { "nothing to tag".to_owned() } else { parts.join(", ") };
        let head = styled::text(styled::HEAD, if is_plan { "Plan:" } else { "Result:" });
        let total = plural(self.resources, "resource");
        out.line(&format!("{head} "), Style::new(), &format!("{total}: {parts}"))
    }

    /// The part about what was read, without the resources that get tags.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(crate) fn write_read(&self, out: &mut Screen<impl Write>, detail: Detail) -> io::Result<()> {
        if !self.quiet.is_empty() {
            line(out, "time", &self.quiet)?;
        }
        let uncovered = plural(self.uncovered.values().sum::<u64>(), "creating event");
        write_events(out, "uncovered", &uncovered, &self.uncovered, detail)?;
        self.write_derived(out, detail)?;
        write_problems(out, "unreadable", &plural(self.unread(), "part"), &self.unreadable, detail)?;
        let malformed = plural(self.malformed.count(), "event");
        write_problems(out, "malformed", &malformed, &self.malformed, detail)?;
        let refused = plural(self.refused.count(), "resource");
        write_problems(out, "refused", &refused, &self.refused, detail)?;
        if self.files > 0 {
            line(out, "records", &self.records())?;
        }
        if !self.policy.is_empty() {
            line(out, "policy", &self.policy)?;
        }
        Ok(())
    }

    fn write_owners(&self, out: &mut Screen<impl Write>, detail: Detail) -> io::Result<()> {
        let owners = &self.owners;
        if owners.by_proof.is_empty() {
            return Ok(());
        }
        let mut proofs: Vec<String> =
            owners.by_proof.iter().map(|(proof, count)| format!("{count} {proof}")).collect();
        proofs.sort_by_key(|proof| {
            ["person", "workload", "service", "name-only"].iter().position(|known| proof.ends_with(known))
        });
        if owners.claimed > 0 {
            proofs.push(format!("{} with a claim to be somebody else", owners.claimed));
        }
        line(out, "proof", &proofs.join(", "))?;
        if !owners.name_only.is_empty() {
            let mut sources: Vec<(&str, u64)> =
                owners.name_only.iter().map(|(source, count)| (*source, *count)).collect();
            sources.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let reasons = sources
                .into_iter()
                .map(|(source, count)| format!("{count} by {source}: {}", why_name_only(source)));
            line(out, "name-only", &reasons.collect::<Vec<_>>().join("; "))?;
        }
        self.write_names(out, detail)
    }

    /// The owners with the most resources: in one line, or one a line.
    fn write_names(&self, out: &mut Screen<impl Write>, detail: Detail) -> io::Result<()> {
        let owners = &self.owners;
        let is_short = detail == Detail::Short;
        let (top, others) = owners.top(if is_short { NAMED } else { LISTED });
        let total = top.len() + others;
        let name = |owner: &str, account: Option<&str>| match account {
            Some(account) if owners.is_ambiguous(owner) => {
                format!("{} of {account}", without_end(owner, LONGEST_NAME))
            }
            _ => without_end(owner, LONGEST_NAME),
        };
        let mut named: Vec<String> = top
            .into_iter()
            .map(|(key, count)| format!("{} {count}", name(&key.owner, key.account.as_deref())))
            .collect();
        let at_least = if owners.beyond() > 0 { "at least " } else { "" };
        let is_long = !is_short && total > NAMED;
        if others > 0 || owners.beyond() > 0 {
            let and = if is_long { "and " } else { "" };
            named.push(format!("{and}{at_least}{others} more"));
        }
        if !is_long {
            return line(out, "owners", &named.join(", "));
        }
        line(out, "owners", &format!("{at_least}{}:", plural(total, "owner")))?;
        named.iter().try_for_each(|text| continued(out, text))
    }

    /// The filter, if not all resources are counted.
    fn write_filter(&self, out: &mut Screen<impl Write>) -> io::Result<()> {
        if self.filter.is_empty() {
            return Ok(());
        }
        let others = match self.left_out {
            0 => String::new(),
            1 => "; 1 other resource is left out".to_owned(),
            more => format!("; {more} other resources are left out"),
        };
        line(out, "filter", &format!("{}{others}", self.filter))?;
        self.unmatched.iter().try_for_each(|text| continued(out, text))
    }

    /// The findings of `--fail-on`, in one line.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(crate) fn write_exceeded(&self, out: &mut Screen<impl Write>) -> io::Result<()> {
        let exceeded = self.exceeded();
        if exceeded.is_empty() {
            return Ok(());
        }
        let found: Vec<String> = exceeded.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let code = match self.done() {
            Completion::Partial => "exit code 1, because something could not be read",
            Completion::Complete | Completion::Exceeded => "exit code 3",
        };
        let text = format!("{} ({code})", found.join(", "));
        out.line(&head(styled::BAD, "fail-on"), Style::new(), &text)
    }

    /// Resources by rules that no record has confirmed yet, and how a record becomes a fixture.
    fn write_derived(&self, out: &mut Screen<impl Write>, detail: Detail) -> io::Result<()> {
        if self.derived.is_empty() {
            return Ok(());
        }
        let found = plural(self.derived.values().sum::<u64>(), "resource");
        let total = format!("{found} by rules that no record has confirmed");
        write_events(out, "derived", &total, &self.derived, detail)?;
        continued(
            out,
            "send in a record of each, with its ids and names replaced: docs/adding-a-service.md#fixtures",
        )
    }

    /// The records by kind, as a sum.
    fn records(&self) -> String {
        let counts = &self.counts;
        format!(
            "{} in {} = {} sessions + {} creations + {} failed + {} skipped + {} uncovered + {} rejected + {} others",
            counts.records,
            plural(self.files, "file"),
            counts.sessions,
            counts.creations,
            counts.failed,
            counts.skipped,
            counts.uncovered,
            counts.rejected,
            counts.others,
        )
    }
}

/// Kinds of events by how often they occur.
fn write_events(
    out: &mut Screen<impl Write>,
    name: &str,
    total: &str,
    events: &BTreeMap<(String, String), u64>,
    detail: Detail,
) -> io::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = by_count(events)
        .map(|((source, name), count)| {
            let ended = if Catalog::has_ended(source) { " (ended by AWS)" } else { "" };
            let service = source.strip_suffix(".amazonaws.com").unwrap_or(source);
            format!("{service} {name} {count}{ended}")
        })
        .collect();
    if detail == Detail::Listed {
        line(out, name, &format!("{total}:"))?;
        return list(out, &texts);
    }
    let named = texts.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match texts.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", {} (-v)", plural(more, "more kind")),
    };
    line(out, name, &format!("{total}: {named}{more}"))
}

/// An outcome and how many resources have it.
fn in_words(outcome: &str, count: u64) -> String {
    let verb = |one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    match outcome {
        "WouldTag" => verb("gets tags", "get tags"),
        "WouldLookUp" => verb("is found when tags are written", "are found when tags are written"),
        "AlreadyTagged" => verb("keeps its owner", "keep their owner"),
        "Skipped" => verb("is skipped", "are skipped"),
        "Malformed" => verb("is not understood", "are not understood"),
        "Tagged" => verb("is tagged", "are tagged"),
        "Gone" => verb("is deleted", "are deleted"),
        "Deferred" => verb("is not done yet", "are not done yet"),
        "Refused" => verb("is refused", "are refused"),
        other => format!("{count} {other}"),
    }
}

/// The reason why nothing proves an owner that this rule named.
fn why_name_only(source: &str) -> &'static str {
    match source {
        "role-session" => "the STS record of the session is not in the input",
        "federated-user" => "the record of GetFederationToken is not in the input",
        "source-identity" => "no record says who set the source identity",
        "web-identity" => "the policy does not know the issuer",
        "identity-center" => "the policy does not list the identity store",
        "account" => "only the account of the caller is known",
        _ => "nothing proves the name",
    }
}

fn write_problems(
    out: &mut Screen<impl Write>,
    name: &str,
    total: &str,
    problems: &Problems,
    detail: Detail,
) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let groups = problems.groups();
    let max = if detail == Detail::Short { REASONS } else { LISTED };
    out.line(&head(styled::BAD, name), Style::new(), total)?;
    for group in groups.iter().take(max) {
        let ProblemGroup { count, reason, places, positions } = group;
        if detail == Detail::Short {
            continued(out, &format!("{count} × {reason}: {}", places.join(", ")))?;
            continue;
        }
        continued(out, &format!("{count} × {reason}"))?;
        for position in positions {
            continued(out, &format!("  {position}"))?;
        }
    }
    let left = groups.len().saturating_sub(max);
    if left > 0 || problems.ungrouped() > 0 {
        let verbose = if detail == Detail::Short { " (-v)" } else { "" };
        let ungrouped = if problems.ungrouped() > 0 {
            format!(", and {} not grouped", problems.ungrouped())
        } else {
            String::new()
        };
        continued(out, &format!("{}{ungrouped}{verbose}", plural(left, "more reason")))?;
    }
    Ok(())
}

fn line(out: &mut Screen<impl Write>, name: &str, text: &str) -> io::Result<()> {
    out.line(&head(styled::HEAD, name), Style::new(), &printable(text))
}

/// The name of a line, and the blank behind it.
fn head(style: Style, name: &str) -> String {
    format!("{} ", styled::text(style, &format!("{name:>0$}", INDENT - 1)))
}

fn continued(out: &mut Screen<impl Write>, text: &str) -> io::Result<()> {
    out.line(&" ".repeat(INDENT), Style::new(), &printable(text))
}

fn list(out: &mut Screen<impl Write>, texts: &[String]) -> io::Result<()> {
    for text in texts.iter().take(LISTED) {
        continued(out, text)?;
    }
    let more = texts.len().saturating_sub(LISTED);
    if more == 0 { Ok(()) } else { continued(out, &format!("and {more} more")) }
}
