//! Questions to botocore's models, by the script beside this file.

use super::subject::Subject;
use autotag_testkit::Emulator;
use serde::Deserialize;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

/// Botocore's facts about an operation.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Facts {
    /// Why nothing is known.
    pub(crate) error: Option<String>,
    /// The names of the client, of its endpoint and of its signatures.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    /// The sentence that calls the operation idempotent.
    pub(crate) repeats: Option<String>,
    /// Paths of the rule that are not members.
    #[serde(default)]
    pub(crate) unknown: Vec<String>,
    /// The paths of all ARNs of the answer.
    #[serde(default)]
    pub(crate) arns: Vec<String>,
}

/// The running script.
pub(crate) struct Botocore {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Botocore {
    pub(crate) fn start() -> Self {
        let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/gates.py");
        let mut child = Command::new(python)
            .args(["-u", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    /// The facts about the event of each rule, in order.
    pub(crate) fn ask<'s>(&mut self, subjects: impl IntoIterator<Item = &'s Subject>) -> Vec<Facts> {
        let questions: Vec<String> = subjects
            .into_iter()
            .map(|subject| {
                json!({"source": subject.source, "event": subject.rule.event, "paths": subject.paths()})
                    .to_string()
            })
            .collect();
        let count = questions.len();
        let mut stdin = self.stdin.take().unwrap();
        let asking = thread::spawn(move || {
            for question in questions {
                writeln!(stdin, "{question}").unwrap();
            }
            stdin
        });
        let answers = (0..count).map(|_| {
            let mut line = String::new();
            self.stdout.read_line(&mut line).unwrap();
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"))
        });
        let answers = answers.collect();
        self.stdin = Some(asking.join().unwrap());
        answers
    }
}

impl Drop for Botocore {
    fn drop(&mut self) {
        // Without questions the script ends by itself.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
