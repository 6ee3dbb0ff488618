//! The program on trails of the generator, beside merely decompressing the same files with libdeflate.
//! `cargo bench -p autotag-cli --no-default-features --bench plan`; without `--bench` it runs once on a small trail, as a
//! test. Behind `--`: `--records N` for another size, `--rounds N`, `--growth N` for a table from 10,000 to N records, and
//! `--program FILE` to measure another build.
//!
//! Each command runs as a process of its own, by an otherwise idle process that asks the kernel (`getrusage`) for what
//! its one child took: CPU seconds of user and system together, and the peak of resident memory. Printed are the
//! least time and the most memory of some rounds, and the ratio of CPU time to libdeflate's in the same run.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::panic,
    reason = "a benchmark is not a library: it stops where it cannot go on, and prints"
)]

mod child;

use autotag_testkit::trail::{Shape, Trail, Written};
use child::{Cost, inflate, measure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The shares of creations and of sessions.
const TRAILS: [(f64, f64); 3] = [(4.0, 3.0), (0.5, 0.5), (0.0, 0.0)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(child::INFLATE) => inflate(Path::new(arguments.get(1).unwrap())),
        Some(child::MEASURE) => println!("{}", measure(arguments.get(1..).unwrap())),
        _ => benchmark(&Options::of(&arguments)),
    }
}

struct Options {
    records: u64,
    rounds: u32,
    growth: Option<u64>,
    program: PathBuf,
}

impl Options {
    fn of(arguments: &[String]) -> Self {
        let measured = arguments.iter().any(|argument| argument == "--bench");
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")))
        };
        let number = |name: &str| value(name).map(|value| value.parse::<u64>().unwrap());
        Self {
            records: number("--records").unwrap_or(if measured { 200_000 } else { 3_000 }),
            rounds: number("--rounds")
                .map_or(if measured { 3 } else { 1 }, |rounds| u32::try_from(rounds).unwrap()),
            growth: number("--growth"),
            program: value("--program").map_or_else(|| env!("CARGO_BIN_EXE_autotag").into(), PathBuf::from),
        }
    }
}

fn benchmark(options: &Options) {
    let Some(most) = options.growth else {
        for (creations, sessions) in TRAILS {
            let shape = Shape { records: options.records, creations, sessions, ..Shape::default() };
            Measured::new(&Input::generate(shape), options).report();
        }
        return;
    };
    println!(
        "plan --jobs 1, {} % creations, {} % sessions",
        Shape::default().creations,
        Shape::default().sessions
    );
    println!(
        "{:>12} {:>10} {:>8} {:>13} {:>12} {:>9}",
        "records", "JSON MB", "CPU s", "x libdeflate", "records/s", "peak MB"
    );
    let mut records = 10_000;
    while records <= most {
        let input = Input::generate(Shape { records, ..Shape::default() });
        let reference = best(options.rounds, || input.inflate());
        let plan = best(options.rounds, || input.plan(options, 1));
        println!(
            "{records:>12} {:>10.1} {:>8.2} {:>13.2} {:>12.0} {:>9.1}",
            input.megabytes(),
            plan.cpu,
            plan.cpu / reference.cpu,
            records as f64 / plan.wall,
            plan.peak
        );
        records *= 10;
    }
}

/// A trail in a folder that is removed at the end.
struct Input {
    folder: tempfile::TempDir,
    shape: Shape,
    written: Written,
    /// The id of a creation behind the middle of the trail.
    creation: Option<String>,
}

