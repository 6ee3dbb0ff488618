//! The answers of a run, written to a file as they arrive. A run that was killed can be continued with only the calls that are
//! missing.
//!
//! The first line describes the run; each further line is a question and its answer. Credentials are not answers. A line that a
//! kill has truncated is dropped. Failures are not written, so a continued run asks again.

use crate::aws::Failure;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name of the file in the folder of the report.
pub(crate) const FILE: &str = "aws-org-metadata.unfinished.jsonl";

/// The run that a file belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) started: Timestamp,
    /// The settings that the answers depend on, by name. A run can only be continued with the same.
    pub(crate) settings: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Line<A> {
    question: String,
    answer: A,
}

/// The whole lines of a file.
struct Content {
    run: Option<Run>,
    answers: HashMap<String, Box<RawValue>>,
    /// The length of the whole lines, in bytes.
    length: u64,
}

/// The answers of the continued run, and the file for new ones.
#[derive(Debug, Default)]
pub(crate) struct ResumeCache {
    answers: Mutex<HashMap<String, Box<RawValue>>>,
    file: Option<Mutex<File>>,
    write_error: Mutex<Option<String>>,
}

impl ResumeCache {
    /// A cache without a file: the run cannot be continued.
    pub(crate) fn in_memory() -> Self {
        Self::default()
    }

    /// The cache of a new run in the file `path`. The answers of an older run there are dropped.
    pub(crate) fn create(path: &Path, run: &Run) -> Result<Self> {
        let mut file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        writeln!(file, "{}", serde_json::to_string(run)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: Some(Mutex::new(file)), ..Self::default() })
    }

    /// The run and the cache in the file `path`; `None` if there is no run to continue.
    ///
    /// # Errors
    /// The file cannot be used, or the run has other settings.
    pub(crate) fn resume(path: &Path, settings: &Map<String, Value>) -> Result<Option<(Run, Self)>> {
        let cannot_read = || format!("cannot read {}", path.display());
        let lines = match File::open(path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(cannot_read),
        };
        let content = read(lines).with_context(cannot_read)?;
        // Killed before the first line was complete: there are no answers.
        let Some(run) = content.run else { return Ok(None) };
        let names = settings.keys().chain(run.settings.keys());
        let mut changed = names.filter(|name| settings.get(*name) != run.settings.get(*name));
        if let Some(name) = changed.next() {
            bail!(
                "the run in {} was started with another `{name}`: use the same again, or start anew without --resume",
                path.display()
            );
        }
        let file = OpenOptions::new().append(true).open(path).with_context(cannot_read)?;
        file.set_len(content.length).with_context(|| format!("cannot write {}", path.display()))?;
        let (answers, file) = (Mutex::new(content.answers), Some(Mutex::new(file)));
        Ok(Some((run, Self { answers, file, ..Self::default() })))
    }

    /// The cached answer, otherwise the result of `fetch`, which is cached if it is not a failure.
    pub(crate) async fn get_or_fetch<A: Serialize + DeserializeOwned>(
        &self,
        question: &str,
        fetch: impl Future<Output = Result<A, Failure>>,
    ) -> Result<A, Failure> {
        if let Some(answer) = self.get(question) {
            return Ok(answer);
        }
        let answer = fetch.await?;
        self.insert(question, &answer);
        Ok(answer)
    }

    /// The answer of the continued run. It is taken out: each question is asked once per run.
    pub(crate) fn get<A: DeserializeOwned>(&self, question: &str) -> Option<A> {
        let raw = lock(&self.answers).remove(question)?;
        serde_json::from_str(raw.get()).ok()
    }

    /// Writes an answer to the file. A failure does not end the run: see [`ResumeCache::write_error`].
    pub(crate) fn insert<A: Serialize>(&self, question: &str, answer: &A) {
        let Some(file) = &self.file else { return };
        let line = Line { question: question.to_owned(), answer };
        let written = serde_json::to_string(&line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push('\n');
            // In one write, so that a kill truncates at most the last line.
            lock(file).write_all(line.as_bytes())
        });
        if let Err(error) = written {
            lock(&self.write_error).get_or_insert_with(|| error.to_string());
        }
    }

    /// The first error of writing, if there was one. A continued run would ask again for what was not written.
    pub(crate) fn write_error(&self) -> Option<String> {
        lock(&self.write_error).clone()
    }
}

/// Reads the whole lines of a file.
fn read(mut lines: BufReader<File>) -> std::io::Result<Content> {
    let mut content = Content { run: None, answers: HashMap::new(), length: 0 };
    let mut line = Vec::new();
    // Bytes, not text: a kill may have truncated a character.
    while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        content.length += line.len() as u64;
        if content.run.is_none() {
            content.run = serde_json::from_slice(&line).ok();
        } else if let Ok(Line { question, answer }) = serde_json::from_slice::<Line<Box<RawValue>>>(&line) {
            content.answers.insert(question, answer);
        }
        line.clear();
    }
    Ok(content)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
