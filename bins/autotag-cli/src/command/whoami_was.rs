//! `autotag whoami-was`: who stood behind calls. What `explain` says of the owner, of any record and not of creations
//! alone.

use crate::cli::{IdentifyArgs, TextFormat};
use crate::completion::Completion;
use crate::input::{self, Days, Input, Unreadable};
use crate::output::{OwnerLine, owner_lines, printable, styled};
use crate::sessions::Sessions;
use anyhow::Result;
use autotag_handlers::classify::verify_event_source;
use autotag_handlers::memory::MemoryPorts;
use autotag_handlers::owner;
use autotag_model::envelope::{Limits, LocatedRecord, read_records};
use autotag_model::identity::Principal;
use autotag_model::session::{Session, SessionReading};
use jiff::Timestamp;
use serde::Serialize;
use session_store::{AnySessionStore, OverlayStore, SessionWriter as _};
use std::io::Write;

/// A call, and who made it as far as its record says.
struct Call {
    id: Option<String>,
    time: Option<String>,
    source: String,
    name: String,
    principal: Principal,
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
    let sessions = Sessions::open(&args.store)?;
    let format = TextFormat::or_default(args.format);
    let (inputs, mut unreadable) = input::find(&args.paths, &Days::default())?;
    let mut read = Read { wanted: args.event.as_deref(), calls: Vec::new(), sessions: Vec::new() };
    for input in &inputs {
        read.take_in(input, &mut unreadable);
    }
    read.calls.sort_by(|one, other| one.time.cmp(&other.time));
    let world: MemoryPorts<OverlayStore<&AnySessionStore>> =
        MemoryPorts::offline(OverlayStore::over(&sessions.store), Timestamp::UNIX_EPOCH);
    for session in &read.sessions {
        sessions.wait(world.sessions().put(session))?;
    }
    let mut out = anstream::stdout().lock();
    for call in &read.calls {
        match sessions.wait(owner::resolve(&call.principal, &world)) {
            Ok(owner) => show(&mut out, call, &owner, format)?,
            // The next one may be of another session.
            Err(error) => {
                let id = call.id.as_deref().unwrap_or("without id");
                unreadable.push(format!("event {id}: {:#}", anyhow::Error::from(error)));
            }
        }
    }
    for text in &unreadable {
        writeln!(anstream::stderr(), "unreadable: {}", printable(text))?;
    }
    if read.calls.is_empty() {
        let which = args.event.as_ref().map_or(String::new(), |id| format!(" with eventID {id}"));
        writeln!(anstream::stderr(), "no record{which} was found")?;
    }
    Ok(if unreadable.is_empty() && !read.calls.is_empty() {
        Completion::Complete
    } else {
        Completion::Partial
    })
}

struct Read<'a> {
    wanted: Option<&'a str>,
    calls: Vec<Call>,
    sessions: Vec<Session>,
}

impl Read<'_> {
    fn take_in(&mut self, input: &Input, unreadable: &mut Vec<Unreadable>) {
        let bytes = match input.open() {
            Ok(bytes) => bytes,
            Err(error) => return unreadable.push(format!("{}: {error}", input.name())),
        };
        read_records(bytes, &Limits::default(), &mut |item| {
            let taken = item.map_err(|fault| fault.to_string()).and_then(|delivered| self.take(&delivered));
            if let Err(why) = taken {
                unreadable.push(format!("{}: {why}", input.name()));
            }
        });
    }

    fn take(&mut self, delivered: &LocatedRecord<'_>) -> Result<(), String> {
        let record = &delivered.record;
        if let Some(why) =
            delivered.event_bridge.as_ref().and_then(|delivery| verify_event_source(delivery, record))
        {
            return Err(format!("{}: {why}", delivered.position));
        }
        let odd = |odd: autotag_model::record::RecordError| format!("{}: {odd}", delivered.position);
        if let SessionReading::Session(session) = Session::read(record).map_err(odd)? {
            self.sessions.push(*session);
        }
        let id = record.event_id.as_deref();
        if self.wanted.is_none_or(|wanted| id == Some(wanted)) {
            self.calls.push(Call {
                id: id.map(str::to_owned),
                time: record.event_time.as_deref().map(str::to_owned),
                source: record.event_source.to_string(),
                name: record.event_name.to_string(),
                principal: Principal::of(record).map_err(odd)?,
            });
        }
        Ok(())
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
