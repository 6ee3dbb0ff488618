//! The binary of a Lambda function as a process.

use crate::lock;
use crate::runtime_api::{FUNCTION_ARN, RuntimeApi, Shared};
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Pause between two checks whether the process is still alive.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Maximum time to read the remaining output of a dead process.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(10);

/// A running function. Dropping it kills the process.
///
/// When the process ends, for any reason, every pending invocation ends with [`Answer::Lost`](crate::Answer::Lost).
#[derive(Debug)]
pub struct FunctionProcess {
    pid: u32,
    process: Arc<Process>,
    readers: Vec<JoinHandle<()>>,
    output: Arc<Mutex<Vec<u8>>>,
}

#[derive(Debug)]
struct Process {
    child: Mutex<Child>,
    ended: Mutex<Option<ExitStatus>>,
    runtime: Arc<Shared>,
}

impl FunctionProcess {
    /// Starts `program` with Lambda's environment and with `env`, which overrides it. The process inherits no variable of
    /// the test.
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
        let output = Arc::default();
        let readers = [
            child.stdout.take().map(|pipe| read_lines(pipe, &output)),
            child.stderr.take().map(|pipe| read_lines(pipe, &output)),
        ];
        let pid = child.id();
        let process = Process { child: Mutex::new(child), ended: Mutex::default(), runtime: shared };
        let process = Arc::new(process);
        let watched = Arc::clone(&process);
        thread::spawn(move || {
            while watched.ended().is_none() {
                thread::sleep(POLL_INTERVAL);
            }
        });
        Ok(Self { pid, process, readers: readers.into_iter().flatten().collect(), output })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The output so far: whole lines of stdout and stderr.
    pub fn logs(&self) -> String {
        String::from_utf8_lossy(&lock(&self.output)).into_owned()
    }

    /// The exit status, if the process has ended.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Kills the process (SIGKILL), and waits until it is dead and its output is read.
    pub fn kill(&self) {
        {
            // The process may already be dead.
            let _ = lock(&self.process.child).kill();
        }
        while self.ended().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        // A child process may keep the pipe open for longer, so the wait is bounded.
        let tries = OUTPUT_TIMEOUT.as_millis() / POLL_INTERVAL.as_millis();
        for _ in 0..tries {
            if self.readers.iter().all(JoinHandle::is_finished) {
                break;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// The exit status, if the process has ended. The first caller that sees the end reports it to the runtime API, exactly
    /// once: a later report would end the invocations of the next process.
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

/// The variables that Lambda sets.
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

/// Collects whole lines, so that stdout and stderr do not mix within a line.
fn read_lines(pipe: impl Read + Send + 'static, output: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let (mut pipe, mut line) = (BufReader::new(pipe), Vec::new());
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            lock(&output).append(&mut line);
        }
    })
}
