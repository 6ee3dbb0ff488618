//! `autotag sessions`: lists the STS sessions of a store, to find out why an owner was found or not.

use crate::cli::{SessionsArgs, SessionsCommand, TextFormat};
use crate::completion::Completion;
use crate::output::{LineTable, plural, printable, styled};
use crate::sessions::Sessions;
use crate::setup::usage_error;
use anstyle::Style;
use anyhow::Result;
use autotag_model::session::Session;
use serde::Serialize;
use session_store::SessionReader as _;
use std::collections::BTreeMap;
use std::io::Write;

/// A session in JSON. The field names are a contract. Access key ids are shortened.
#[derive(Serialize)]
struct Line<'s> {
    role_session: &'s str,
    issued: String,
    expires: Option<String>,
    kind: &'s str,
    access_key: Option<String>,
    role_arn: Option<&'s str>,
    tags: BTreeMap<&'s str, &'s str>,
    transitive_keys: &'s [String],
    source_identity: Option<&'s str>,
    subject: Option<&'s str>,
    provider: Option<&'s str>,
    caller: &'s str,
    caller_arn: Option<&'s str>,
    event_id: Option<&'s str>,
}

impl<'s> Line<'s> {
    fn new(session: &'s Session) -> Self {
        Self {
            role_session: &session.role_session,
            issued: session.issued.to_string(),
            expires: session.expires.map(|time| time.to_string()),
            kind: session.kind.as_str(),
            access_key: session.access_key.as_ref().map(ToString::to_string),
            role_arn: session.role_arn.as_deref(),
            tags: session.effective_tags().into_iter().collect(),
            transitive_keys: &session.transitive_keys,
            source_identity: session.source_identity.as_deref(),
            subject: session.subject.as_deref(),
            provider: session.provider.as_deref(),
            caller: session.caller.kind.as_str(),
            caller_arn: session.caller.arn.as_deref(),
            event_id: session.event_id.as_deref(),
        }
    }

    /// The caller who got the session, by the best evidence that the store has.
    fn caller(&self) -> &str {
        self.source_identity.or(self.subject).or(self.caller_arn).unwrap_or(self.caller)
    }
}

pub(crate) fn run(args: &SessionsArgs) -> Result<Completion> {
    if !args.store.names_a_store() {
        return Err(usage_error("`--state FILE` or `--table NAME` is required: the store of the sessions"));
    }
    let sessions = Sessions::open(&args.store)?;
    let format = TextFormat::or_default(args.format);
    let found = match &args.command {
        SessionsCommand::List { contains, max } => list(&sessions, contains.as_deref(), max.get(), format)?,
        SessionsCommand::Get { role_session } => get(&sessions, role_session, format)?,
    };
    Ok(if found { Completion::Complete } else { Completion::Partial })
}

/// Prints the sessions that contain a text. Returns whether there are any.
fn list(sessions: &Sessions, contains: Option<&str>, max: usize, format: TextFormat) -> Result<bool> {
    let mut found = sessions.sample(max)?;
    let read = found.len();
    found.retain(|session| contains.is_none_or(|text| mentions(session, text)));
    write_list(&found, format)?;
    if read == max {
        let count = plural(read, "session");
        writeln!(anstream::stderr(), "only {count} were read; pass a larger --max for more")?;
    }
    if found.is_empty() {
        writeln!(anstream::stderr(), "no session was found")?;
    }
    Ok(!found.is_empty())
}

/// Prints the sessions of an id. Returns whether there are any.
fn get(sessions: &Sessions, role_session: &str, format: TextFormat) -> Result<bool> {
    let found = sessions.wait(sessions.store.find(role_session))?;
    let mut out = anstream::stdout().lock();
    for session in &found {
        write_session(&mut out, session, format)?;
    }
    if found.is_empty() {
        let id = printable(role_session);
        writeln!(
            anstream::stderr(),
            "no session of `{id}` is known; an id has the form AROA...:session-name"
        )?;
    }
    Ok(!found.is_empty())
}

/// True if the id, role, caller, subject or source identity of a session contains a text.
fn mentions(session: &Session, text: &str) -> bool {
    let line = Line::new(session);
    let fields =
        [Some(line.role_session), line.role_arn, line.caller_arn, line.subject, line.source_identity];
    fields.into_iter().flatten().any(|field| field.contains(text))
}

fn write_list(sessions: &[Session], format: TextFormat) -> Result<()> {
    let mut out = anstream::stdout().lock();
    if format == TextFormat::Jsonl {
        for session in sessions {
            write_session(&mut out, session, format)?;
        }
        return Ok(());
    }
    let mut table =
        LineTable::new(&[("ROLE SESSION", 20)], &[("ISSUED", 20), ("BY", 14), ("KIND", 10), ("TAGS", 12)]);
    for session in sessions {
        let line = Line::new(session);
        let tags: Vec<String> = line.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let plain = |text: &str| (text.to_owned(), Style::new());
        table.add_row([
            (line.role_session.to_owned(), styled::NAME),
            plain(&line.issued),
            plain(line.caller()),
            (line.kind.to_owned(), styled::QUIET),
            plain(&tags.join(" ")),
        ]);
    }
    Ok(table.write(&mut out)?)
}

fn write_session(out: &mut impl Write, session: &Session, format: TextFormat) -> Result<()> {
    let line = Line::new(session);
    if format == TextFormat::Jsonl {
        serde_json::to_writer(&mut *out, &line)?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "{}", styled::text(styled::NAME, &printable(line.role_session)))?;
    let mut field = |name: &str, value: Option<&str>| match value {
        Some(value) => writeln!(out, "  {name:<16} {}", printable(value)),
        None => Ok(()),
    };
    let expires = line.expires.as_deref();
    for (name, value) in [
        ("issued", Some(line.issued.as_str())),
        ("expires", expires),
        ("by", Some(line.kind)),
        ("caller", Some(line.caller_arn.unwrap_or(line.caller))),
        ("subject", line.subject),
        ("provider", line.provider),
        ("source identity", line.source_identity),
        ("role", line.role_arn),
        ("access key", line.access_key.as_deref()),
        ("event", line.event_id),
    ] {
        field(name, value)?;
    }
    for (key, value) in &line.tags {
        let transitive = line.transitive_keys.iter().any(|known| known.eq_ignore_ascii_case(key));
        let note = if transitive { " (transitive)" } else { "" };
        field("tag", Some(&format!("{key} = {value}{note}")))?;
    }
    Ok(writeln!(out)?)
}
