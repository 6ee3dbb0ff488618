//! `autotag sessions`: the STS sessions in a store, for whoever wants to know why somebody was named, or nobody.

use crate::cli::{SessionsArgs, SessionsCommand, TextFormat};
use crate::completion::Completion;
use crate::output::{plural, printable, styled, table};
use crate::sessions::Sessions;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_model::session::Session;
use serde::Serialize;
use session_store::SessionReader as _;
use std::collections::BTreeMap;
use std::io::Write;

/// A session, as programs see it. The names are a contract. No whole access key id is in it.
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
    fn of(session: &'s Session) -> Self {
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

    /// Whoever asked for it, as far as the store knows.
    fn by(&self) -> &str {
        self.source_identity.or(self.subject).or(self.caller_arn).unwrap_or(self.caller)
    }
}

pub(crate) fn run(args: &SessionsArgs) -> Result<Completion> {
    if args.store.state.is_none() && args.store.table.is_none() {
        return Err(usage_error("say where the sessions are: `--state FILE` or `--table NAME`"));
    }
    let sessions = Sessions::open(&args.store)?;
    let format = TextFormat::or_fitting(args.format);
    match &args.command {
        SessionsCommand::List { having, max } => {
            let mut found = sessions.some(max.get())?;
            let all = found.len();
            found.retain(|session| having.as_ref().is_none_or(|text| mentions(session, text)));
            list(&found, format)?;
            if all == max.get() {
                writeln!(
                    anstream::stderr(),
                    "only {} were read; say --max for more",
                    plural(all, "session")
                )?;
            }
            if found.is_empty() {
                writeln!(anstream::stderr(), "no such session is known")?;
            }
            Ok(if found.is_empty() { Completion::Partial } else { Completion::Complete })
        }
        SessionsCommand::Get { role_session } => {
            let found = sessions.wait(sessions.store.find(role_session))?;
            let mut out = anstream::stdout().lock();
            for session in &found {
                show(&mut out, session, format)?;
            }
            if found.is_empty() {
                let id = printable(role_session);
                writeln!(anstream::stderr(), "no session of `{id}` is known; an id is AROA...:session-name")?;
            }
            Ok(if found.is_empty() { Completion::Partial } else { Completion::Complete })
        }
    }
}

fn mentions(session: &Session, text: &str) -> bool {
    let line = Line::of(session);
    let places =
        [Some(line.role_session), line.role_arn, line.caller_arn, line.subject, line.source_identity];
    places.into_iter().flatten().any(|place| place.contains(text))
}

fn list(sessions: &[Session], format: TextFormat) -> Result<()> {
    let mut out = anstream::stdout().lock();
    if format == TextFormat::Jsonl {
        for session in sessions {
            show(&mut out, session, format)?;
        }
        return Ok(());
    }
    let mut table = table(&["role session", "issued", "by", "tags"]);
    for session in sessions {
        let line = Line::of(session);
        let kind = styled::text(styled::QUIET, line.kind);
        let tags: Vec<String> =
            line.tags.iter().map(|(key, value)| printable(&format!("{key}={value}"))).collect();
        let by = format!("{}\n{kind}", printable(line.by()));
        table.add_row([printable(line.role_session), line.issued.clone(), by, tags.join("\n")]);
    }
    Ok(writeln!(out, "{table}")?)
}

fn show(out: &mut impl Write, session: &Session, format: TextFormat) -> Result<()> {
    let line = Line::of(session);
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
