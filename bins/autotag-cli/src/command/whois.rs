//! `autotag whois`: finds the owner of a resource, from a trail or from the event history of CloudTrail.

use crate::cli::{AnswerFormat, WhoisArgs};
use crate::completion::Completion;
use crate::output::{AnswerPrinter, Problems, plural, tell_unread};
use crate::setup::{self, usage_error};
use crate::trail_records::TrailRun;
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use autotag_handlers::whois::{Answer, Asked, OwnershipSource, answer};
use futures_util::stream::{self, StreamExt as _};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};

/// The most resources of one run.
const MOST: usize = 10_000;

pub(crate) fn run(args: &WhoisArgs) -> Result<Completion> {
    let asked = asked(args)?;
    let classifier = Classifier::new(setup::catalog(&args.rules)?, setup::policy(args.policy.as_deref())?);
    let mut printer =
        AnswerPrinter::new(AnswerFormat::or_default(args.format), Box::new(anstream::stdout().lock()));
    let mut is_complete = true;
    let mut show = |answer: &Answer| {
        is_complete &= answer.is_known() && !answer.failed;
        printer.answer(answer)
    };
    let (unlisted, unreadable) = if from_ledger(args, &asked, &mut show)? {
        (Vec::new(), Problems::default())
    } else if args.trail.is_empty() {
        from_history(args, &classifier, &asked, &mut show)?;
        (Vec::new(), Problems::default())
    } else {
        let TrailRun { source, unlisted, unreadable } = TrailRun::read(args, &classifier, &asked)?;
        futures_executor::block_on(each(&asked, &source, &mut show))?;
        (unlisted, unreadable)
    };
    printer.finish()?;
    tell_unread(&unlisted, &unreadable)?;
    let is_read = unlisted.is_empty() && unreadable.is_empty();
    Ok(if is_complete && is_read { Completion::Complete } else { Completion::Partial })
}

/// How many resources are asked for at the same time. Each account and region has a limit of its own.
const CONCURRENCY: usize = 16;

/// Shows the answers in the order of the questions, each as soon as it is known.
async fn each(
    asked: &[Asked],
    source: &dyn OwnershipSource,
    show: &mut impl FnMut(&Answer) -> Result<()>,
) -> Result<()> {
    let mut answers = stream::iter(asked.iter().map(|asked| answer(asked, source))).buffered(CONCURRENCY);
    while let Some(answer) = answers.next().await {
        show(&answer)?;
    }
    Ok(())
}

/// Asks the ledger that the arguments name. Answers whether they name one.
#[cfg(feature = "aws")]
fn from_ledger(
    args: &WhoisArgs,
    asked: &[Asked],
    show: &mut impl FnMut(&Answer) -> Result<()>,
) -> Result<bool> {
    let Some(name) = &args.ledger else { return Ok(false) };
    if args.regions.len() > 1 {
        return Err(usage_error("--ledger has one region: name at most one with --regions"));
    }
    let table = super::ledger::Table::open(name, args.regions.first())?;
    table.wait(each(asked, &autotag_ledger::LedgerSource::new(&table.ledger), show))?;
    Ok(true)
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unnecessary_wraps, reason = "the same as with the feature `aws`")]
fn from_ledger(_: &WhoisArgs, _: &[Asked], _: &mut impl FnMut(&Answer) -> Result<()>) -> Result<bool> {
    Ok(false)
}

