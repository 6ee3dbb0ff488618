//! `autotag identify`: shows the owner behind each call, with the evidence. It answers for every record, not only
//! for creations.

use crate::cli::{IdentifyArgs, TextFormat};
use crate::completion::Completion;
use crate::input::{self, Days, Input, Unreadable};
use crate::output::{OwnerLine, owner_lines, printable, styled, write_unreadable};
use crate::sessions::Sessions;
use crate::setup;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::owner;
use autotag_handlers::records::{self, RecordSink};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::session::Session;
use serde::Serialize;
use session_store::OverlayStore;
use std::io::Write;

/// A call, and who made it as far as its record says.
struct Call {
    id: Option<String>,
    time: Option<String>,
    source: String,
    name: String,
    principal: Principal,
    user_agent: Option<String>,
}

#[derive(Serialize)]
struct Line<'c> {
    event_id: Option<&'c str>,
    event_time: Option<&'c str>,
    event_source: &'c str,
    event_name: &'c str,
    #[serde(flatten)]
    owner: OwnerLine<'c>,
}

pub(crate) fn run(args: &IdentifyArgs) -> Result<Completion> {
    let policy = setup::policy(args.policy.as_deref())?;
    let sessions = Sessions::open(&args.store)?;
    let format = TextFormat::or_default(args.format);
    let (inputs, mut unreadable) = input::find(&args.paths, &Days::default())?;
    // Sessions and calls are read; which calls create resources does not matter.
    let classifier = Classifier::new(Catalog::empty(), Policy::default());
    let mut read = Inputs { wanted: args.event.as_deref(), calls: Vec::new(), sessions: Vec::new() };
    for input in &inputs {
        read.read(input, &classifier, &mut unreadable);
    }
    let Inputs { mut calls, sessions: found, .. } = read;
    calls.sort_by_cached_key(|call| (call.timestamp(), call.time.clone()));
    let known = OverlayStore::with_sessions(&sessions.store, &found);
    let backend = MemoryBackend::offline();
    let mut out = anstream::stdout().lock();
    for call in &calls {
        match sessions.wait(owner::resolve(&call.principal, &policy.trust, &known, &backend)) {
            Ok(owner) => {
                let owner = owner.with_user_agent(&call.principal, call.user_agent.as_deref());
                show(&mut out, call, &owner, format)?;
            }
            // The next call may be of another session.
            Err(error) => {
                let id = call.id.as_deref().unwrap_or("without id");
                unreadable.push(format!("event {id}: {:#}", anyhow::Error::from(error)));
            }
        }
    }
    write_unreadable(&mut anstream::stderr().lock(), &unreadable)?;
    if calls.is_empty() {
        let which = args.event.as_ref().map_or(String::new(), |id| format!(" with eventID {id}"));
        writeln!(anstream::stderr(), "no record{which} was found")?;
    }
    Ok(if unreadable.is_empty() && !calls.is_empty() { Completion::Complete } else { Completion::Partial })
}

impl Call {
    fn timestamp(&self) -> Option<jiff::Timestamp> {
        self.time.as_deref()?.parse().ok()
    }
}

/// The calls and sessions of all inputs.
struct Inputs<'a> {
    wanted: Option<&'a str>,
    calls: Vec<Call>,
    sessions: Vec<Session>,
}

impl Inputs<'_> {
    fn read(&mut self, input: &Input, classifier: &Classifier, unreadable: &mut Vec<Unreadable>) {
        let mut sink = CallSink { inputs: self, name: input.name(), unreadable };
        match input.open() {
            Ok(bytes) => records::read(bytes, classifier, input.account().as_ref(), &mut sink),
            Err(error) => sink.unreadable(&error.to_string()),
        }
    }
}

/// Takes the calls and sessions of one input.
struct CallSink<'s, 'a> {
    inputs: &'s mut Inputs<'a>,
    name: String,
    unreadable: &'s mut Vec<Unreadable>,
}

impl CallSink<'_, '_> {
    fn unreadable(&mut self, why: &str) {
        self.unreadable.push(format!("{}: {why}", self.name));
    }

    fn call(&mut self, located: &LocatedRecord<'_>) {
        let record = &located.record;
        let id = record.event_id.as_deref();
        if self.inputs.wanted.is_some_and(|wanted| id != Some(wanted)) {
            return;
        }
        match Principal::of(record) {
            Ok(principal) => self.inputs.calls.push(Call {
                id: id.map(str::to_owned),
                time: record.event_time.as_deref().map(str::to_owned),
                source: record.event_source.to_string(),
                name: record.event_name.to_string(),
                principal,
                user_agent: record.user_agent.as_deref().map(str::to_owned),
            }),
            Err(error) => self.unreadable(&format!("{}: {error}", located.position)),
        }
    }
}

impl RecordSink for CallSink<'_, '_> {
    fn record(&mut self, record: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        if let Classification::Session(session) = classification {
            self.inputs.sessions.push(*session);
        } else if let Classification::Rejected(rows) = &classification {
            // An event that CloudTrail did not send, or an STS record that cannot be read.
            let not_believed = rows.iter().find_map(|row| match &row.status {
                Outcome::Skipped(
                    why @ (SkipReason::NotFromCloudTrail(_) | SkipReason::AccountsDisagree(_)),
                ) => Some(why.to_string()),
                Outcome::Malformed(why) => Some(why.clone()),
                _ => None,
            });
            if let Some(why) = not_believed {
                return self.unreadable(&format!("{}: {why}", record.position));
            }
        }
        self.call(record);
    }

    fn wants_all(&self) -> bool {
        true
    }

    fn others(&mut self, _: u64) {}

    fn malformed(&mut self, fault: &Malformed) {
        self.unreadable(&fault.to_string());
    }
}

fn show(out: &mut impl Write, call: &Call, owner: &owner::Owner, format: TextFormat) -> Result<()> {
    if format == TextFormat::Jsonl {
        let line = Line {
            event_id: call.id.as_deref(),
            event_time: call.time.as_deref(),
            event_source: &call.source,
            event_name: &call.name,
            owner: OwnerLine::of(&call.principal, owner),
        };
        serde_json::to_writer(&mut *out, &line)?;
        return Ok(writeln!(out)?);
    }
    let time = call.time.as_deref().unwrap_or("(no time)");
    let title = printable(&format!("{time} {} {}", call.source, call.name));
    writeln!(out, "{}", styled::text(styled::NAME, &title))?;
    for line in owner_lines(&call.principal, Some(owner)) {
        writeln!(out, "  {}", printable(&line))?;
    }
    let tags = owner.session.as_ref().map(|session| session.effective_tags()).unwrap_or_default();
    for (key, value) in tags {
        writeln!(out, "  session tag {}", printable(&format!("{key} = {value}")))?;
    }
    Ok(writeln!(out)?)
}