impl Input {
    fn generate(shape: Shape) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::new(shape.clone()).unwrap();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let written = trail.write(folder.path(), threads as u64).unwrap();
        let mut texts = (trail.files() / 2..trail.files()).map(|number| trail.log(number));
        let creation = texts.find_map(|text| id_of("CreateSecret", &text));
        Self { folder, shape, written, creation }
    }

    fn megabytes(&self) -> f64 {
        self.written.text as f64 / 1e6
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn inflate(&self) -> Cost {
        let ourselves = std::env::current_exe().unwrap();
        self.run(&[ourselves.to_str().unwrap(), child::INFLATE, self.path()])
    }

    fn plan(&self, options: &Options, jobs: u32) -> Cost {
        let program = options.program.to_str().unwrap();
        self.run(&[program, "plan", "--format", "jsonl", "--jobs", &jobs.to_string(), self.path()])
    }

    fn explain(&self, options: &Options, id: &str) -> Cost {
        self.run(&[options.program.to_str().unwrap(), "explain", "--jobs", "1", "--event", id, self.path()])
    }

    fn identify(&self, options: &Options, id: &str) -> Cost {
        self.run(&[options.program.to_str().unwrap(), "identify", "--event", id, self.path()])
    }

    /// Runs a command by a process that runs nothing else.
    fn run(&self, command: &[&str]) -> Cost {
        // A policy file in the present folder would be read.
        let mut measuring = Command::new(std::env::current_exe().unwrap());
        measuring.arg(child::MEASURE).args(command).current_dir(self.folder.path());
        let output = measuring.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().parse().unwrap()
    }
}

/// The least time and the most memory of some rounds.
fn best(rounds: u32, run: impl Fn() -> Cost) -> Cost {
    let costs = (0..rounds.max(1)).map(|_| run());
    let better = |one: Cost, other: Cost| Cost {
        cpu: one.cpu.min(other.cpu),
        wall: one.wall.min(other.wall),
        peak: one.peak.max(other.peak),
    };
    costs.reduce(better).unwrap()
}

/// The id of a record of this event.
fn id_of(event: &str, text: &str) -> Option<String> {
    let behind = text.split(&format!(r#""eventName":"{event}""#)).nth(1)?;
    Some(behind.split(r#""eventID":""#).nth(1)?.split('"').next()?.to_owned())
}

/// The cost of each command for one trail.
struct Measured<'a> {
    input: &'a Input,
    reference: Cost,
    one: Cost,
    two: Cost,
    /// Nothing is explained where nothing was created.
    explain: Option<Cost>,
    identify: Option<Cost>,
}

impl<'a> Measured<'a> {
    fn new(input: &'a Input, options: &Options) -> Self {
        Self {
            input,
            reference: best(options.rounds, || input.inflate()),
            one: best(options.rounds, || input.plan(options, 1)),
            two: best(options.rounds, || input.plan(options, 2)),
            explain: input.creation.as_ref().map(|id| best(options.rounds, || input.explain(options, id))),
            identify: input.creation.as_ref().map(|id| best(options.rounds, || input.identify(options, id))),
        }
    }

    fn report(&self) {
        let (shape, written) = (&self.input.shape, &self.input.written);
        println!(
            "{} % creations, {} % sessions: {} records, {:.1} MB of JSON, {:.1} MB in {} gzip files",
            shape.creations,
            shape.sessions,
            shape.records,
            self.input.megabytes(),
            written.bytes as f64 / 1e6,
            written.files
        );
        println!(
            "  {:20} {:>8} {:>13} {:>12} {:>8} {:>9}",
            "", "CPU s", "x libdeflate", "records/s", "MB/s", "peak MB"
        );
        self.line("libdeflate", &self.reference);
        self.line("plan --jobs 1", &self.one);
        self.line("plan --jobs 2", &self.two);
        for (name, cost) in [("explain --event", &self.explain), ("identify --event", &self.identify)] {
            if let Some(cost) = cost {
                self.line(name, cost);
            }
        }
        println!("  two jobs take {:.2} times less time than one", self.one.wall / self.two.wall);
    }

    fn line(&self, name: &str, cost: &Cost) {
        println!(
            "  {name:20} {:>8.3} {:>13.2} {:>12.0} {:>8.0} {:>9.1}",
            cost.cpu,
            cost.cpu / self.reference.cpu,
            self.input.shape.records as f64 / cost.wall,
            self.input.megabytes() / cost.wall,
            cost.peak
        );
    }
}
