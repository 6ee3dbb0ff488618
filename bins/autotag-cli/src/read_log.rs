//! The log of inputs that `apply` has finished. The next run after a kill does not read them again.
//!
//! An input is done when it was read to its end without a fault, its sessions are in the state file, and all its creations have
//! been executed with an outcome that a later run would not change. Creations are executed oldest first, so it is enough to know
//! the times of an input's first and last creation, how far the execution has come, and the times of what is not done.
//!
//! The log belongs to the log of finished writes, and is in the same file.

use crate::input::Input;
use crate::scan::is_undone;
use crate::write_log::WriteLog;
use anyhow::Result;
use autotag_handlers::row::ResourceOutcome;
use jiff::Timestamp;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Inputs by name, as JSON.
const READ: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("read");

/// The settings and the progress of the run.
const RUN: TableDefinition<'_, &str, &str> = TableDefinition::new("run");
const OF: &str = "of";
const UNTIL: &str = "until";

/// The times of creations that are not done, in nanoseconds.
const UNDONE: TableDefinition<'_, i128, ()> = TableDefinition::new("undone");

/// Inputs that are done, and those of this run.
#[derive(Debug)]
pub(crate) struct ReadLog(Arc<WriteLog>);

/// Facts about an input that was read to its end without a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadInput {
    /// The version of the input: a changed file has another one.
    version: String,
    /// The times of the first and the last creation. `None` if it has none.
    creations: Option<(Timestamp, Timestamp)>,
    /// All its creations are executed.
    done: bool,
}

impl ReadInput {
    /// `None` if nothing tells one version of the input from another.
    pub(crate) fn new(input: &Input, creations: Option<(Timestamp, Timestamp)>) -> Option<(String, Self)> {
        let version = input.version()?;
        Some((input.name(), Self { version, creations, done: false }))
    }
}

impl ReadLog {
    /// The log of a run. `run` says everything that the result depends on beside the inputs, the state file among it; what another
    /// run has read does not count.
    pub(crate) fn open(log: Arc<WriteLog>, run: &str) -> Result<Self> {
        let begun = log.database().begin_write()?;
        let before = {
            let table = begun.open_table(RUN)?;
            let before = (value(&table, OF)?, value(&table, UNTIL)?);
            (before.0.is_some_and(|of| of == run), before.1.and_then(|until| until.parse().ok()))
        };
        let (same, until): (bool, Option<Timestamp>) = before;
        if same {
            let undone = undone(&begun.open_table(UNDONE)?)?;
            settle(&mut begun.open_table(READ)?, until, &undone)?;
        } else {
            begun.delete_table(READ)?;
        }
        begun.delete_table(UNDONE)?;
        begun.delete_table(RUN)?;
        begun.open_table(UNDONE)?;
        begun.open_table(READ)?;
        if same {
            begun.open_table(RUN)?.insert(OF, run)?;
        }
        begun.commit()?;
        Ok(Self(log))
    }

