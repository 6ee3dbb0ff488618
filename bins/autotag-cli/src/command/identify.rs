//! `autotag identify`: shows the owner behind each call, with the evidence. It answers for every record, not only
//! for creations.

use crate::calls::{Call, Found, Wanted};
use crate::cli::{IdentifyArgs, TextFormat};
use crate::completion::Completion;
use crate::input::{self, Days};
use crate::output::{OwnerLine, Screen, owner_lines, printable, styled, tell_unread};
use crate::sessions::Sessions;
use crate::setup;
use crate::spill::Storage;
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::owner;
use serde::Serialize;
use session_store::OverlayStore;
use std::io::{BufWriter, Write};

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
    let (inputs, unlisted) = input::find(&args.paths, &Days::default())?;
    let wanted = Wanted { event: args.event.as_deref(), storage: Storage::new(None, args.memory) };
    let Found { mut calls, sessions: found, mut unreadable } = wanted.read(&inputs)?;
    let found = found.into_store();
    let known = OverlayStore::of(&*found, &sessions.store);
    let backend = MemoryBackend::offline();
    let mut out = Screen::stdout(BufWriter::new(anstream::stdout().lock()));
    let mut number = 0_u64;
    for call in calls.drain()? {
        let call = call?.unpacked()?;
        number += 1;
        match sessions.wait(owner::resolve(&call.principal, &policy.trust, &known, &backend)) {
            Ok(owner) => {
                let owner = owner.with_user_agent(&call.principal, call.user_agent.as_deref());
                show(&mut out, &call, &owner, format)?;
            }
            // The next call may be of another session.
            Err(error) => {
                let id = call.id.as_deref().unwrap_or("without id");
                let why = format!("{:#}", anyhow::Error::from(error));
                unreadable.add((u64::MAX, number), format!("event {id}"), String::new(), why);
            }
        }
    }
    out.flush()?;
    tell_unread(&unlisted, &unreadable)?;
    if number == 0 {
        let which = args.event.as_ref().map_or(String::new(), |id| format!(" with eventID {id}"));
        writeln!(anstream::stderr(), "no record{which} was found")?;
    }
    let is_read = unlisted.is_empty() && unreadable.is_empty();
    Ok(if is_read && number > 0 { Completion::Complete } else { Completion::Partial })
}

fn show(out: &mut Screen<impl Write>, call: &Call, owner: &owner::Owner, format: TextFormat) -> Result<()> {
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
    out.line("", styled::NAME, &title)?;
    for line in owner_lines(&call.principal, Some(owner)) {
        out.line("  ", Style::new(), &printable(&line))?;
    }
    let tags = owner.session.as_ref().map(|session| session.effective_tags()).unwrap_or_default();
    for (key, value) in tags {
        out.line("  session tag ", Style::new(), &printable(&format!("{key} = {value}")))?;
    }
    Ok(writeln!(out)?)
}
