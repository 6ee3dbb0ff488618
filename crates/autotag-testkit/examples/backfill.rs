//! Lets the real binary of a function read a trail, as a Step Functions distributed map does, and prints what that takes:
//! `cargo run --release -p autotag-testkit --example backfill -- --help`.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that prints figures")]

use autotag_testkit::{Answer, FunctionProcess, Proxy, Reply, RuntimeApi};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const HELP: &str = "\
Lets a function read the log files in a folder: the real binary, a runtime API and a stub of AWS, on this machine. The calls
have the payload of a distributed map over a bucket. They come one after the other, as to one instance of the function.

  --program FILE      the binary of tag-handler or session-handler
  --trail FOLDER      with the folder AWSLogs in it; the example `trail` makes one
  --files-per-call N  [100]
  --delay MS          how long the stub waits before each answer [0]
  --processor N       the only processor that the function may use, by `taskset` [all]
  --price DOLLARS     a GB-second of Lambda [0.0000133334]";

/// The bucket of the trail.
const BUCKET: &str = "trail";

/// Lambda gives a function of so many MB one processor, and less to smaller ones in proportion.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MEGABYTES_A_PROCESSOR: f64 = 1_769.0;

/// The memory of the functions in `deploy/`.
const MEGABYTES: f64 = 256.0;

/// How many instances the second figure is for.
const INSTANCES: f64 = 1_000.0;

/// Lambda's own limit of an invocation.
const DEADLINE: Duration = Duration::from_mins(15);

/// Linux counts processor time in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Arguments {
    program: PathBuf,
    trail: PathBuf,
    files_per_call: usize,
    delay: Duration,
    processor: Option<usize>,
    price: f64,
}

/// A log file, by its key in the bucket.
struct Log {
    path: PathBuf,
    bytes: u64,
}

type Logs = BTreeMap<String, Log>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(arguments) = arguments()? else {
        println!("{HELP}");
        return Ok(());
    };
    let mut logs = Logs::new();
    find(&arguments.trail, &arguments.trail.join("AWSLogs"), &mut logs)?;
    let logs = Arc::new(logs);
    let keys: Vec<&String> = logs.keys().collect();
    let batches: Vec<Value> = keys.chunks(arguments.files_per_call.max(1)).map(payload).collect();
    let (first, others) = batches.split_first().ok_or("--trail: no .json.gz file below AWSLogs")?;
    if others.is_empty() {
        return Err("--files-per-call: all files are in one call, which only warms the function up".into());
    }

    let stub = stub(arguments.delay, &logs)?;
    let runtime = RuntimeApi::start().await?;
    let folder = tempfile::tempdir()?;
    let process = start(&arguments, &accounts(&logs), &folder.path().join("function"), &stub, &runtime)?;
    Outcomes::default().add(runtime.invoke(first, DEADLINE).await, &process)?;
    stub.forget_calls();
    let mut outcomes = Outcomes::default();
    let (begun, used) = (Instant::now(), processor_seconds(process.pid())?);
    for batch in others {
        outcomes.add(runtime.invoke(batch, DEADLINE).await, &process)?;
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let used = processor_seconds(process.pid())? - used;

    let read: Vec<&Log> = logs.values().skip(arguments.files_per_call.max(1)).collect();
    let bytes: u64 = read.iter().map(|log| log.bytes).sum();
    println!("{} files of {bytes} bytes in {} calls, after a first call", read.len(), others.len());
    let mut calls = BTreeMap::new();
    for ((service, _), count) in stub.counts() {
        *calls.entry(service).or_default() += count;
    }
    println!(
        "records {}; resources {}; calls to AWS {}",
        outcomes.records,
        text(&outcomes.rows),
        text(&calls)
    );
    let peak = peak_megabytes(process.pid())?;
    println!("processor {used:.2} s, elapsed {elapsed:.2} s, peak memory {peak:.1} MB");
    figures(used, bytes as f64 / 1e9, arguments.price);
    Ok(())
}

/// Prints what follows from the processor time for so many GB.
fn figures(used: f64, gigabytes: f64, price: f64) {
    let a_gigabyte = used / gigabytes;
    let a_processor = 60.0 / a_gigabyte;
    let small = a_processor * MEGABYTES / MEGABYTES_A_PROCESSOR;
    println!(
        "one processor ({MEGABYTES_A_PROCESSOR} MB): {a_gigabyte:.1} s a GB, {a_processor:.2} GB a minute"
    );
    println!(
        "computed for {MEGABYTES} MB: {small:.3} GB a minute; {INSTANCES} at once: {:.0} GB a minute",
        small * INSTANCES
    );
    let dollars = a_gigabyte * 1_000.0 * MEGABYTES_A_PROCESSOR / 1_024.0 * price;
    println!("computed for Lambda's GB-seconds: ${dollars:.2} a TB");
}

fn arguments() -> Result<Option<Arguments>> {
    let mut found = Arguments {
        program: PathBuf::new(),
        trail: PathBuf::new(),
        files_per_call: 100,
        delay: Duration::ZERO,
        processor: None,
        price: 0.000_013_333_4,
    };
    let mut all = std::env::args().skip(1);
    while let Some(argument) = all.next() {
        if argument == "--help" {
            return Ok(None);
        }
        let value = all.next().ok_or_else(|| format!("{argument} needs a value; --help says which"))?;
        match argument.as_str() {
            "--program" => {
                found.program =
                    fs::canonicalize(&value).map_err(|error| format!("{argument} {value}: {error}"))?;
            }
            "--trail" => found.trail = PathBuf::from(value),
            "--files-per-call" => found.files_per_call = value.parse()?,
            "--delay" => found.delay = Duration::from_millis(value.parse()?),
            "--processor" => found.processor = Some(value.parse()?),
            "--price" => found.price = value.parse()?,
            _ => return Err(format!("{argument} is not an option; --help names all").into()),
        }
    }
    for (name, value) in [("--program", &found.program), ("--trail", &found.trail)] {
        if value.as_os_str().is_empty() {
            return Err(format!("{name} is missing; --help says what it is").into());
        }
    }
    Ok(Some(found))
}