#[cfg(feature = "history")]
fn from_history(
    args: &WhoisArgs,
    classifier: &Classifier,
    asked: &[Asked],
    show: &mut impl FnMut(&Answer) -> Result<()>,
) -> Result<()> {
    use crate::connection::connect;
    use anyhow::Context as _;
    use autotag_aws::{AccountScope, CloudTrailHistory, MemberRole, Settings};
    use autotag_handlers::whois::{HistorySource, Regions};
    let WhoisArgs { accounts: allowed, member_role, external_id, regions, .. } = args;
    let role = member_role.as_ref().map(|name| MemberRole {
        name: name.clone(),
        external_id: external_id.clone(),
        session_policy: None,
    });
    if *allowed != AccountScope::OwnOnly && role.is_none() {
        return Err(usage_error(
            "--accounts names other accounts: say with --member-role which role to assume there",
        ));
    }
    let settings = Settings { allowed: allowed.clone(), role, ..Settings::default() };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the threads that call AWS")?;
    runtime.block_on(async {
        let accounts = connect(settings).await?;
        let named = regions.split_first().map(|(first, more)| (first.clone(), more.to_vec()));
        let (home, more) = match named {
            Some(named) => named,
            None => (accounts.home_region().context("no region: name one with --regions")?, Vec::new()),
        };
        let history = CloudTrailHistory::new(accounts.into());
        let source = HistorySource::new(classifier, &history, Regions { home, more });
        // Without EC2's crate, what volumes came with is not asked.
        #[cfg(feature = "aws")]
        let source = source.with_origins(&history);
        each(asked, &source, show).await
    })
}

#[cfg(not(feature = "history"))]
fn from_history(
    _: &WhoisArgs,
    _: &Classifier,
    _: &[Asked],
    _: &mut impl FnMut(&Answer) -> Result<()>,
) -> Result<()> {
    Err(usage_error(
        "this build does not ask AWS: name a trail with --trail, or build with the feature `history`",
    ))
}

/// The resources that the arguments ask for, each once.
fn asked(args: &WhoisArgs) -> Result<Vec<Asked>> {
    let mut list = List::default();
    let (standard, named): (Vec<&String>, Vec<&String>) =
        args.resources.iter().partition(|text| *text == "-");
    named.into_iter().try_for_each(|text| list.add(text, String::new))?;
    if !standard.is_empty() {
        if args.trail.iter().any(|path| path == "-") {
            return Err(usage_error(
                "`-` stands for standard input twice: as the list of resources, and in --trail",
            ));
        }
        list.read("standard input", io::stdin().lock())?;
    }
    if let Some(path) = &args.file {
        let name = format!("--file `{}`", path.display());
        let file = File::open(path).map_err(|error| usage_error(format!("{name}: {error}")))?;
        list.read(&name, BufReader::new(file))?;
    }
    if list.asked.is_empty() {
        return Err(usage_error("the list of resources is empty: name at least one ARN, id or name"));
    }
    Ok(list.asked)
}

/// The most bytes of a line. Comments may be longer than names.
const LONGEST: u64 = 1 << 16;

/// The resources of a list so far.
#[derive(Default)]
struct List {
    seen: HashSet<String>,
    asked: Vec<Asked>,
}

impl List {
    /// Adds a resource, if it is new. `place` says where it is, for errors.
    fn add(&mut self, text: &str, place: impl FnOnce() -> String) -> Result<()> {
        if !self.seen.insert(text.trim().to_owned()) {
            return Ok(());
        }
        if self.asked.len() == MOST {
            return Err(usage_error(format!("at most {}: split the list", plural(MOST as u64, "resource"))));
        }
        let asked = Asked::parse(text).map_err(|error| usage_error(format!("{}{error}", place())))?;
        self.asked.push(asked);
        Ok(())
    }

    /// Adds the resources of a list, one a line. `name` names the list in errors.
    fn read(&mut self, name: &str, mut lines: impl BufRead) -> Result<()> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let wrong = |why: &str| usage_error(format!("{name}, line {number}: {why}"));
            let length = (&mut lines).take(LONGEST).read_until(b'\n', &mut line);
            let length = length.map_err(|error| wrong(&error.to_string()))?;
            if length as u64 == LONGEST {
                return Err(wrong("it is too long: write one resource a line"));
            }
            if length == 0 {
                break;
            }
            let text = str::from_utf8(&line).map_err(|_| wrong("it is not UTF-8: save the list as UTF-8"))?;
            // Some editors begin a file with a byte order mark.
            let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text }.trim();
            if !text.is_empty() && !text.starts_with('#') {
                self.add(text, || format!("{name}, line {number}: "))?;
            }
        }
        Ok(())
    }
}