    /// Takes out the inputs that are done, and returns their number.
    pub(crate) fn leave_out_done(&self, inputs: &mut Vec<Input>) -> Result<usize> {
        let table = self.database().begin_read()?.open_table(READ)?;
        let before = inputs.len();
        let mut failed = None;
        inputs.retain(|input| match entry(&table, &input.name()) {
            Ok(entry) => entry.is_none_or(|entry| input.version().as_ref() != Some(&entry.version)),
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        failed.map_or(Ok(before - inputs.len()), Err)
    }

    /// Notes inputs that were read. Their sessions must be in the state file, which `run` names.
    pub(crate) fn note_read(&self, inputs: &[(String, ReadInput)], run: &str) -> Result<()> {
        let begun = self.database().begin_write()?;
        {
            begun.open_table(RUN)?.insert(OF, run)?;
            let mut table = begun.open_table(READ)?;
            for (name, read) in inputs {
                table.insert(name.as_str(), serde_json::to_vec(read)?.as_slice())?;
            }
        }
        Ok(begun.commit()?)
    }

    /// Notes that all creations up to the last one of these rows are executed. All rows of its time are among them.
    pub(crate) fn note_executed(&self, rows: &[ResourceOutcome]) -> Result<()> {
        let time = |row: &ResourceOutcome| row.event.timestamp();
        let Some(until) = rows.iter().filter_map(time).max() else { return Ok(()) };
        let begun = self.database().begin_write()?;
        {
            let mut table = begun.open_table(UNDONE)?;
            for time in rows.iter().filter(|row| is_undone(&row.status)).filter_map(time) {
                table.insert(time.as_nanosecond(), ())?;
            }
            begun.open_table(RUN)?.insert(UNTIL, until.to_string().as_str())?;
        }
        Ok(begun.commit()?)
    }

    fn database(&self) -> &Database {
        self.0.database()
    }
}

/// Keeps the inputs that are done, and forgets those that are not.
fn settle(table: &mut redb::Table<'_, &str, &[u8]>, until: Option<Timestamp>, undone: &[i128]) -> Result<()> {
    let is_executed = |(first, last): (Timestamp, Timestamp)| {
        let next = undone.partition_point(|time| *time < first.as_nanosecond());
        until.is_some_and(|until| last <= until)
            && undone.get(next).is_none_or(|time| *time > last.as_nanosecond())
    };
    let (mut done, mut not_done) = (Vec::new(), Vec::new());
    for row in table.iter()? {
        let (name, read) = row?;
        let read: ReadInput = serde_json::from_slice(read.value())?;
        if read.done {
            continue;
        }
        let of = if read.creations.is_none_or(is_executed) { &mut done } else { &mut not_done };
        of.push((name.value().to_owned(), ReadInput { done: true, ..read }));
    }
    for (name, read) in done {
        table.insert(name.as_str(), serde_json::to_vec(&read)?.as_slice())?;
    }
    for (name, _) in not_done {
        table.remove(name.as_str())?;
    }
    Ok(())
}

fn undone(table: &impl redb::ReadableTable<i128, ()>) -> Result<Vec<i128>> {
    table.iter()?.map(|row| Ok(row?.0.value())).collect()
}

fn value(table: &impl redb::ReadableTable<&'static str, &'static str>, key: &str) -> Result<Option<String>> {
    Ok(table.get(key)?.map(|held| held.value().to_owned()))
}

fn entry(
    table: &impl redb::ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<ReadInput>> {
    let Some(held) = table.get(name)? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(held.value())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::event::EventSummary;
    use autotag_handlers::outcome::Outcome;
    use autotag_handlers::row::Row;
    use std::path::Path;

    fn time(text: &str) -> Timestamp {
        format!("2026-03-02T{text}:00Z").parse().unwrap()
    }

    fn row(at: &str, outcome: Outcome) -> ResourceOutcome {
        let mut event = EventSummary::default();
        event.time = Some(time(at).to_string());
        Row::of_event(Arc::new(event), outcome)
    }

    /// Inputs by their names, with the times of their creations.
    fn read(inputs: &[(&str, Option<(&str, &str)>)]) -> Vec<(String, ReadInput)> {
        let one = |(name, creations): &(&str, Option<(&str, &str)>)| {
            let creations = creations.map(|(first, last)| (time(first), time(last)));
            ((*name).to_owned(), ReadInput { version: "1".to_owned(), creations, done: false })
        };
        inputs.iter().map(one).collect()
    }

    fn left(log: &ReadLog, names: &[&str]) -> Vec<String> {
        let table = log.database().begin_read().unwrap().open_table(READ).unwrap();
        let is_done = |name: &&&str| entry(&table, name).unwrap().is_some();
        names.iter().filter(|name| !is_done(name)).map(|name| (*name).to_owned()).collect()
    }

    fn open(folder: &Path, run: &str) -> ReadLog {
        ReadLog::open(Arc::new(WriteLog::open_for(&folder.join("state")).unwrap()), run).unwrap()
    }

    const ALL: [&str; 5] = ["quiet", "early", "across", "late", "refused"];

    fn first_run(folder: &Path) {
        let log = open(folder, "run");
        let inputs = read(&[
            ("quiet", None),
            ("early", Some(("09:00", "10:00"))),
            ("across", Some(("09:30", "11:00"))),
            ("late", Some(("11:00", "12:00"))),
            ("refused", Some(("10:00", "10:20"))),
        ]);
        log.note_read(&inputs, "run").unwrap();
        log.note_executed(&[row("09:00", Outcome::Tagged), row("10:00", Outcome::Gone)]).unwrap();
        log.note_executed(&[row("10:10", Outcome::Refused("no".to_owned())), row("10:30", Outcome::Tagged)])
            .unwrap();
    }

    #[test]
    fn what_is_executed_to_the_end_is_left_out_and_the_rest_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        first_run(folder.path());
        assert_eq!(left(&open(folder.path(), "run"), &ALL), ["across", "late", "refused"]);
        // A run that is killed at once changes nothing.
        assert_eq!(left(&open(folder.path(), "run"), &ALL), ["across", "late", "refused"]);
    }

    /// The progress of the first run says nothing about inputs that came later, though their creations are older.
    #[test]
    fn an_old_input_that_came_late_is_not_taken_for_executed() {
        let folder = tempfile::tempdir().unwrap();
        first_run(folder.path());
        let log = open(folder.path(), "run");
        log.note_read(&read(&[("new", Some(("09:10", "09:20")))]), "run").unwrap();
        drop(log);
        let log = open(folder.path(), "run");
        assert_eq!(left(&log, &["new", "early"]), ["new"]);
        log.note_read(&read(&[("new", Some(("09:10", "09:20")))]), "run").unwrap();
        log.note_executed(&[row("09:20", Outcome::Tagged)]).unwrap();
        drop(log);
        assert_eq!(left(&open(folder.path(), "run"), &["new", "early"]), Vec::<String>::new());
    }

    /// Before that, the sessions may not be on disk.
    #[test]
    fn nothing_is_done_before_the_inputs_of_a_run_are_noted() {
        let folder = tempfile::tempdir().unwrap();
        first_run(folder.path());
        drop(open(folder.path(), "another run"));
        assert_eq!(left(&open(folder.path(), "run"), &ALL), ALL);
    }

    #[test]
    fn another_run_reads_everything() {
        let folder = tempfile::tempdir().unwrap();
        first_run(folder.path());
        assert_eq!(left(&open(folder.path(), "another policy"), &ALL), ALL);
    }
}