/// Finds the log files below a folder.
fn find(root: &Path, folder: &Path, logs: &mut Logs) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| format!("--trail: {}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find(root, &path, logs)?;
        } else if path.extension().is_some_and(|end| end == "gz") {
            let key = path.strip_prefix(root)?.to_string_lossy().into_owned();
            let bytes = fs::metadata(&path)?.len();
            logs.insert(key, Log { path, bytes });
        }
    }
    Ok(())
}

/// The accounts in the keys: `AWSLogs/ACCOUNT/...`.
fn accounts(logs: &Logs) -> String {
    let accounts: BTreeSet<&str> = logs.keys().filter_map(|key| key.split('/').nth(1)).collect();
    accounts.into_iter().collect::<Vec<_>>().join(",")
}

/// A batch of the map over files in `deploy/backfill.yaml`.
fn payload(keys: &[&String]) -> Value {
    let items: Vec<Value> = keys.iter().map(|key| json!({ "Key": key })).collect();
    json!({"BatchInput": {"bucket": BUCKET, "backfill": true}, "Items": items})
}

/// An AWS that has the log files, and remembers the tags of buckets and objects, which are read again after a write. It finds
/// nothing else, and every write succeeds.
fn stub(delay: Duration, logs: &Arc<Logs>) -> io::Result<Proxy> {
    let stub = Proxy::stub(delay)?;
    let (logs, tags) = (Arc::clone(logs), Mutex::new(BTreeMap::new()));
    stub.route("/", move |call| {
        if let Some(log) = call.path.strip_prefix("/trail/").and_then(|key| logs.get(key)) {
            return Some(match fs::read(&log.path) {
                Ok(bytes) => Reply::new(200, "application/x-gzip", bytes),
                Err(error) => Reply::new(500, "text/plain", error.to_string()),
            });
        }
        let mut tags = tags.lock().unwrap_or_else(PoisonError::into_inner);
        match call.operation.as_str() {
            "PutBucketTagging" | "PutObjectTagging" => {
                tags.insert(call.path.clone(), call.body.clone());
                None
            }
            "GetBucketTagging" | "GetObjectTagging" => Some(Reply::xml(200, tags.get(&call.path)?.clone())),
            _ => None,
        }
    });
    Ok(stub)
}

/// Starts the function, by a shell if it may use one processor only: a function is started without arguments. The shell is
/// replaced by the function.
fn start(
    arguments: &Arguments,
    accounts: &str,
    wrapper: &Path,
    stub: &Proxy,
    runtime: &RuntimeApi,
) -> io::Result<FunctionProcess> {
    let own = [
        ("AUTOTAG_ACCOUNTS", accounts),
        ("AUTOTAG_MEMBER_ROLE", "autotag-member"),
        ("AUTOTAG_SESSION_TABLE", "autotag-sessions"),
        ("AUTOTAG_LOG", "error"),
    ];
    // The other function writes sessions, and enters no account.
    let is_tag_handler = arguments.program.file_name().is_some_and(|name| name != "session-handler");
    let own =
        own.iter().skip(if is_tag_handler { 0 } else { 2 }).map(|(name, value)| (*name, (*value).to_owned()));
    let mut environment: Vec<(&str, String)> = stub.environment().into_iter().chain(own).collect();
    let Some(processor) = arguments.processor else {
        return FunctionProcess::start(&arguments.program, &environment, runtime);
    };
    fs::write(wrapper, "#!/bin/sh\nexec taskset --cpu-list \"$PROCESSOR\" \"$PROGRAM\"\n")?;
    fs::set_permissions(wrapper, fs::Permissions::from_mode(0o755))?;
    environment.push(("PROCESSOR", processor.to_string()));
    environment.push(("PROGRAM", arguments.program.display().to_string()));
    FunctionProcess::start(wrapper, &environment, runtime)
}

/// The sums of the answers of a function.
#[derive(Default)]
struct Outcomes {
    records: u64,
    rows: BTreeMap<String, u64>,
}

impl Outcomes {
    fn add(&mut self, answer: Answer, process: &FunctionProcess) -> Result<()> {
        let Answer::Response(answer) = answer else {
            return Err(format!("the function failed: {answer:?}\n{}", process.logs()).into());
        };
        let Some(records) = answer.get("records").and_then(Value::as_u64) else {
            return Err(format!("the answer has no `records`: {answer}").into());
        };
        self.records += records;
        for (outcome, count) in answer.get("outcomes").and_then(Value::as_object).into_iter().flatten() {
            *self.rows.entry(outcome.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
        Ok(())
    }
}

fn text(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// User and system time of a process, as Linux tells it.
fn processor_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("/proc/PID/stat has another form")?;
    let ticks: Vec<u64> =
        fields.split(' ').skip(11).take(2).map(str::parse).collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<u64>() as f64 / TICKS_A_SECOND)
}

/// The most memory that a process has had at once, as Linux tells it.
fn peak_megabytes(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(peak.ok_or("/proc/PID/status has no VmHWM")?.parse::<f64>()? / 1_024.0)
}
