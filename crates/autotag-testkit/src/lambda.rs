//! A Lambda function in a test: the real binary, its runtime API, and its answers to a queue.

use crate::lock;
use crate::{Answer, FunctionProcess, Payload, Proxy, Reply, RuntimeApi};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// The deadline of an invocation.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Variables of every function in tests: short pauses between attempts.
const DEFAULTS: [(&str, &str); 1] = [("AUTOTAG_FIRST_BACKOFF_MS", "10")];

/// A running function and its runtime API.
#[derive(Debug)]
pub struct Function {
    /// The process of the function.
    pub process: FunctionProcess,
    /// The runtime API that invokes it.
    pub runtime: RuntimeApi,
}

impl Function {
    /// Starts `program` with a runtime API of its own. `endpoint` is the environment of a proxy or an emulator; `variables`
    /// are added.
    ///
    /// # Errors
    /// No port can be bound, or `program` cannot be started.
    pub async fn start(
        program: &Path,
        endpoint: &[(&'static str, String)],
        variables: &[(&'static str, &str)],
    ) -> io::Result<Self> {
        let runtime = RuntimeApi::start().await?;
        let process = start(program, &runtime, endpoint, variables)?;
        Ok(Self { process, runtime })
    }

    /// Invokes the function, and waits for the end of the invocation.
    pub async fn invoke(&self, payload: impl Into<Payload>) -> Answer {
        self.runtime.invoke(payload, DEADLINE).await
    }

    /// Invokes the function with a batch of messages. Returns the ids of the messages that go back to the queue.
    ///
    /// # Panics
    /// The function does not answer with `batchItemFailures`. The message contains the answer and the logs.
    #[expect(clippy::panic, reason = "an assertion of the calling test")]
    pub async fn returned(&self, batch: impl Into<Payload>) -> Vec<String> {
        let answer = self.invoke(batch).await;
        let failures = match &answer {
            Answer::Response(answer) => answer.get("batchItemFailures").and_then(Value::as_array),
            _ => None,
        };
        let Some(failures) = failures else { panic!("{answer:?}\n{}", self.process.logs()) };
        let id = |failure: &Value| failure.get("itemIdentifier")?.as_str().map(str::to_owned);
        failures.iter().filter_map(id).collect()
    }

    /// Kills the function and returns its whole output. Output of a running process may not be read yet.
    pub fn stop_and_read_logs(&self) -> String {
        self.process.kill();
        self.process.logs()
    }
}

/// Starts `program` as a process of `runtime`, with the variables of [`Function::start`].
///
/// # Errors
/// `program` cannot be started.
pub fn start(
    program: &Path,
    runtime: &RuntimeApi,
    endpoint: &[(&'static str, String)],
    variables: &[(&'static str, &str)],
) -> io::Result<FunctionProcess> {
    let variables = DEFAULTS.iter().chain(variables).map(|(name, value)| (*name, (*value).to_owned()));
    let environment: Vec<(&str, String)> = endpoint.iter().cloned().chain(variables).collect();
    FunctionProcess::start(program, &environment, runtime)
        .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", program.display())))
}

/// Adds IAM to a proxy: every user and every role exists. Users have no tags; roles have `role_tags`.
pub fn route_iam_tags(proxy: &Proxy, role_tags: &[(&str, &str)]) {
    let member =
        |(key, value): &(&str, &str)| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
    let role_tags: String = role_tags.iter().map(member).collect();
    proxy.route("/", move |call| {
        let tags = match (call.service.as_str(), call.operation.as_str()) {
            ("iam", "ListUserTags") => "",
            ("iam", "ListRoleTags") => role_tags.as_str(),
            _ => return None,
        };
        let operation = &call.operation;
        let body = format!(
            "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>\
             <Tags>{tags}</Tags><IsTruncated>false</IsTruncated></{operation}Result></{operation}Response>"
        );
        Some(Reply::xml(200, body))
    });
}

/// The binary of the workspace's program `package`, in the folder of the test's own binary `beside`
/// (`env!("CARGO_BIN_EXE_...")`).
///
/// Cargo builds a test's own binaries only. This builds the other one if it does not exist or is older than its sources. A
/// test of the whole workspace has already built it.
///
/// # Errors
/// The build fails.
pub fn binary(package: &str, beside: &str) -> io::Result<PathBuf> {
    // One build for all threads of a test. Cargo itself serializes builds of several processes.
    static BUILD: Mutex<()> = Mutex::new(());
    let path = Path::new(beside).with_file_name(package);
    let _one = lock(&BUILD);
    let built = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
    if built.is_none_or(|built| newest_source(package).is_some_and(|source| source > built)) {
        build(package, &path)?;
    }
    Ok(path)
}

/// The time of the last change to the sources of a program and of the libraries that it depends on.
fn newest_source(package: &str) -> Option<SystemTime> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("bins").join(package)];
    let mut next = 0;
    while let Some(folder) = folders.get(next) {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        for name in dependencies(&manifest) {
            let library = root.join("crates").join(name);
            if library.is_dir() && !folders.contains(&library) {
                folders.push(library);
            }
        }
        next += 1;
    }
    let sources =
        folders.iter().flat_map(|folder| ["src", "catalog", "build.rs"].map(|part| folder.join(part)));
    sources.filter_map(|path| newest(&path)).max()
}

/// The names in the `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split(['.', ' ', '=']).next())
}

/// The time of the last change to a file, or to the sources in a folder. `None` if there are none. Modules of unit
/// tests do not count: Cargo does not rebuild a program for them.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return metadata.modified().ok();
    }
    let is_source = |path: &PathBuf| {
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        !is_test && (path.is_dir() || path.extension().is_some_and(|end| end == "rs" || end == "toml"))
    };
    let paths = fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(is_source).filter_map(|path| newest(&path)).max()
}

/// Builds a package with the profile of the test, into the target folder of the test.
fn build(package: &str, binary: &Path) -> io::Result<()> {
    let folder = binary.parent().unwrap_or(Path::new("."));
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        // `cargo test` builds with the profile `test`, whose folder is that of `dev`.
        Some("debug") | None => "test",
        Some(profile) => profile,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--package", package, "--profile", profile, "--target-dir"])
        .arg(folder.parent().unwrap_or(folder))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("cannot build `{package}` with profile `{profile}`: {stderr}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_exclude_those_of_tests() {
        let manifest = "[package]\nname = \"a\"\n\n[dependencies]\nb.workspace = true\nc = { workspace = true }\n\n\
                        [dev-dependencies]\nd.workspace = true\n";
        assert_eq!(dependencies(manifest).filter(|name| !name.is_empty()).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn sources_of_a_program_are_found() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bins/tag-handler/src/main.rs");
        assert!(newest_source("tag-handler") >= newest(&source));
        assert_eq!(newest_source("no-such-program"), None);
    }
}
