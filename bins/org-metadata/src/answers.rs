//! The answers of a run, kept in a file as they come, so that a run that was killed can be continued with only the calls
//! that are missing.
//!
//! The first line says which run it is; each further line is a question and its answer. No credential is an answer.
//! A line that was cut by a kill is dropped. Failures are not kept: they are what is asked again.

use crate::aws::Failure;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name of the file in the folder of the report.
pub(crate) const FILE: &str = "aws-org-metadata.unfinished.jsonl";

/// Which run a file belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) started: Timestamp,
    /// What the answers depend on, by name. A run is continued only with the same.
    pub(crate) settings: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Line<A> {
    question: String,
    answer: A,
}

/// Answers that are known, and where new ones are kept.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    known: Mutex<HashMap<String, Box<RawValue>>>,
    file: Option<Mutex<File>>,
    /// Why an answer could not be kept.
    lost: Mutex<Option<String>>,
}

impl Answers {
    /// Known to this run only.
    pub(crate) fn unkept() -> Self {
        Self::default()
    }

    /// A new run, kept in `path`; an older run's answers there are dropped.
    pub(crate) fn begin(path: &Path, run: &Run) -> Result<Self> {
        let mut file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        writeln!(file, "{}", serde_json::to_string(run)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: Some(Mutex::new(file)), ..Self::default() })
    }

    /// The run whose answers are kept in `path`, if there is one, continued with these settings.
    pub(crate) fn resume(
        path: &Path,
        settings: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Option<(Run, Self)>> {
        let cannot = || format!("cannot read {}", path.display());
        let mut lines = match File::open(path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(cannot),
        };
        let (mut known, mut whole) = (HashMap::new(), 0_u64);
        let (mut run, mut line): (Option<Run>, Vec<u8>) = (None, Vec::new());
        // Bytes, not text: a kill may have cut a character.
        while lines.read_until(b'\n', &mut line).with_context(cannot)? > 0 && line.ends_with(b"\n") {
            whole += line.len() as u64;
            if run.is_none() {
                run = serde_json::from_slice(&line).ok();
            } else if let Ok(Line { question, answer }) = serde_json::from_slice::<Line<Box<RawValue>>>(&line)
            {
                known.insert(question, answer);
            }
            line.clear();
        }
        // A kill before the first line was whole: nothing was asked yet.
        let Some(run) = run else { return Ok(None) };
        let names = settings.keys().chain(run.settings.keys());
        let other: Vec<&str> =
            names.filter(|name| settings.get(*name) != run.settings.get(*name)).map(String::as_str).collect();
        if let Some(name) = other.first() {
            bail!(
                "the run in {} was begun with another `{name}`: say the same again, or begin anew without --resume",
                path.display()
            );
        }
        let file = OpenOptions::new().append(true).open(path).with_context(cannot)?;
        file.set_len(whole).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Some((run, Self { known: Mutex::new(known), file: Some(Mutex::new(file)), ..Self::default() })))
    }

    /// The answer that is known, else that of `asked`, which is kept.
    pub(crate) async fn ask<A: Serialize + DeserializeOwned>(
        &self,
        question: &str,
        asked: impl Future<Output = Result<A, Failure>>,
    ) -> Result<A, Failure> {
        if let Some(answer) = self.known(question) {
            return Ok(answer);
        }
        let answer = asked.await?;
        self.keep(question, &answer);
        Ok(answer)
    }

    /// What is known from the run that is continued.
    pub(crate) fn known<A: DeserializeOwned>(&self, question: &str) -> Option<A> {
        let raw = lock(&self.known).remove(question)?;
        serde_json::from_str(raw.get()).ok()
    }

    /// Keeps an answer. That it cannot be kept does not end the run: see [`Answers::lost`].
    pub(crate) fn keep<A: Serialize>(&self, question: &str, answer: &A) {
        let Some(file) = &self.file else { return };
        let line = Line { question: question.to_owned(), answer };
        let written = serde_json::to_string(&line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push('\n');
            // In one write: a kill cuts at most the last line.
            lock(file).write_all(line.as_bytes())
        });
        if let Err(error) = written {
            lock(&self.lost).get_or_insert_with(|| error.to_string());
        }
    }

    /// Why some answers could not be kept, if that happened: continuing the run would ask for them again.
    pub(crate) fn lost(&self) -> Option<String> {
        lock(&self.lost).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
