//! The real binary beside a plain Python handler with boto3 (`reference.py`), both under the same runtime API and
//! with the same emulated AWS. It measures the start time, the memory, the events per second, and the calls. Run
//! with `cargo bench -p tag-handler`; without `--bench` it runs once with few events, as a test.
//!
//! Printed: both figures, their ratio, and what is aimed at. Memory is read as Linux tells it. `--program FILE`
//! measures another build, for example that of a package.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a benchmark is not a library: it stops where it cannot go on, and prints"
)]

mod events;

use autotag_testkit::{Answer, Emulator, FunctionProcess, Payload, Proxy, RuntimeApi};
use events::{Event, Events, PRINCIPALS, aws, batch, delivered};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long AWS takes for a call, where throughput is measured.
const AWS_TAKES: Duration = Duration::from_millis(5);

/// How long AWS takes for a call, where waits are counted: so long that nothing else matters.
const SLOW: Duration = Duration::from_millis(100);

/// How long an invocation may take: Lambda's own limit.
const DEADLINE: Duration = Duration::from_mins(15);

/// How many events of one principal and region a write must at least be for, if they come in batches of that many.
const EVENTS_A_WRITE: usize = 10;

/// How much is measured.
struct Scale {
    starts: usize,
    rounds: usize,
    events: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = |name: &str| std::env::args().any(|arg| arg == name);
    let scale = if asked("--bench") && !asked("--test") {
        Scale { starts: 15, rounds: 3, events: 1_000 }
    } else {
        println!("a test run: it says whether all is done, and nothing about speed");
        Scale { starts: 1, rounds: 1, events: 20 }
    };
    let [ours, reference] = [ours(), reference()];
    let processors = std::thread::available_parallelism().unwrap();
    println!("tag-handler and a plain Python handler (boto3), one process each, on {processors} processors");
    println!("{:44} {:>10} {:>10} {:>20}   aim", "", "ours", "reference", "ours is");

    let start = [ours.start(&scale).await, reference.start(&scale).await];
    let [fast, slow] = start.map(|took| took.as_secs_f64() * 1_000.0);
    line("start to first event done, ms", fast, slow, (slow / fast, "times faster"), "at least 15");

    let tens = [ours.throughput(&scale, 10).await, reference.throughput(&scale, 10).await];
    let [small, large] = tens.map(|done| done.megabytes);
    let name = format!("peak memory after {} events, MB", scale.events);
    line(&name, small, large, (small / large, "of it"), "at most 0.25");
    let [many, few] = tens.map(|done| done.events_a_second);
    line("events a second, batches of 10", many, few, (many / few, "times as many"), "at least 20");
    // Tags are looked up before they are written, so that no tag of others is overwritten: two calls in a row.
    let [batch, calls] = [10_000.0 / many, 2_000.0 * AWS_TAKES.as_secs_f64()];
    line("  a batch of 10, ms; reference: only waits", batch, calls, (batch / calls, "of it"), "");
    for size in [scale.events / 10, scale.events] {
        let done = ours.throughput(&scale, size).await;
        let [many, most] = [done.events_a_second, done.megabytes];
        let name = format!("  batches of {size} (ours; reference: of 10)");
        line(&name, many, few, (many / few, "times as many"), "");
        line("    peak memory, MB", most, large, (most / large, "of it"), "");
    }

    let [short, long] = [ours.waits().await, reference.waits().await];
    line("waits in a row, a batch of 10", short, long, (short / long, "of it"), "2: look up, write");

    for size in [10, scale.events] {
        let events = scale.events;
        println!("calls for {events} events of one principal and region, batches of {size}:");
        let [one, other] = [ours.calls(events, size).await, reference.calls(events, size).await];
        let writes = usize::try_from(one.get(WRITE).copied().unwrap_or_default()).unwrap();
        assert!(writes * EVENTS_A_WRITE <= events, "{writes} writes for {events} events");
        for name in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
            let [one, other] =
                [&one, &other].map(|calls| calls.get(name).copied().unwrap_or_default() as f64);
            let aim = if name == WRITE { "at most 1 for 10 events" } else { "" };
            line(&format!("  {name}"), one, other, (one / other, "of it"), aim);
        }
    }
}

