//! A function's binary as a process, as Lambda runs it.

use crate::lock;
use crate::runtime_api::{FUNCTION_ARN, RuntimeApi, Shared};
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often it is looked whether the process still lives.
const GLANCE: Duration = Duration::from_millis(20);

/// How long its last words may take, once it is dead.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running function; it is killed when this is dropped.
///
/// When it ends, of itself or not, every invocation that waits is [`Answer::Lost`](crate::Answer::Lost).
#[derive(Debug)]
pub struct FunctionProcess {
    pid: u32,
    process: Arc<Process>,
    readers: Vec<JoinHandle<()>>,
    said: Arc<Mutex<Vec<u8>>>,
}

#[derive(Debug)]
struct Process {
    child: Mutex<Child>,
    ended: Mutex<Option<ExitStatus>>,
    runtime: Arc<Shared>,
}

impl FunctionProcess {
    /// Starts the binary with the environment that Lambda gives, and nothing of the test's own. `env` adds to it and goes
    /// first.
    ///
    /// # Errors
    /// `program` cannot be started.
    pub fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        program: &Path,
        env: &[(K, V)],
        runtime: &RuntimeApi,
    ) -> io::Result<Self> {
        let shared = runtime.shared();
        shared.process_starts();
        let mut child = Command::new(program)
            .env_clear()
            .envs(environment())
            .env("AWS_LAMBDA_RUNTIME_API", runtime.address())
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = Arc::default();
        let readers = [
            child.stdout.take().map(|pipe| read_lines(pipe, &said)),
            child.stderr.take().map(|pipe| read_lines(pipe, &said)),
        ];
        let pid = child.id();
        let process = Process { child: Mutex::new(child), ended: Mutex::default(), runtime: shared };
        let process = Arc::new(process);
        let watched = Arc::clone(&process);
        thread::spawn(move || {
            while watched.ended().is_none() {
                thread::sleep(GLANCE);
            }
        });
        Ok(Self { pid, process, readers: readers.into_iter().flatten().collect(), said })
    }

    /// The operating system's id of it.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has written so far, both outputs together, by whole lines.
    pub fn logs(&self) -> String {
        String::from_utf8_lossy(&lock(&self.said)).into_owned()
    }

    /// How it ended, if it did.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Kills it, as nothing can prevent (SIGKILL), and waits until it is dead and its logs are read.
    pub fn kill(&self) {
        {
            // Already dead is as good.
            let _ = lock(&self.process.child).kill();
        }
        while self.ended().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        // A child of it may hold the pipe open for longer.
        let tries = LAST_WORDS.as_millis() / GLANCE.as_millis();
        for _ in 0..tries {
            if self.readers.iter().all(JoinHandle::is_finished) {
                break;
            }
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Whoever sees the end first tells it the runtime API, once: by the next process's time it is over.
    fn ended(&self) -> Option<ExitStatus> {
        let mut ended = lock(&self.ended);
        if ended.is_none() {
            *ended = lock(&self.child).try_wait().ok().flatten();
            if ended.is_some() {
                self.runtime.process_ended();
            }
        }
        *ended
    }
}

/// What Lambda sets, where it is of use here.
fn environment() -> [(&'static str, &'static str); 14] {
    [
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_ARN.rsplit_once(':').map_or("", |(_, name)| name)),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/tag-handler"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/02/[$LATEST]00000000000000000000000000000000"),
        ("AWS_REGION", "eu-west-1"),
        ("LANG", "en_US.UTF-8"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ]
}

/// Whole lines, so that the two outputs do not cut each other in pieces.
fn read_lines(pipe: impl Read + Send + 'static, said: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let said = Arc::clone(said);
    thread::spawn(move || {
        let (mut pipe, mut line) = (BufReader::new(pipe), Vec::new());
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            lock(&said).append(&mut line);
        }
    })
}