fn line(name: &str, ours: f64, reference: f64, (ratio, how): (f64, &str), aim: &str) {
    let decimals = usize::from(ours.fract() != 0.0 || reference.fract() != 0.0);
    let ratio = if ratio.is_finite() { format!("{ratio:.2} {how}") } else { "-".to_owned() };
    let line = format!("{name:44} {ours:>10.decimals$} {reference:>10.decimals$} {ratio:>20}   {aim}");
    println!("{}", line.trim_end());
}

/// The call that writes tags.
const WRITE: &str = "ec2 CreateTags";

/// Calls by service and operation.
type Calls = BTreeMap<String, u64>;

/// A handler that is measured.
struct Handler {
    program: PathBuf,
    /// More of its environment than leads it to AWS.
    environment: Vec<(&'static str, String)>,
    /// True if it also tags the snapshots of images.
    finds_snapshots: bool,
}

fn ours() -> Handler {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--program").skip(1);
    let program = arguments.next().map_or_else(|| env!("CARGO_BIN_EXE_tag-handler").into(), PathBuf::from);
    Handler { program, environment: Vec::new(), finds_snapshots: true }
}

fn reference() -> Handler {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let python = Emulator::python(folder).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference.py");
    // A function's program is started without arguments. The shell is replaced by Python, and its memory with it.
    let program = Path::new(folder).join("reference-handler");
    fs::write(&program, "#!/bin/sh\nexec \"$REFERENCE_PYTHON\" \"$REFERENCE_SCRIPT\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = |path: &Path| path.display().to_string();
    let environment = vec![("REFERENCE_PYTHON", path(&python)), ("REFERENCE_SCRIPT", path(&script))];
    Handler { program, environment, finds_snapshots: false }
}

/// The work of one process.
#[derive(Debug, Clone, Copy)]
struct Done {
    events_a_second: f64,
    /// The most memory it had by the end of the first round.
    megabytes: f64,
}

impl Handler {
    fn process(&self, runtime: &RuntimeApi, stub: &Proxy) -> FunctionProcess {
        let environment: Vec<(&str, String)> =
            stub.environment().into_iter().chain(self.environment.clone()).collect();
        FunctionProcess::start(&self.program, &environment, runtime).unwrap()
    }

    /// From the start of a process to the answer to its first event.
    async fn start(&self, scale: &Scale) -> Duration {
        let (stub, mut events) = (aws(Duration::ZERO).unwrap(), Events::default());
        let mut times = Vec::new();
        // The first one finds nothing of its files in memory, and does not count.
        for _ in 0..=scale.starts {
            let runtime = RuntimeApi::start().await.unwrap();
            // The first of the mix: a volume.
            let event = events.more(10, PRINCIPALS).swap_remove(0);
            assert_eq!(event.record["eventName"], "CreateVolume");
            let begun = Instant::now();
            let answer = runtime.invoke(delivered(&event), DEADLINE);
            let process = self.process(&runtime, &stub);
            let answer = answer.await;
            times.push(begun.elapsed());
            assert!(matches!(answer, Answer::Response(_)), "{answer:?}\n{}", process.logs());
            self.assert_tagged(&stub, &[event], &process);
        }
        times.remove(0);
        median(times)
    }

    /// Batches of `size`, one after the other, before an AWS that takes its time.
    async fn throughput(&self, scale: &Scale, size: usize) -> Done {
        let (stub, mut events) = (aws(AWS_TAKES).unwrap(), Events::default());
        let runtime = RuntimeApi::start().await.unwrap();
        let process = self.process(&runtime, &stub);
        self.work(&events.more(10, PRINCIPALS), 10, &runtime, &stub, &process).await;
        let (mut times, mut megabytes) = (Vec::new(), None);
        for _ in 0..scale.rounds {
            let round = events.more(scale.events, PRINCIPALS);
            times.push(self.work(&round, size, &runtime, &stub, &process).await);
            megabytes.get_or_insert_with(|| peak_megabytes(process.pid()));
        }
        Done {
            events_a_second: scale.events as f64 / median(times).as_secs_f64(),
            megabytes: megabytes.unwrap_or(f64::NAN),
        }
    }

    /// How many calls follow each other in a batch of ten: the time that it takes before a slow AWS, in calls.
    async fn waits(&self) -> f64 {
        let (stub, mut events) = (aws(SLOW).unwrap(), Events::default());
        let runtime = RuntimeApi::start().await.unwrap();
        let process = self.process(&runtime, &stub);
        self.work(&events.more(10, PRINCIPALS), 10, &runtime, &stub, &process).await;
        let took = self.work(&events.more(10, PRINCIPALS), 10, &runtime, &stub, &process).await;
        took.as_secs_f64() / SLOW.as_secs_f64()
    }

    /// Counts the calls for events of one principal and region.
    async fn calls(&self, count: usize, size: usize) -> Calls {
        let stub = aws(Duration::ZERO).unwrap();
        let runtime = RuntimeApi::start().await.unwrap();
        let process = self.process(&runtime, &stub);
        let events = Events::default().more(count, 1);
        let payloads = payloads(&events, size);
        invoke(payloads, &runtime, &process).await;
        let counts = stub.counts();
        self.assert_tagged(&stub, &events, &process);
        counts
            .into_iter()
            .map(|((service, operation), count)| (format!("{service} {operation}"), count))
            .collect()
    }

    /// The time for events that are all in the queue when the clock starts.
    async fn work(
        &self,
        events: &[Event],
        size: usize,
        runtime: &RuntimeApi,
        stub: &Proxy,
        process: &FunctionProcess,
    ) -> Duration {
        let took = invoke(payloads(events, size), runtime, process).await;
        self.assert_tagged(stub, events, process);
        took
    }

    /// That the calls since the last time have tagged all that the events created, with who did it.
    fn assert_tagged(&self, stub: &Proxy, events: &[Event], process: &FunctionProcess) {
        let mut tagged: BTreeMap<String, String> = BTreeMap::new();
        for call in stub.calls().iter().filter(|call| call.operation == "CreateTags") {
            let form: BTreeMap<String, String> = call.form().collect();
            let key = form.iter().find(|(name, key)| name.ends_with(".Key") && *key == "PrincipalId");
            let value = key.map(|(name, _)| name.replace(".Key", ".Value")).and_then(|name| form.get(&name));
            let value = value.cloned().unwrap_or_default();
            tagged.extend(call.resources().into_iter().map(|id| (id, value.clone())));
        }
        stub.forget_calls();
        for event in events {
            let snapshot = event.snapshot.as_ref().filter(|_| self.finds_snapshots);
            for id in event.ids.iter().chain(snapshot) {
                assert_eq!(tagged.get(id), Some(&event.principal_id), "{id}\n{}", process.logs());
            }
        }
    }
}

fn payloads(events: &[Event], size: usize) -> Vec<Payload> {
    events.chunks(size).map(batch).collect()
}

/// All at once into the queue; a process takes them one by one.
async fn invoke(payloads: Vec<Payload>, runtime: &RuntimeApi, process: &FunctionProcess) -> Duration {
    let begun = Instant::now();
    let waiting: Vec<_> = payloads.into_iter().map(|payload| runtime.invoke(payload, DEADLINE)).collect();
    let none_failed: Value = json!({"batchItemFailures": []});
    for answer in waiting {
        assert_eq!(answer.await, Answer::Response(none_failed.clone()), "{}", process.logs());
    }
    begun.elapsed()
}

/// The most memory that a process has had at once. Not a number where the system does not tell.
fn peak_megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1_024.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap()
}
